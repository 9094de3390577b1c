// Lists that are empty are left out: one of them makes Azure refuse the whole group.
#include "backends/azure_firewall/print_rules.h"

#include <fmt/format.h>

#include <utility>

namespace hcipol::backends::azure_firewall {

namespace {

using arm::Json;

class RulePrinter {
 public:
  explicit RulePrinter(Format format) : in_template_(format == Format::arm) {}

  Json collection(const RuleCollection& collection) const {
    Json rules = arm::array(collection.rules.size());
    for (const Rule& one : collection.rules) rules.push_back(rule(one));
    Json out;
    out["ruleCollectionType"] = "FirewallPolicyFilterRuleCollection";
    out["name"] = collection.name;
    out["priority"] = collection.priority;
    out["action"] = {{"type", "Allow"}};
    out["rules"] = std::move(rules);
    return out;
  }

 private:
  std::string literal(const std::string& text) const {
    return in_template_ ? arm::literal(text) : text;
  }
  Json literals(const std::vector<std::string>& texts) const {
    return in_template_ ? arm::literals(texts) : Json(texts);
  }

  void put(Json& rule, const char* literal_key, const char* groups_key,
           const Addresses& addresses) const {
    if (!addresses.literals.empty()) rule[literal_key] = literals(addresses.literals);
    if (addresses.groups.empty()) return;
    Json& ids = rule[groups_key] = arm::array(addresses.groups.size());
    for (const IpGroup* group : addresses.groups) ids.push_back(ip_group_id(*group));
  }

  void put_match(Json& rule, const ApplicationMatch& match) const {
    Json protocols = arm::array(match.protocols.size());
    for (const ApplicationProtocol& protocol : match.protocols) {
      Json& element = protocols.emplace_back(arm::object(2));
      element["protocolType"] = protocol.type;
      element["port"] = protocol.port;
    }
    rule["protocols"] = std::move(protocols);
    rule["targetFqdns"] = literals(match.fqdns);
  }

  void put_match(Json& rule, const NetworkMatch& match) const {
    put(rule, "destinationAddresses", "destinationIpGroups", match.to);
    if (!match.fqdns.empty()) rule["destinationFqdns"] = literals(match.fqdns);
    rule["destinationPorts"] = literals(match.ports);
  }

  Json rule(const Rule& rule) const {
    const auto* network = std::get_if<NetworkMatch>(&rule.match);
    Json out = arm::object(7);
    out["ruleType"] = network != nullptr ? "NetworkRule" : "ApplicationRule";
    out["name"] = rule.name;
    out["description"] = literal(rule.description);
    if (network != nullptr) out["ipProtocols"] = network->protocols;
    put(out, "sourceAddresses", "sourceIpGroups", rule.from);
    std::visit([&](const auto& match) { put_match(out, match); }, rule.match);
    return out;
  }

  bool in_template_;
};

}  // namespace

std::string ip_group_id(const IpGroup& group) {
  return fmt::format("[resourceId('Microsoft.Network/ipGroups', '{}')]", group.name);
}

arm::Json rule_collections(const RuleCollectionGroup& group, Format format) {
  const RulePrinter printer(format);
  Json out = arm::array(group.collections.size());
  for (const RuleCollection& collection : group.collections) {
    out.push_back(printer.collection(collection));
  }
  return out;
}

}  // namespace hcipol::backends::azure_firewall
