// The texts are in the lock line by line; a digest of each module tells when one was edited there.
#include "sema/lockfile.h"

#include <fmt/format.h>

#include <algorithm>

#include <nlohmann/json.hpp>

#include "sema/loader.h"
#include "support/files.h"
#include "support/sha256.h"
#include "support/text.h"

namespace hcipol::sema {

namespace {

using OrderedJson = nlohmann::ordered_json;

constexpr int version = 1;
constexpr std::string_view library_prefix = "std/";
/// The edition of the language that the locked texts are written in.
constexpr int language = 1;

std::string file_name(std::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));
}

OrderedJson lines(std::string_view text) {
  OrderedJson out = OrderedJson::array();
  for (const std::string_view line : split(text, '\n')) out.push_back(line);
  return out;
}

// The keys of an object must be exactly these, or the lock says something that nobody reads.
bool has_only(const OrderedJson& json, std::initializer_list<std::string_view> keys,
              std::string& error, std::string_view optional = {}) {
  if (!json.is_object()) {
    error = "an object is missing";
    return false;
  }
  for (const std::string_view key : keys) {
    if (json.contains(key)) continue;
    error = fmt::format("`{}` is missing", key);
    return false;
  }
  for (const auto& [key, value] : json.items()) {
    if (key == optional || std::find(keys.begin(), keys.end(), key) != keys.end()) continue;
    error = fmt::format("nothing is called `{}` there", one_line(key, 80));
    return false;
  }
  return true;
}

bool is_text(const OrderedJson& json, std::string& error) {
  if (!json.is_string()) error = "a text is missing";
  return json.is_string();
}

std::optional<std::string> joined(const OrderedJson& json, std::string& error) {
  std::string out;
  if (!json.is_array() || json.empty()) {
    error = "a text has no lines";
    return std::nullopt;
  }
  for (const OrderedJson& line : json) {
    if (!is_text(line, error)) return std::nullopt;
    if (&line != &json.front()) out += '\n';
    out += line.get_ref<const std::string&>();
  }
  return out;
}

std::optional<LockedModule> module_of(const std::string& path, const OrderedJson& json,
                                      std::string& error) {
  if (!has_only(json, {"revision", "sha256", "files"}, error)) return std::nullopt;
  if (!path.starts_with(library_prefix)) {
    error = fmt::format("`{}` is no module of the library", one_line(path, 80));
    return std::nullopt;
  }
  LockedModule out;
  if (!is_text(json["revision"], error) || !is_text(json["sha256"], error)) return std::nullopt;
  out.revision = json["revision"];
  if (!json["files"].is_object()) {
    error = fmt::format("`{}` has no files", path);
    return std::nullopt;
  }
  for (const auto& [name, text] : json["files"].items()) {
    auto whole = joined(text, error);
    if (!whole) return std::nullopt;
    out.files.emplace(join_path(path.substr(library_prefix.size()), name), std::move(*whole));
  }
  if (out.digest() != json["sha256"]) {
    error = fmt::format("the text of `{}` is not the one that its `sha256` was made from", path);
    return std::nullopt;
  }
  return out;
}

}  // namespace

std::string LockedModule::digest() const {
  std::string all;
  for (const auto& [name, text] : files) {
    all += fmt::format("{}\n{}\n", name, text.size());
    all += text;
  }
  return sha256_hex(all);
}

std::vector<EmbeddedFile> Lock::library() const {
  std::vector<EmbeddedFile> out;
  for (const auto& [path, module] : modules) {
    for (const auto& [name, text] : module.files) out.push_back({name, text});
  }
  return out;
}

std::optional<Lock> parse_lock(std::string_view text, std::string& error) {
  const OrderedJson json = OrderedJson::parse(text, nullptr, false);
  if (json.is_discarded()) {
    error = "it is not JSON";
    return std::nullopt;
  }
  if (!has_only(json, {"version", "language", "modules", "files"}, error, "service_tags")) {
    return std::nullopt;
  }
  if (json["version"] != version || json["language"] != language) {
    error = fmt::format("it is of version {} for language {}, and this compiler knows {} and {}",
                        json["version"].dump(), json["language"].dump(), version, language);
    return std::nullopt;
  }
  if (!json["modules"].is_object() || !json["files"].is_object()) {
    error = "`modules` and `files` are objects";
    return std::nullopt;
  }
  Lock out;
  for (const auto& [path, value] : json["modules"].items()) {
    auto module = module_of(path, value, error);
    if (!module) return std::nullopt;
    out.modules.emplace(path, std::move(*module));
  }
  for (const auto& [path, digest] : json["files"].items()) {
    if (!is_text(digest, error)) return std::nullopt;
    out.files.emplace(path, digest);
  }
  const OrderedJson tags = json.value("service_tags", OrderedJson::object());
  if (!tags.is_object()) {
    error = "`service_tags` is an object";
    return std::nullopt;
  }
  for (const auto& [cloud, change] : tags.items()) {
    if (!change.is_number_integer()) {
      error = fmt::format("`service_tags` has no number for `{}`", one_line(cloud, 80));
      return std::nullopt;
    }
    out.service_tags.emplace(cloud, change);
  }
  return out;
}

std::string to_string(const Lock& lock) {
  OrderedJson json{{"version", version},
                   {"language", language},
                   {"modules", OrderedJson::object()},
                   {"files", OrderedJson::object()}};
  for (const auto& [path, module] : lock.modules) {
    OrderedJson& one = json["modules"][path];
    one = {{"revision", module.revision},
           {"sha256", module.digest()},
           {"files", OrderedJson::object()}};
    for (const auto& [name, text] : module.files) one["files"][file_name(name)] = lines(text);
  }
  for (const auto& [path, digest] : lock.files) json["files"][path] = digest;
  for (const auto& [cloud, change] : lock.service_tags) json["service_tags"][cloud] = change;
  return json.dump(2) + "\n";
}

std::string revision_of(const ModuleSource& source, const SourceMap& sources) {
  const auto* revision =
      source.package == nullptr ? nullptr : find_attribute(source.package->items, "revision");
  return revision == nullptr ? "" : std::string(sources.text(revision->value->span));
}

LockedModule locked_module(const ModuleSource& source, const SourceMap& sources) {
  LockedModule out;
  out.revision = revision_of(source, sources);
  const std::string folder = source.path.substr(library_prefix.size());
  const auto add = [&](std::string_view path, std::string_view text) {
    out.files.emplace(join_path(folder, file_name(path)), text);
  };
  for (const syntax::File& file : source.files) {
    const SourceFile& read = sources.file(file.id);
    if (!source.test_files.contains(file.id)) add(read.path, read.text);
  }
  for (const ModuleSource::Unread& unread : source.unread) {
    if (!is_test_file(unread.path)) add(unread.path, unread.text);
  }
  return out;
}

Lock lock_of(const Program& program, const Evaluator& evaluator, const SourceMap& sources) {
  Lock out;
  for (const ModuleSource& source : program.sources) {
    if (!source.library) continue;
    out.modules.emplace(source.path, locked_module(source, sources));
  }
  const std::string& root = program.sources.front().directory;
  for (const auto& [path, file] : evaluator.files_read()) {
    out.files.emplace(relative_path(path, root), file.digest);
  }
  for (const TagFileRead& file : evaluator.tags_read()) {
    out.service_tags.emplace(file.head.cloud, file.head.change_number);
  }
  return out;
}

}  // namespace hcipol::sema
