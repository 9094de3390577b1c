// TemplateFaults of a printer of templates, made in the JSON of both files at once where both say
// the same.
#include "tests/mutation/template_faults.h"

namespace hcipol::test {

namespace {

using Json = nlohmann::ordered_json;

bool rename(Json& rule, const char* from, const char* to) {
  if (!rule.contains(from) || rule.contains(to)) return false;
  rule[to] = rule[from];
  rule.erase(from);
  return true;
}

/// Where rules and collections stand: in a template, or in a bare array of groups.
struct Places {
  std::string rule;
  std::string collection;
};
Places places_in(const std::string& group) {
  return {group + "/ruleCollections/\\d+/rules/\\d+", group + "/ruleCollections/\\d+"};
}

void template_rules(TemplateFaults& faults, const Places& at) {
  faults.each(
      "removed rule", at.collection + "/rules",
      [](Json& list) {
        if (list.size() < 2) return false;
        list.erase(list.begin());
        return true;
      },
      12);
  faults.each("removed rule", at.collection + "/rules", [](Json& list) {
    if (list.size() < 2) return false;
    list.erase(list.end() - 1);
    return true;
  });
  faults.each("added rule", at.collection + "/rules", [](Json& list) {
    Json rule = list.front();
    if (rule["ruleType"] != "NetworkRule") return false;
    rule["name"] = "more";
    rule["ipProtocols"] = {"TCP"};
    rule["destinationPorts"] = {"9"};
    list.push_back(rule);
    return true;
  });
  faults.each("lost port", at.rule + "/destinationPorts", [](Json& list) {
    if (list.size() < 2) return false;
    list.erase(list.begin());
    return true;
  });
  faults.each("changed port", at.rule + "/destinationPorts/\\d+",
              [](Json& port) { return set(port, "443", "4430") || set(port, "445", "446"); });
  faults.each("every port", at.rule + "/destinationPorts", [](Json& list) {
    if (list.front() == "*") return false;
    list = {"*"};
    return true;
  });
  faults.each("changed protocol", at.rule + "/ipProtocols/\\d+", [](Json& protocol) {
    return set(protocol, "TCP", "UDP") || set(protocol, "UDP", "TCP");
  });
  faults.each("every protocol", at.rule, [](Json& rule) {
    if (!rule.contains("ipProtocols") || rule["ipProtocols"].front() == "Any") return false;
    rule["ipProtocols"] = {"Any"};
    rule["destinationPorts"] = {"*"};
    return true;
  });
  faults.each("changed web port", at.rule + "/protocols/\\d+/port",
              [](Json& port) { return set(port, 443, 8443) || set(port, 80, 8080); });
  faults.each("lost web protocol", at.rule + "/protocols", [](Json& list) {
    if (list.size() < 2) return false;
    list.erase(list.begin());
    return true;
  });
  faults.each("changed action", at.collection + "/action/type",
              [](Json& type) { return set(type, "Allow", "Deny"); });
  faults.each("unknown action", at.collection + "/action/type",
              [](Json& type) { return set(type, "Allow", "Audit"); });
  faults.each("changed kind", at.rule + "/ruleType", [](Json& type) {
    return set(type, "NetworkRule", "ApplicationRule") ||
           set(type, "ApplicationRule", "NetworkRule");
  });
  faults.each("unknown attribute", at.rule, [](Json& rule) {
    rule["terminateTLS"] = true;
    return true;
  });
}

void template_ends(TemplateFaults& faults, const Places& at) {
  faults.each("swapped source and destination", at.rule, [](Json& rule) {
    if (!rule.contains("sourceIpGroups") || !rule.contains("destinationIpGroups")) return false;
    std::swap(rule["sourceIpGroups"], rule["destinationIpGroups"]);
    return true;
  });
  faults.each("swapped source and destination", at.rule, [](Json& rule) {
    return rename(rule, "sourceIpGroups", "spare") &&
           rename(rule, "destinationAddresses", "sourceAddresses") &&
           rename(rule, "spare", "destinationIpGroups");
  });
  faults.each("lost source", at.rule, [](Json& rule) {
    if (!rule.contains("sourceIpGroups") || rule["sourceIpGroups"].size() < 2) return false;
    rule["sourceIpGroups"].erase(rule["sourceIpGroups"].begin());
    return true;
  });
  faults.each("no source", at.rule, [](Json& rule) { return rule.erase("sourceIpGroups") > 0; });
  faults.each("every source", at.rule, [](Json& rule) {
    if (rule.erase("sourceIpGroups") == 0) return false;
    rule["sourceAddresses"] = {"*"};
    return true;
  });
  faults.each("every destination", at.rule, [](Json& rule) {
    if (rule["ruleType"] != "NetworkRule" ||
        rule.value("destinationAddresses", Json()) == Json({"*"}))
      return false;
    rule.erase("destinationIpGroups");
    rule.erase("destinationFqdns");
    rule["destinationAddresses"] = {"*"};
    return true;
  });
  faults.each("lost destination", at.rule + "/(destinationAddresses|destinationFqdns)",
              [](Json& list) {
                if (list.size() < 2) return false;
                list.erase(list.begin());
                return true;
              });
  faults.each("widened prefix", at.rule + "/(destination|source)Addresses/\\d+", [](Json& entry) {
    const auto wide = widened(entry.get<std::string>());
    if (wide) entry = *wide;
    return wide.has_value();
  });
  faults.each("changed tag", at.rule + "/destinationAddresses/\\d+", [](Json& entry) {
    const auto text = entry.get<std::string>();
    if (text.find_first_of("0123456789*") != std::string::npos) return false;
    entry = text + "s";
    return true;
  });
  faults.each("lost name", at.rule + "/targetFqdns", [](Json& list) {
    if (list.size() < 2) return false;
    list.erase(list.begin());
    return true;
  });
  faults.each(
      "widened wildcard", at.rule + "/(targetFqdns|destinationFqdns)/\\d+",
      [](Json& entry) {
        const auto text = entry.get<std::string>();
        const auto wide = text.starts_with("*.") ? without_label(text) : std::optional("*." + text);
        if (wide) entry = *wide;
        return wide.has_value();
      },
      10);
  faults.each("lost wildcard", at.rule + "/targetFqdns/\\d+", [](Json& entry) {
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

void template_frame(TemplateFaults& faults, const Places& at) {
  faults.each("default unlike its value", "/parameters/[^/]+Addresses/defaultValue",
              [](Json& list) {
                list.push_back("203.0.113.77");
                return true;
              });
  faults.each("a priority twice", at.collection + "/priority", [](Json& priority) {
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
  const bool array = emission.artefacts.size() == 1;
  const Places at = places_in(array ? "/\\d+" : "/resources/\\d+/properties");
  for (std::size_t pair = 0; 2 * pair < emission.artefacts.size(); ++pair) {
    TemplateFaults faults(emission, out, pair);
    template_rules(faults, at);
    template_ends(faults, at);
    if (!array) template_frame(faults, at);
    if (!array) continue;
    faults.each("removed group", "", [](Json& list) {
      if (list.empty()) return false;
      list.erase(list.begin());
      return true;
    });
    faults.each("unknown attribute", "/\\d+", [](Json& group) {
      group["action"] = "Deny";
      return true;
    });
  }
  for (std::size_t i = 0; !array && i < emission.artefacts.size(); ++i) {
    out.push_back({"missing file", "all of it", {}, i});
  }
  return out;
}

}  // namespace hcipol::test
