// Faults in JSON, made in the template and in its file of parameters where both say the same.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/mutation/mutants.h"

namespace hcipol::test {

class TemplateFaults {
 public:
  using Json = nlohmann::ordered_json;
  using Path = Json::json_pointer;

  /// Of the template `pair` and its file of parameters.
  TemplateFaults(const backends::Emission& emission, Mutants& out, std::size_t pair = 0)
      : out_(out) {
    const std::size_t end = std::min(2 * pair + 2, emission.artefacts.size());
    for (std::size_t i = 2 * pair; i < end; ++i) {
      const bool values = emission.artefacts[i].path.ends_with(".parameters.json");
      (values ? values_file_ : file_) = i;
      (values ? values_ : json_) = Json::parse(emission.artefacts[i].text);
    }
    collect(json_, Path());
  }

  /// Changes each node whose path matches; `edit` says whether it could be applied.
  void each(std::string_view fault, const std::string& pattern,
            const std::function<bool(Json& node)>& edit, std::size_t most = 6) {
    const std::regex regex(pattern);
    std::vector<Path> places;
    for (const Path& path : paths_) {
      if (!std::regex_match(path.to_string(), regex)) continue;
      Json node = json_.at(path);
      const Json before = node;
      if (edit(node) && node != before) places.push_back(path);
    }
    for (const std::size_t p : spread(places.size(), most)) {
      Json changed = json_;
      edit(changed.at(places[p]));
      add(fault, places[p].to_string(), {{file_, changed.dump(2) + "\n"}});
    }
  }

  /// Changes an entry of an IP group, in the template and in the file of parameters.
  void each_address(std::string_view fault, const std::function<bool(Json& list)>& edit,
                    std::size_t most = 8) {
    std::vector<std::string> names;
    if (json_.is_array()) return;
    for (const auto& [name, parameter] : json_["parameters"].items()) {
      Json list = parameter["defaultValue"];
      if (list.is_array() && edit(list) && list != parameter["defaultValue"]) names.push_back(name);
    }
    for (const std::size_t p : spread(names.size(), most)) {
      Json changed = json_;
      Json values = values_;
      edit(changed["parameters"][names[p]]["defaultValue"]);
      values["parameters"][names[p]]["value"] = changed["parameters"][names[p]]["defaultValue"];
      add(fault, names[p],
          {{file_, changed.dump(2) + "\n"}, {values_file_, values.dump(2) + "\n"}});
    }
  }

  void add(std::string_view fault, std::string_view place,
           std::map<std::size_t, std::string> texts) {
    out_.push_back({std::string(fault), std::string(place), std::move(texts), {}});
  }

  const Json& json() const { return json_; }
  const Json& values() const { return values_; }
  std::size_t file() const { return file_; }
  std::size_t values_file() const { return values_file_; }

 private:
  void collect(const Json& node, const Path& path) {
    paths_.push_back(path);
    if (node.is_object()) {
      for (const auto& [key, child] : node.items()) collect(child, path / key);
    } else if (node.is_array()) {
      for (std::size_t i = 0; i < node.size(); ++i) collect(node[i], path / i);
    }
  }

  Json json_;
  Json values_;
  std::size_t file_ = 0;
  std::size_t values_file_ = 0;
  std::vector<Path> paths_;
  Mutants& out_;
};

/// True if the node was `from`.
inline bool set(nlohmann::ordered_json& node, const nlohmann::ordered_json& from,
                const nlohmann::ordered_json& to) {
  if (node != from) return false;
  node = to;
  return true;
}

}  // namespace hcipol::test
