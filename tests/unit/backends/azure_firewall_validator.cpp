// The checks themselves; the header says where they come from.
#include "azure_firewall_validator.h"

#include <re2/re2.h>

#include <algorithm>
#include <cctype>
#include <set>

namespace hcipol::test::azure {

namespace {

class Validator {
 public:
  explicit Validator(const Template& deployment) : template_(deployment) {}

  std::vector<std::string> faults() {
    const Json& json = template_.json();
    check_empty(json, "");
    check_envelope(json);
    std::set<int> priorities;
    for (const Json& resource : json["resources"]) {
      check_resource(resource);
      if (!Template::is_group(resource)) continue;
      const Json& priority = resource["properties"]["priority"];
      expect(priority.is_number_integer(), "P1 integer");
      if (!priority.is_number_integer()) continue;
      const int number = priority.get<int>();
      expect(number >= 100 && number <= 65000, "P1 range");
      expect(number != 100 && number != 200 && number != 300, "P3 portal's own");
      expect(priorities.insert(number).second, "P1 unique");
      check_group(resource["properties"]);
    }
    check_chain(json);
    check_dns(json);
    return faults_;
  }

 private:
  void expect(bool holds, const std::string& fault) {
    if (!holds) faults_.push_back(fault);
  }

  static bool is_name(const std::string& name) {
    static const re2::RE2 pattern("[A-Za-z0-9]([A-Za-z0-9_.-]{0,78}[A-Za-z0-9_])?");
    return re2::RE2::FullMatch(name, pattern);
  }
  static std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
  }

  void check_empty(const Json& value, const std::string& at) {
    if (value.is_null()) expect(false, "null at " + at);
    if (value.is_structured()) {
      expect(!value.empty(), "empty at " + at);
      for (const auto& [key, member] : value.items()) check_empty(member, at + "/" + key);
    } else if (value.is_string()) {
      expect(!value.get<std::string>().empty(), "empty text at " + at);
    }
  }

  void check_envelope(const Json& json) {
    std::vector<std::string> keys;
    for (const auto& [key, member] : json.items()) keys.push_back(key);
    expect(keys == std::vector<std::string>{"$schema", "contentVersion", "metadata", "parameters",
                                            "resources", "outputs"},
           "order of the envelope");
    const std::string text = json.dump();
    std::set<std::string> lower_names;
    for (const auto& [name, parameter] : json["parameters"].items()) {
      expect(re2::RE2::FullMatch(name, "[A-Za-z_][A-Za-z0-9_]*"), "parameter " + name);
      expect(lower_names.insert(lower(name)).second, "parameter twice " + name);
      expect(text.find("parameters('" + name + "')") != std::string::npos, "unused " + name);
      expect(parameter.contains("defaultValue") && parameter["metadata"].contains("description"),
             "parameter without default or description " + name);
    }
    expect(lower_names.size() <= 256, "L1 parameters");
    expect(json["resources"].size() <= 800, "L1 resources");
    for (const auto& [name, output] : json["outputs"].items()) {
      for (const Json& id :
           output["value"].is_array() ? output["value"] : Json::array({output["value"]})) {
        const std::string target = template_.text_of(id);
        // An attached policy is not in the template.
        expect(known(target) || name == "firewallPolicyId", "output " + target);
      }
    }
  }

  bool known(const std::string& id) const {
    const auto& ids = template_.ids();
    return std::find(ids.begin(), ids.end(), id) != ids.end();
  }

  void check_resource(const Json& resource) {
    static const std::vector<std::string> order{"type",     "apiVersion", "comments",  "name",
                                                "location", "dependsOn",  "properties"};
    auto next = order.begin();
    for (const auto& [key, member] : resource.items()) {
      next = std::find(next, order.end(), key);
      expect(next != order.end(), "order of a resource at " + key);
      if (next == order.end()) break;
    }
    std::string name = template_.text_of(resource["name"]);
    const auto slash = name.find('/');
    expect(Template::is_group(resource) == (slash != std::string::npos), "N1 segments " + name);
    if (slash != std::string::npos) {
      expect(is_name(name.substr(0, slash)), "N1 " + name);
      name = name.substr(slash + 1);
    }
    expect(is_name(name), "N1 " + name);
    for (const Json& id : resource.value("dependsOn", Json::array())) {
      expect(known(template_.text_of(id)), "D2 " + id.dump());
    }
    if (resource["type"] != "Microsoft.Network/ipGroups") return;
    const Json entries = template_.value_of(resource["properties"]["ipAddresses"]);
    expect(entries.size() <= 5000, "L1 IP group");
    check_addresses(entries, false);
  }

  void check_addresses(const Json& entries, bool tags) {
    expect(entries.is_array() && !entries.empty(), "A1 empty");
    std::set<std::string> seen;
    for (const Json& entry : entries) {
      const auto text = entry.get<std::string>();
      expect(seen.insert(text).second, "A3 twice " + text);
      const bool tag = re2::RE2::FullMatch(text, "[A-Za-z][A-Za-z0-9]*(\\.[A-Za-z0-9]+)?");
      if (tag && tags) continue;
      try {
        Template::range_of(text);
      } catch (const std::exception& error) {
        expect(false, std::string("A1 ") + error.what());
      }
    }
  }

  void check_group(const Json& properties) {
    std::set<int> priorities;
    std::set<std::string> names;
    for (const Json& collection : properties["ruleCollections"]) {
      const auto name = collection["name"].get<std::string>();
      expect(is_name(name), "N2 " + name);
      expect(names.insert(lower(name)).second, "N3 collection twice " + name);
      expect(collection["priority"].is_number_integer(), "P2 integer");
      const int priority = collection["priority"].get<int>();
      expect(priority >= 100 && priority <= 65000 && priorities.insert(priority).second, "P2");
      expect(collection["action"] == Json{{"type", "Allow"}}, "C1 action");
      expect(collection["ruleCollectionType"] == "FirewallPolicyFilterRuleCollection", "C1 type");
      std::set<std::string> rules;
      for (const Json& rule : collection["rules"]) {
        const auto rule_name = rule["name"].get<std::string>();
        expect(is_name(rule_name), "N2 " + rule_name);
        expect(rules.insert(lower(rule_name)).second, "N3 rule twice " + rule_name);
        expect(rule["ruleType"] == collection["rules"][0]["ruleType"], "C1 mixed");
        check_rule(rule);
      }
    }
  }

  void check_rule(const Json& rule) {
    const auto has = [&](const char* key) { return rule.contains(key) ? 1 : 0; };
    expect(has("sourceAddresses") + has("sourceIpGroups") == 1, "R1 sources");
    if (has("sourceAddresses")) check_addresses(rule["sourceAddresses"], false);
    if (rule["ruleType"] == "NetworkRule") {
      check_network(rule);
      return;
    }
    expect(has("targetFqdns") == 1 && has("protocols") == 1, "R3");
    for (const Json& protocol : rule["protocols"]) {
      expect(protocol["port"].is_number_integer() && protocol["port"] >= 1 &&
                 protocol["port"] <= 64000,
             "Q1 application port");
      expect(protocol["protocolType"] == "Http" || protocol["protocolType"] == "Https", "enum");
    }
    for (const Json& fqdn : rule["targetFqdns"]) check_fqdn(fqdn.get<std::string>(), true);
  }

  void check_network(const Json& rule) {
    const auto has = [&](const char* key) { return rule.contains(key) ? 1 : 0; };
    expect(has("destinationAddresses") + has("destinationIpGroups") + has("destinationFqdns") == 1,
           "R2 destinations");
    if (has("destinationAddresses")) check_addresses(rule["destinationAddresses"], true);
    for (const Json& fqdn : rule.value("destinationFqdns", Json::array())) {
      check_fqdn(fqdn.get<std::string>(), false);
    }
    static const std::set<std::string> enumeration{"TCP", "UDP", "ICMP", "Any"};
    for (const Json& protocol : rule["ipProtocols"]) {
      expect(enumeration.contains(protocol.get<std::string>()), "enum " + protocol.dump());
      expect(protocol != "ICMP" || rule["destinationPorts"] == Json::array({"*"}), "Q2");
    }
    for (const Json& port : rule["destinationPorts"]) {
      const auto text = port.get<std::string>();
      if (text == "*") continue;
      int first = 0;
      std::string rest;
      const bool shaped = re2::RE2::FullMatch(text, "([0-9]+)(-[0-9]+)?", &first, &rest);
      expect(shaped, "Q1 " + text);
      if (!shaped) continue;
      const int last = rest.empty() ? first + 1 : std::stoi(rest.substr(1));
      expect(first >= 1 && first < last && last <= 65536, "Q1 " + text);
    }
  }

  void check_fqdn(const std::string& fqdn, bool wildcards) {
    static const re2::RE2 host(
        "([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\\.)+"
        "[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?");
    const bool wildcard = fqdn.starts_with("*.");
    expect(!wildcard || wildcards, "F1 wildcard " + fqdn);
    expect(re2::RE2::FullMatch(wildcard ? fqdn.substr(2) : fqdn, host) && fqdn.size() <= 253,
           "F1 " + fqdn);
    expect(!re2::RE2::FullMatch(fqdn, "[0-9.]+"), "F1 address " + fqdn);
  }

  /// D1: each group depends on its policy, on the group before it and on its IP groups.
  void check_chain(const Json& json) {
    std::string previous_group;
    std::string previous_ip_group;
    for (std::size_t i = 0; i < json["resources"].size(); ++i) {
      const Json& resource = json["resources"][i];
      std::set<std::string> upstream;
      for (const Json& id : resource.value("dependsOn", Json::array())) {
        upstream.insert(template_.text_of(id));
      }
      const bool ip_group = resource["type"] == "Microsoft.Network/ipGroups";
      std::string& previous = ip_group ? previous_ip_group : previous_group;
      if (!ip_group && !Template::is_group(resource)) continue;
      expect(previous.empty() || upstream.contains(previous), "D1 chain " + template_.ids()[i]);
      previous = template_.ids()[i];
      if (ip_group) continue;
      for (const std::string& id : template_.ids()) {
        if (id.starts_with("Microsoft.Network/firewallPolicies|")) {
          expect(upstream.contains(id), "D1 policy");
        }
      }
      for (const std::string& used : ip_groups_in(resource)) {
        expect(upstream.contains(used), "D1 IP group " + used);
      }
    }
  }

  std::set<std::string> ip_groups_in(const Json& group) const {
    std::set<std::string> out;
    for (const Json& collection : group["properties"]["ruleCollections"]) {
      for (const Json& rule : collection["rules"]) {
        for (const char* key : {"sourceIpGroups", "destinationIpGroups"}) {
          for (const Json& id : rule.value(key, Json::array())) out.insert(template_.text_of(id));
        }
      }
    }
    return out;
  }

  /// T2, T3: names in network rules need the proxy; every policy says its own DNS settings.
  void check_dns(const Json& json) {
    const bool names = json.dump().find("\"destinationFqdns\"") != std::string::npos;
    for (const Json& resource : json["resources"]) {
      if (resource["type"] != "Microsoft.Network/firewallPolicies") continue;
      const Json& properties = resource["properties"];
      const auto tier = properties["sku"]["tier"].get<std::string>();
      expect(tier == "Basic" || tier == "Standard" || tier == "Premium", "T1 tier");
      expect(tier != "Basic" || (!names && !properties.contains("dnsSettings")), "T1 Basic");
      if (tier == "Basic") continue;
      expect(properties["dnsSettings"]["enableProxy"].is_boolean(), "T3");
      if (names) expect(properties["dnsSettings"]["enableProxy"] == true, "T2");
    }
  }

  const Template& template_;
  std::vector<std::string> faults_;
};

}  // namespace

std::vector<std::string> faults(const Template& deployment) {
  return Validator(deployment).faults();
}

}  // namespace hcipol::test::azure
