// Of megabytes a few lines are asked for.
#include "driver/former_build.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "support/files.h"

namespace hcipol::driver {

namespace {

using Json = nlohmann::ordered_json;

// The lines of rules and remarks, which are nearly all of a manifest and not asked for when it is
// read, left out. A line break cannot stand within a string, so a line that begins like these and
// ends with its object is a member of a list.
std::string without_rules(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end);
    const bool member = line.starts_with(rule_begin) || line.starts_with(remark_begin);
    if (!member || !(line.ends_with(" },\n") || line.ends_with(" }\n"))) out += line;
  }
  return out;
}

/// What a manifest says of a target beside its files and remarks. Nothing if that is of another
/// form than manifest() writes.
std::optional<DeviceRecord> read_device(const Json& target) {
  DeviceRecord out;
  const auto is_text = [](const Json& value, const char* key) {
    return value.is_object() && value.contains(key) && value[key].is_string();
  };
  const auto is_count = [](const Json& value, const char* key) {
    return value.contains(key) && value[key].is_number_unsigned();
  };
  for (const Json& one : target.value("budgets", Json::array())) {
    if (!is_text(one, "limit") || !is_count(one, "used") || !is_count(one, "allowed")) {
      return std::nullopt;
    }
    out.budgets.push_back({one["limit"], one["used"], one["allowed"]});
  }
  for (const Json& one : target.value("made", Json::array())) {
    if (!is_text(one, "what") || !is_text(one, "remove")) return std::nullopt;
    out.made.push_back({one["what"], one["remove"]});
  }
  return out;
}

}  // namespace

std::optional<FormerBuild> read_manifest(const std::string& text, std::string& error) {
  Json json = Json::parse(without_rules(text), nullptr, false);
  // Somebody's own layout is as good as ours.
  if (json.is_discarded()) json = Json::parse(text, nullptr, false);
  if (json.is_discarded() || !json.is_object() || json.value("version", Json()) != 1 ||
      !json.contains("targets") || !json["targets"].is_object()) {
    error = not_json;
    return std::nullopt;
  }
  FormerBuild out;
  if (json.contains("service_tags")) {
    auto tags = read_tag_record(json["service_tags"].dump());
    if (!tags) {
      error = "its `service_tags` are no list of prefixes by cloud and tag";
      return std::nullopt;
    }
    out.tags = *std::move(tags);
  }
  for (const auto& [name, target] : json["targets"].items()) {
    if (!target.is_object() || !target.contains("files") || !target["files"].is_array()) {
      error = "a target has no list of files";
      return std::nullopt;
    }
    for (const Json& file : target["files"]) {
      const Json path = file.is_object() ? file.value("path", Json()) : Json();
      const std::string normal = path.is_string() ? normal_path(path.get<std::string>()) : "..";
      const bool inside = !normal.starts_with("..") && !normal.starts_with('/') && normal != ".";
      if (!inside || !file.contains("sha256")) {
        error = "a file has no path inside the output directory";
        return std::nullopt;
      }
      out.files.insert(normal);
    }
    auto device = read_device(target);
    if (!device) {
      error = "the `budgets` or `made` of a target are of another form";
      return std::nullopt;
    }
    out.devices[name] = *std::move(device);
  }
  return out;
}

}  // namespace hcipol::driver
