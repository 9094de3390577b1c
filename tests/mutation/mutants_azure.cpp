// TemplateFaults of a printer of templates, made in the JSON of both files at once where both say
// the same.
#include <nlohmann/json.hpp>
#include <regex>

#include "tests/mutation/mutants.h"

namespace hcipol::test {

namespace {

using Json = nlohmann::ordered_json;
using Path = Json::json_pointer;

class TemplateFaults {
 public:
  TemplateFaults(const backends::Emission& emission, Mutants& out) : out_(out) {
    for (std::size_t i = 0; i < emission.artefacts.size(); ++i) {
      const bool values = emission.artefacts[i].path.ends_with(".parameters.json");
      (values ? values_file_ : file_) = i;
      (values ? values_ : json_) = Json::parse(emission.artefacts[i].text);
    }
    collect(json_, Path());
  }

  /// Changes each node whose path matches; `edit` says whether it could be applied.
  void each(std::string_view fault, const char* pattern,
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

bool set(Json& node, const Json& from, const Json& to) {
  if (node != from) return false;
  node = to;
  return true;
}

bool rename(Json& rule, const char* from, const char* to) {
  if (!rule.contains(from) || rule.contains(to)) return false;
  rule[to] = rule[from];
  rule.erase(from);
  return true;
}

#define RULE "/resources/\\d+/properties/ruleCollections/\\d+/rules/\\d+"
#define COLLECTION "/resources/\\d+/properties/ruleCollections/\\d+"

void template_rules(TemplateFaults& faults) {
  faults.each(
      "removed rule", COLLECTION "/rules",
      [](Json& list) {
        if (list.size() < 2) return false;
        list.erase(list.begin());
        return true;
      },
      12);
  faults.each("removed rule", COLLECTION "/rules", [](Json& list) {
    if (list.size() < 2) return false;
    list.erase(list.end() - 1);
    return true;
  });
  faults.each("added rule", COLLECTION "/rules", [](Json& list) {
    Json rule = list.front();
    if (rule["ruleType"] != "NetworkRule") return false;
    rule["name"] = "more";
    rule["ipProtocols"] = {"TCP"};
    rule["destinationPorts"] = {"9"};
    list.push_back(rule);
    return true;
  });
  faults.each("lost port", RULE "/destinationPorts", [](Json& list) {
    if (list.size() < 2) return false;
    list.erase(list.begin());
    return true;
  });
  faults.each("changed port", RULE "/destinationPorts/\\d+",
              [](Json& port) { return set(port, "443", "4430") || set(port, "445", "446"); });
  faults.each("every port", RULE "/destinationPorts", [](Json& list) {
    if (list.front() == "*") return false;
    list = {"*"};
    return true;
  });
  faults.each("changed protocol", RULE "/ipProtocols/\\d+", [](Json& protocol) {
    return set(protocol, "TCP", "UDP") || set(protocol, "UDP", "TCP");
  });
  faults.each("every protocol", RULE, [](Json& rule) {
    if (!rule.contains("ipProtocols") || rule["ipProtocols"].front() == "Any") return false;
    rule["ipProtocols"] = {"Any"};
    rule["destinationPorts"] = {"*"};
    return true;
  });
  faults.each("changed web port", RULE "/protocols/\\d+/port",
              [](Json& port) { return set(port, 443, 8443) || set(port, 80, 8080); });
  faults.each("lost web protocol", RULE "/protocols", [](Json& list) {
    if (list.size() < 2) return false;
    list.erase(list.begin());
    return true;
  });
  faults.each("changed action", COLLECTION "/action/type",
              [](Json& type) { return set(type, "Allow", "Deny"); });
  faults.each("unknown action", COLLECTION "/action/type",
              [](Json& type) { return set(type, "Allow", "Audit"); });
  faults.each("changed kind", RULE "/ruleType", [](Json& type) {
    return set(type, "NetworkRule", "ApplicationRule") ||
           set(type, "ApplicationRule", "NetworkRule");
  });
  faults.each("unknown attribute", RULE, [](Json& rule) {
    rule["terminateTLS"] = true;
    return true;
  });
}

void template_ends(TemplateFaults& faults) {
  faults.each("swapped source and destination", RULE, [](Json& rule) {
    if (!rule.contains("sourceIpGroups") || !rule.contains("destinationIpGroups")) return false;
    std::swap(rule["sourceIpGroups"], rule["destinationIpGroups"]);
    return true;
  });
  faults.each("swapped source and destination", RULE, [](Json& rule) {
    return rename(rule, "sourceIpGroups", "spare") &&
           rename(rule, "destinationAddresses", "sourceAddresses") &&
           rename(rule, "spare", "destinationIpGroups");
  });
  faults.each("lost source", RULE, [](Json& rule) {
    if (!rule.contains("sourceIpGroups") || rule["sourceIpGroups"].size() < 2) return false;
    rule["sourceIpGroups"].erase(rule["sourceIpGroups"].begin());
    return true;
  });
  faults.each("no source", RULE, [](Json& rule) { return rule.erase("sourceIpGroups") > 0; });
  faults.each("every source", RULE, [](Json& rule) {
    if (rule.erase("sourceIpGroups") == 0) return false;
    rule["sourceAddresses"] = {"*"};
    return true;
  });
  faults.each("every destination", RULE, [](Json& rule) {
    if (rule["ruleType"] != "NetworkRule" ||
        rule.value("destinationAddresses", Json()) == Json({"*"}))
      return false;
    rule.erase("destinationIpGroups");
    rule.erase("destinationFqdns");
    rule["destinationAddresses"] = {"*"};
    return true;
  });
  faults.each("lost destination", RULE "/(destinationAddresses|destinationFqdns)", [](Json& list) {
    if (list.size() < 2) return false;
    list.erase(list.begin());
    return true;
  });
  faults.each("widened prefix", RULE "/(destination|source)Addresses/\\d+", [](Json& entry) {
    const auto wide = widened(entry.get<std::string>());
    if (wide) entry = *wide;
    return wide.has_value();
  });
  faults.each("changed tag", RULE "/destinationAddresses/\\d+", [](Json& entry) {
    const auto text = entry.get<std::string>();
    if (text.find_first_of("0123456789*") != std::string::npos) return false;
    entry = text + "s";
    return true;
  });
  faults.each("lost name", RULE "/targetFqdns", [](Json& list) {
    if (list.size() < 2) return false;
    list.erase(list.begin());
    return true;
  });
  faults.each(
      "widened wildcard", RULE "/(targetFqdns|destinationFqdns)/\\d+",
      [](Json& entry) {
        const auto text = entry.get<std::string>();
        const auto wide = text.starts_with("*.") ? without_label(text) : std::optional("*." + text);
        if (wide) entry = *wide;
        return wide.has_value();
      },
      10);
  faults.each("lost wildcard", RULE "/targetFqdns/\\d+", [](Json& entry) {
    const auto text = entry.get<std::string>();
    if (!text.starts_with("*.")) return false;
    entry = text.substr(2);
    return true;
  });
  faults.each_address("lost prefix", [](Json& list) {
    if (list.size() < 2) return false;
    list.erase(list.begin());
    return true;
  });
  faults.each_address("widened prefix", [](Json& list) {
    const auto wide = widened(list.front().get<std::string>());
    if (wide) list.front() = *wide;
    return wide.has_value();
  });
  faults.each_address("added address", [](Json& list) {
    list.push_back("203.0.113.77");
    return true;
  });
  faults.each_address("empty group", [](Json& list) {
    list = Json::array();
    return true;
  });
  faults.each_address("address of another kind", [](Json& list) {
    list.push_back("fd00::1");
    return true;
  });
}

void template_frame(TemplateFaults& faults) {
  faults.each("default unlike its value", "/parameters/[^/]+Addresses/defaultValue",
              [](Json& list) {
                list.push_back("203.0.113.77");
                return true;
              });
  faults.each("a priority twice", COLLECTION "/priority", [](Json& priority) {
    priority = 50;
    return true;
  });
  faults.each("dependency lost", "/resources/\\d+/dependsOn", [](Json& list) {
    if (list.size() < 2) return false;
    list = Json::array({list.back()});
    return true;
  });
  faults.each("threat intelligence", "/resources/\\d+/properties/threatIntelMode",
              [](Json& mode) { return set(mode, "Alert", "Deny"); });
  faults.each("unknown function", "/resources/\\d+/properties/ipAddresses", [](Json& value) {
    value = "[concat(parameters('x'))]";
    return true;
  });
  faults.each("unknown resource", "/resources/\\d+/type", [](Json& type) {
    type = type.get<std::string>() + "s";
    return true;
  });
  faults.each("unknown attribute", "/resources/\\d+/properties", [](Json& properties) {
    properties["intrusionDetection"] = {{"mode", "Deny"}};
    return true;
  });
  faults.each("removed resource", "/resources", [](Json& list) {
    list.erase(list.begin());
    return true;
  });
  faults.each("removed resource", "/resources", [](Json& list) {
    list.erase(list.end() - 1);
    return true;
  });
  faults.each("another schema", "/\\$schema", [](Json& schema) {
    schema = "https://schema.management.azure.com/schemas/2015-01-01/deploymentTemplate.json#";
    return true;
  });
  const std::string text = faults.json().dump(2);
  faults.add("truncated file", "half of it", {{faults.file(), text.substr(0, text.size() / 2)}});
  faults.add("key twice", "resources", {{faults.file(), "{\"resources\": []," + text.substr(1)}});
  faults.add("no JSON", "comment", {{faults.file(), "// x\n" + text}});
  Json values = faults.values();
  values["parameters"]["more"]["value"] = "x";
  faults.add("unknown parameter", "more", {{faults.values_file(), values.dump(2)}});
}

}  // namespace

Mutants azure_mutants(const backends::Emission& emission) {
  Mutants out;
  if (emission.artefacts.size() != 2) return out;
  TemplateFaults faults(emission, out);
  template_rules(faults);
  template_ends(faults);
  template_frame(faults);
  for (std::size_t i = 0; i < 2; ++i) out.push_back({"missing file", "all of it", {}, i});
  return out;
}

}  // namespace hcipol::test
