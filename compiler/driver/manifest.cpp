// Ordered JSON, one line per artefact rule, so that a changed rule is a changed line.
#include "driver/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "driver/former_build.h"
#include "driver/version.h"
#include "net/id_table.h"
#include "support/files.h"
#include "support/sha256.h"
#include "support/text.h"

namespace hcipol::driver {

namespace {

using Json = nlohmann::ordered_json;

// A manifest is megabytes long: its text is made once, in place.
template <class... Parts>
void append(std::string& out, const Parts&... parts) {
  (out.append(std::string_view(parts)), ...);
}

void append_json(std::string& out, std::string_view text) {
  if (printable_ascii_but<'"', '\\'>(text)) {
    append(out, "\"", text, "\"");
  } else {
    append(out, Json(text).dump(-1, ' ', false, Json::error_handler_t::replace));
  }
}

void append_list(std::string& out, const std::vector<std::string>& list) {
  std::string_view before = "[";
  for (const std::string& text : list) {
    append(out, before);
    append_json(out, text);
    before = ",";
  }
  append(out, list.empty() ? "[]" : "]");
}

std::string json_text(std::string_view text) {
  std::string out;
  append_json(out, text);
  return out;
}

/// A rule's address, "main.hcipol:79" and the document, as fields that follow another. Files are
/// named from the policy's directory and those of the library by its own name, so that a build says
/// the same wherever it is started.
class Places {
 public:
  explicit Places(const Compilation& compilation)
      : sources_(compilation.sources), modules_(compilation.program->sources) {}

  /// Good until the next call.
  std::string_view fields(const policy::Rule& rule) {
    const auto fresh = static_cast<std::uint32_t>(ends_.size());
    const auto number = numbers_.find_or_add(reinterpret_cast<std::uintptr_t>(&rule), fresh);
    if (number == fresh) {
      append_fields(texts_, rule, ", ", ": ");
      ends_.push_back(texts_.size());
    }
    const std::size_t begin = number == 0 ? 0 : ends_[number - 1];
    return std::string_view(texts_).substr(begin, ends_[number] - begin);
  }
  /// The same as an object in a list, in the form of spaced().
  void append_object(std::string& out, const policy::Rule& rule) {
    const std::size_t begin = out.size();
    append_fields(out, rule, ",", ":");
    out[begin] = '{';
    out += '}';
  }

 private:
  void append_fields(std::string& out, const policy::Rule& rule, std::string_view before,
                     std::string_view colon) {
    const Span span = rule.origin.span;
    const auto [name, unknown] = names_.try_emplace(span.file);
    if (unknown) {
      name->second = json_text(name_of(sources_.file(span.file).path) + ":");
      name->second.pop_back();
    }
    append(out, before, "\"rule\"", colon);
    append_json(out, rule.address);
    const fmt::format_int line(sources_.line_of(span.file, span.begin));
    append(out, before, "\"at\"", colon, name->second, std::string_view(line.data(), line.size()),
           "\"");
    if (rule.origin.source.empty()) return;
    append(out, before, "\"source\"", colon);
    append_json(out, rule.origin.source);
  }
  std::string name_of(const std::string& path) const {
    for (const sema::ModuleSource& module : modules_) {
      if (!module.library) continue;
      const std::string& from = module.directory.empty() ? module.path : module.directory;
      if (path.starts_with(from + "/")) return module.path + path.substr(from.size());
    }
    return relative_path(path, modules_.front().directory);
  }

  const SourceMap& sources_;
  const std::deque<sema::ModuleSource>& modules_;
  std::map<FileId, std::string> names_;  ///< "main.hcipol: as JSON, without the closing quote
  // A rule is named once for each device: its fields are a stretch of one text.
  net::IdTable numbers_;  ///< by address of the rule
  std::string texts_;
  std::vector<std::size_t> ends_;  ///< of the stretches, by number
};

// An object on one line, with the blanks that this file writes.
std::string spaced(const Json& object) {
  std::string out = "{";
  for (const auto& [key, value] : object.items()) {
    out += out.size() == 1 ? " " : ", ";
    out += fmt::format("{}: {}", json_text(key),
                       value.dump(-1, ' ', false, Json::error_handler_t::replace));
  }
  return out + " }";
}

/// What a manifest says of a target: what was built, or else the text of a former manifest.
struct TargetEntry {
  std::vector<const BuiltFile*> files;
  std::vector<const BuiltRemark*> remarks;
  const DeviceRecord* device = nullptr;
  std::string kept;
};

void append_file(const BuiltFile& file, Places& places, std::string& out) {
  append(out, "\n        {\n          \"path\": ", json_text(file.path),
         ",\n          \"sha256\": \"", sha256_hex(file.text), "\",\n          \"rules\": [");
  std::string_view before = "\n";
  for (const auto& [id, rule] : file.rules) {
    append(out, before, rule_begin);
    append_json(out, id);
    if (rule != nullptr) append(out, places.fields(*rule));
    append(out, " }");
    before = ",\n";
  }
  append(out, file.rules.empty() ? "" : "\n          ", "]\n        }");
}

/// What the device says in one rule for several of the policy concerns all of them.
void append_rules(const std::vector<const policy::Rule*>& rules, Places& places, std::string& out) {
  if (rules.size() == 1) return append(out, places.fields(*rules.front()));
  std::string_view before = ", \"rules\": [";
  for (const policy::Rule* rule : rules) {
    append(out, before);
    places.append_object(out, *rule);
    before = ",";
  }
  append(out, rules.empty() ? "" : "]");
}

void append_remark(const BuiltRemark& remark, Places& places, std::string& out) {
  append(out, remark_begin, "\"", remark.code, "\"");
  append_rules(remark.rules, places, out);
  append(out, ", \"text\": ");
  append_json(out, remark.text);
  // In the form of spaced(), which writes it again when only other targets are built.
  std::string_view before = ", \"wider\": [";
  for (const backends::Wider& one : remark.wider) {
    append(out, before, "{");
    before = "";
    for (const auto& [key, list] :
         {std::pair<std::string_view, const std::vector<std::string>&>{"\"from\":", one.from},
          {"\"to\":", one.to}}) {
      if (list.empty()) continue;
      append(out, before, key);
      append_list(out, list);
      before = ",";
    }
    if (!one.on.empty()) {
      append(out, before, "\"on\":");
      append_json(out, one.on);
    }
    append(out, "}");
    before = ",";
  }
  if (!remark.wider.empty()) append(out, "]");
  append(out, " }");
}

/// Members that follow another, each of them only if there is something to say.
void append_device(const DeviceRecord& device, std::string& out) {
  std::string_view before = ",\n      \"budgets\": [\n";
  for (const backends::Budget& budget : device.budgets) {
    append(out, before, "        { \"limit\": ", json_text(budget.limit),
           fmt::format(", \"used\": {}, \"allowed\": {} }}", budget.used, budget.allowed));
    before = ",\n";
  }
  if (!device.budgets.empty()) append(out, "\n      ]");
  before = ",\n      \"made\": [\n";
  for (const backends::Made& one : device.made) {
    append(out, before, "        { \"what\": ", json_text(one.what),
           ", \"remove\": ", json_text(one.remove), " }");
    before = ",\n";
  }
  if (!device.made.empty()) append(out, "\n      ]");
}

void append_target(const TargetEntry& target, Places& places, std::string& out) {
  append(out, target.kept);
  if (!target.kept.empty()) return;
  append(out, "{\n      \"files\": [");
  std::string_view before;
  for (const BuiltFile* file : target.files) {
    append(out, before);
    append_file(*file, places, out);
    before = ",";
  }
  append(out, "\n      ],\n      \"remarks\": [");
  before = "\n";
  for (const BuiltRemark* remark : target.remarks) {
    append(out, before);
    append_remark(*remark, places, out);
    before = ",\n";
  }
  append(out, target.remarks.empty() ? "" : "\n      ", "]");
  if (target.device != nullptr) append_device(*target.device, out);
  append(out, "\n    }");
}

// More than enough: what is not used of it is never touched.
std::size_t size_hint(const Built& built) {
  constexpr std::size_t rule_text = 400;
  std::size_t lines = built.remarks.size();
  for (const BuiltFile& file : built.files) lines += file.rules.size();
  return 10'000 + lines * rule_text;
}

bool are_objects(const Json& list) {
  return list.is_array() &&
         std::all_of(list.begin(), list.end(), [](const Json& each) { return each.is_object(); });
}

}  // namespace

std::optional<KeptTargets> kept_targets(const std::string& manifest, const DeviceRecords& devices) {
  const Json json = Json::parse(manifest, nullptr, false);
  if (json.is_discarded()) return std::nullopt;
  KeptTargets out;
  for (const auto& [name, value] : json["targets"].items()) {
    const std::size_t slash = name.find('/');
    if (slash == std::string::npos) continue;
    std::string files;
    for (const Json& file : value.value("files", Json::array())) {
      files += files.empty() ? "" : ",";
      files += fmt::format(
          "\n        {{\n          \"path\": {},\n          \"sha256\": {},\n"
          "          \"rules\": [",
          file["path"].dump(), file["sha256"].dump());
      std::string rules;
      const auto list = file.find("rules");
      if (list == file.end() || !are_objects(*list)) return std::nullopt;
      for (const Json& rule : *list) {
        rules += rules.empty() ? "\n" : ",\n";
        rules += fmt::format("            {}", spaced(rule));
      }
      files += rules + (rules.empty() ? "" : "\n          ") + "]\n        }";
    }
    std::string remarks;
    const Json list = value.value("remarks", Json::array());
    if (!are_objects(list)) return std::nullopt;
    for (const Json& remark : list) {
      remarks += remarks.empty() ? "\n" : ",\n";
      remarks += fmt::format("        {}", spaced(remark));
    }
    if (!remarks.empty()) remarks += "\n      ";
    std::string device;
    if (const auto known = devices.find(name); known != devices.end()) {
      append_device(known->second, device);
    }
    out[{name.substr(0, slash), name.substr(slash + 1)}] =
        fmt::format("{{\n      \"files\": [{}\n      ],\n      \"remarks\": [{}]{}\n    }}", files,
                    remarks, device);
  }
  return out;
}

std::string manifest(const Compilation& compilation, const Built& built,
                     const std::optional<Date>& as_of, KeptTargets kept) {
  std::map<TargetKey, TargetEntry> targets;
  for (const BuiltFile& file : built.files) {
    targets[{file.cluster, file.target}].files.push_back(&file);
  }
  for (const BuiltRemark& remark : built.remarks) {
    const auto target = targets.find({remark.cluster, remark.target});
    if (target != targets.end()) target->second.remarks.push_back(&remark);
  }
  for (const auto& [name, record] : built.devices) {
    const std::size_t slash = name.rfind('/');
    const auto target = targets.find({name.substr(0, slash), name.substr(slash + 1)});
    if (target != targets.end()) target->second.device = &record;
  }
  std::set<std::string> rebuilt;
  for (const policy::Target& target : compilation.policy.targets) rebuilt.insert(target.folder());
  for (auto& [key, text] : kept) {
    if (!rebuilt.contains(key.second)) targets[key].kept = std::move(text);
  }
  std::string out;
  out.reserve(size_hint(built));
  append(out, "{\n  \"version\": 1,\n  \"compiler\": \"", version, "\",\n");
  if (!compilation.policy.name.empty()) {
    out += fmt::format("  \"policy\": {},\n", json_text(compilation.policy.name));
  }
  if (as_of) out += fmt::format("  \"as_of\": \"{}\",\n", to_string(*as_of));
  out += "  \"library\": {";
  std::string library;
  for (const auto& [path, revision] : compilation.policy.library_revisions) {
    library += library.empty() ? " " : ", ";
    library += fmt::format("{}: {}", json_text(path), json_text(revision));
  }
  out += library + (library.empty() ? "},\n" : " },\n");
  const TagRecord tags = tags_used(*compilation.evaluator);
  if (!tags.empty()) append(out, "  \"service_tags\": ", to_json(tags), ",\n");
  out += "  \"targets\": {";
  Places places(compilation);
  std::string_view before;
  for (const auto& [key, target] : targets) {
    append(out, before, "\n    ", json_text(key.first + "/" + key.second), ": ");
    append_target(target, places, out);
    before = ",";
  }
  out += targets.empty() ? "}\n}\n" : "\n  }\n}\n";
  return out;
}

}  // namespace hcipol::driver
