// The manifest keeps the prefixes: it lies beside the artefacts and says what is in them, while the
// lock says what was accepted and may be ahead of what was built.
#include "driver/tag_changes.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "support/text.h"

namespace hcipol::driver {

namespace {

using Json = nlohmann::ordered_json;

// Enough to recognise a change; the artefacts' own difference has the rest.
constexpr std::size_t most_shown = 4;

std::string json_string(std::string_view text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::optional<net::Cidr> read_cidr(const Json& json) {
  if (!json.is_string()) return std::nullopt;
  const auto& text = json.get_ref<const std::string&>();
  return text.find('/') == std::string::npos ? std::nullopt : net::parse_cidr(text);
}

std::optional<BuiltTags> read_tags(const Json& json) {
  if (!json.is_object() || !json.contains("change_number") ||
      !json["change_number"].is_number_integer() || !json.contains("tags") ||
      !json["tags"].is_object()) {
    return std::nullopt;
  }
  BuiltTags out{json["change_number"], {}};
  for (const auto& [tag, prefixes] : json["tags"].items()) {
    if (!prefixes.is_array()) return std::nullopt;
    std::vector<net::AddressRange> ranges;
    for (const Json& prefix : prefixes) {
      const auto cidr = read_cidr(prefix);
      if (!cidr) return std::nullopt;
      ranges.push_back({cidr->network, net::last_of(cidr->network, cidr->length)});
    }
    out.tags.emplace(tag, net::AddressSet::of(std::move(ranges)));
  }
  return out;
}

void append_prefixes(std::string& out, std::string_view sign,
                     const std::vector<net::Cidr>& prefixes) {
  std::size_t shown = 0;
  for (const net::Cidr& prefix : prefixes) {
    if (shown++ == most_shown) {
      out += ", …";
      return;
    }
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", sign, net::to_string(prefix));
  }
}

}  // namespace

TagRecord tags_used(const sema::Evaluator& evaluator) {
  TagRecord out;
  for (const sema::TagFileRead& file : evaluator.tags_read()) {
    if (file.tags->used().empty()) continue;
    out[file.head.cloud] = {file.head.change_number, file.tags->used()};
  }
  return out;
}

std::string to_json(const TagRecord& record) {
  std::string out = "{";
  std::string_view next_cloud;
  for (const auto& [cloud, built] : record) {
    out += fmt::format("{}\n    {}: {{\n      \"change_number\": {},\n      \"tags\": {{",
                       next_cloud, json_string(cloud), built.change_number);
    next_cloud = ",";
    std::string_view next_tag;
    for (const auto& [tag, addresses] : built.tags) {
      out += fmt::format("{}\n        {}: [", next_tag, json_string(tag));
      next_tag = ",";
      std::string_view next_prefix;
      for (const net::Cidr& prefix : addresses.cidrs()) {
        out += fmt::format("{}\n          \"{}\"", next_prefix, net::to_string(prefix));
        next_prefix = ",";
      }
      out += "\n        ]";
    }
    out += "\n      }\n    }";
  }
  return out + "\n  }";
}

std::optional<TagRecord> read_tag_record(const std::string& text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  TagRecord out;
  for (const auto& [cloud, value] : json.items()) {
    auto tags = read_tags(value);
    if (!tags) return std::nullopt;
    out.emplace(cloud, *std::move(tags));
  }
  return out;
}

std::vector<std::string> tag_changes(const TagRecord& before, const TagRecord& after) {
  std::vector<std::string> out;
  for (const auto& [cloud, now] : after) {
    const auto then = before.find(cloud);
    if (then == before.end()) continue;
    for (const auto& [tag, addresses] : now.tags) {
      const auto former = then->second.tags.find(tag);
      if (former == then->second.tags.end()) continue;
      const std::vector<net::Cidr> came = (addresses - former->second).cidrs();
      const std::vector<net::Cidr> went = (former->second - addresses).cidrs();
      if (came.empty() && went.empty()) continue;
      std::string examples;
      append_prefixes(examples, "+", came);
      append_prefixes(examples, "-", went);
      out.push_back(fmt::format("service tag {}: {} came, {} went: {}", tag,
                                counted(came.size(), "prefix", "prefixes"), went.size(), examples));
    }
  }
  return out;
}

}  // namespace hcipol::driver
