// Faults in security rules of a network security group.
#include <algorithm>
#include <set>

#include "tests/mutation/template_faults.h"

namespace hcipol::test {

namespace {

using NsgJson = nlohmann::ordered_json;

const std::string security_rules = "/resources/0/properties/securityRules";
const std::string security_rule = security_rules + "/\\d+/properties";

std::set<std::string> entries_of(const NsgJson& rule, const std::string& side) {
  const NsgJson& list = rule.value(side + "AddressPrefixes", NsgJson::array());
  std::set<std::string> out(list.begin(), list.end());
  if (rule.contains(side + "AddressPrefix")) out.insert(rule[side + "AddressPrefix"]);
  return out;
}

/// What the rules name as the servers' own end.
std::set<std::string> own_ends(const NsgJson& rules) {
  std::set<std::string> out;
  for (const NsgJson& rule : rules) {
    const NsgJson& properties = rule["properties"];
    out.merge(
        entries_of(properties, properties["direction"] == "Inbound" ? "destination" : "source"));
  }
  return out;
}

/// Between two servers a packet meets rules of both directions, so a fault in one of them that
/// opens more has no effect.
bool meets_others(const NsgJson& rule, const std::set<std::string>& servers) {
  const std::set<std::string> far =
      entries_of(rule, rule["direction"] == "Inbound" ? "source" : "destination");
  return !std::includes(servers.begin(), servers.end(), far.begin(), far.end());
}

/// Every port, or every peer.
bool widen_list(NsgJson& rule, const std::string& key, const char* plural) {
  if (rule.contains(key) && rule[key] == "*") return false;
  rule.erase(key);
  rule.erase(key + plural);
  rule[key] = "*";
  return true;
}

void nsg_rules(TemplateFaults& faults, const std::set<std::string>& servers) {
  faults.each(
      "removed rule", security_rules + "/\\d+",
      [](NsgJson& rule) {
        // A rule that matches nothing: the list itself cannot lose a member here.
        NsgJson& properties = rule["properties"];
        properties.erase("sourceAddressPrefixes");
        properties["sourceAddressPrefix"] = "192.0.2.1/32";
        return true;
      },
      20);
  faults.each("removed rule", security_rules, [](NsgJson& list) {
    list.erase(list.begin());
    return true;
  });
  faults.each("removed rule", security_rules, [](NsgJson& list) {
    list.erase(list.end() - 1);
    return true;
  });
  faults.each("added rule", security_rules, [&](NsgJson& list) {
    const auto place = std::find_if(list.begin(), list.end(), [&](const NsgJson& rule) {
      const NsgJson& properties = rule["properties"];
      return properties["priority"] >= 2000 && meets_others(properties, servers);
    });
    if (place == list.end()) return false;
    NsgJson rule = *place;
    rule["name"] = "more";
    rule["properties"]["priority"] = 3999;
    rule["properties"]["access"] = "Allow";
    rule["properties"]["protocol"] = "Tcp";
    rule["properties"].erase("destinationPortRanges");
    rule["properties"]["destinationPortRange"] = "9";
    list.push_back(rule);
    return true;
  });
  faults.each(
      "changed access", security_rule + "/access",
      [](NsgJson& node) { return set(node, "Allow", "Deny") || set(node, "Deny", "Allow"); }, 12);
  faults.each("unknown access", security_rule + "/access",
              [](NsgJson& node) { return set(node, "Allow", "Permit"); });
  faults.each(
      "swapped direction", security_rule + "/direction",
      [](NsgJson& node) {
        return set(node, "Inbound", "Outbound") || set(node, "Outbound", "Inbound");
      },
      12);
  faults.each(
      "changed protocol", security_rule + "/protocol",
      [](NsgJson& node) { return set(node, "Tcp", "Udp") || set(node, "Udp", "Tcp"); }, 12);
  faults.each("every protocol", security_rule, [&](NsgJson& rule) {
    if (rule["protocol"] == "*" || !meets_others(rule, servers)) return false;
    rule["protocol"] = "*";
    return widen_list(rule, "destinationPortRange", "s");
  });
  faults.each(
      "every port", security_rule,
      [&](NsgJson& rule) {
        return meets_others(rule, servers) && widen_list(rule, "destinationPortRange", "s");
      },
      10);
  faults.each("lost port", security_rule + "/destinationPortRanges", [](NsgJson& list) {
    if (list.size() < 2) return false;
    list.erase(list.begin());
    return true;
  });
  faults.each(
      "changed port", security_rule + "/destinationPortRange",
      [](NsgJson& node) { return set(node, "445", "446") || set(node, "53", "54"); }, 10);
  faults.each("ports of the source", security_rule + "/sourcePortRange",
              [](NsgJson& node) { return set(node, "*", "443"); });
  faults.each("unknown attribute", security_rule, [](NsgJson& rule) {
    rule["sourceApplicationSecurityGroups"] = NsgJson::array();
    return true;
  });
  faults.each("a priority twice", security_rules, [](NsgJson& list) {
    if (list.size() < 2 || list[0]["properties"]["direction"] != list[1]["properties"]["direction"])
      return false;
    list[1]["properties"]["priority"] = list[0]["properties"]["priority"];
    return true;
  });
  faults.each("a priority out of range", security_rule + "/priority", [](NsgJson& node) {
    node = 4097;
    return true;
  });
  faults.each("wrong order", security_rule, [](NsgJson& rule) {
    // What denies the rest comes first.
    if (rule["access"] != "Deny" || rule["priority"] < 4000) return false;
    rule["priority"] = 100;
    return true;
  });
}

void nsg_ends(TemplateFaults& faults) {
  for (const std::string side : {"source", "destination"}) {
    const std::string key = side + "AddressPrefix";
    // What stands for the servers themselves is only asked about them.
    const char* far = side == "source" ? "Inbound" : "Outbound";
    faults.each(
        "every " + side, security_rule,
        [&](NsgJson& rule) { return rule["direction"] == far && widen_list(rule, key, "es"); }, 12);
    faults.each("widened prefix", security_rule, [&](NsgJson& rule) {
      if (rule["direction"] != far || rule["access"] != "Allow") return false;
      NsgJson& entry = rule.contains(key) ? rule[key] : rule[key + "es"].front();
      const auto wide = widened(entry.get<std::string>());
      if (wide) entry = *wide;
      return wide.has_value();
    });
    faults.each("no " + side, security_rule, [&](NsgJson& rule) {
      rule.erase(key);
      rule.erase(key + "es");
      return true;
    });
    faults.each("lost prefix", security_rule + "/" + key + "es", [](NsgJson& list) {
      list.erase(list.begin());
      return true;
    });
    faults.each("tag in a list", security_rule + "/" + key + "es", [](NsgJson& list) {
      list.push_back("Storage");
      return true;
    });
    faults.each("two families in a list", security_rule + "/" + key + "es", [](NsgJson& list) {
      const bool v6 = list.front().get<std::string>().find(':') != std::string::npos;
      list.push_back(v6 ? "192.0.2.7" : "2001:db8::7");
      return true;
    });
  }
  faults.each("swapped source and destination", security_rule, [](NsgJson& rule) {
    const NsgJson before = rule;
    for (const char* key : {"AddressPrefix", "AddressPrefixes"}) {
      const std::string from = std::string("source") + key;
      const std::string to = std::string("destination") + key;
      rule.erase(from);
      rule.erase(to);
      if (before.contains(to)) rule[from] = before[to];
      if (before.contains(from)) rule[to] = before[from];
    }
    return entries_of(before, "source") != entries_of(before, "destination");
  });
}

}  // namespace

Mutants nsg_mutants(const backends::Emission& emission) {
  Mutants out;
  if (emission.artefacts.size() != 2) return out;
  TemplateFaults faults(emission, out);
  if (faults.json()["resources"][0]["properties"]["securityRules"].empty()) return out;
  nsg_rules(faults, own_ends(faults.json()["resources"][0]["properties"]["securityRules"]));
  nsg_ends(faults);
  faults.each("unknown resource", "/resources/\\d+/type", [](NsgJson& type) {
    type = type.get<std::string>() + "s";
    return true;
  });
  const std::string text = faults.json().dump(2);
  faults.add("truncated file", "half of it", {{faults.file(), text.substr(0, text.size() / 2)}});
  faults.add("key twice", "resources", {{faults.file(), "{\"resources\": []," + text.substr(1)}});
  for (std::size_t i = 0; i < 2; ++i) out.push_back({"missing file", "all of it", {}, i});
  return out;
}

}  // namespace hcipol::test
