// The frame of a template around its rules, or the bare array of groups.
#include "backends/azure_firewall/print.h"

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>

#include "backends/azure_firewall/limits.h"
#include "backends/azure_firewall/made.h"
#include "backends/azure_firewall/parts.h"
#include "backends/azure_firewall/print_rules.h"
#include "backends/common/arm/naming.h"
#include "support/text.h"

namespace hcipol::backends::azure_firewall {

namespace {

using arm::Json;
using arm::literal;
using arm::parameter;

// The names in these hold letters, digits, `.`, `_` and `-` only, so quotes need no care.

std::string policy_id() {
  return "[resourceId('Microsoft.Network/firewallPolicies', parameters('firewallPolicyName'))]";
}

std::string group_id(const RuleCollectionGroup& group) {
  return fmt::format(
      "[resourceId('Microsoft.Network/firewallPolicies/ruleCollectionGroups', "
      "parameters('firewallPolicyName'), '{}')]",
      group.name);
}

// ---- resources -------------------------------------------------------------------------------

Json resource(const Document& document, const char* type, std::string comment, std::string name) {
  Json out;
  out["type"] = type;
  out["apiVersion"] = document.api_version;
  out["comments"] = literal(comment);
  out["name"] = std::move(name);
  return out;
}

/// Chained, since writing two IP groups of one firewall at once is known to have failed.
Json to_json(const Document& document, const IpGroup& group, const IpGroup* previous) {
  Json out = resource(document, "Microsoft.Network/ipGroups", group.comment, group.name);
  out["location"] = parameter("location");
  if (previous != nullptr) out["dependsOn"] = Json::array({ip_group_id(*previous)});
  out["properties"]["ipAddresses"] = parameter(group.parameter);
  return out;
}

/// A child does not inherit the DNS settings of its parent, so every policy says its own; Basic has
/// none.
Json policy_resource(const Document& document) {
  Json out =
      resource(document, "Microsoft.Network/firewallPolicies",
               fmt::format("Firewall policy of cluster `{}`", one_line(document.cluster, 80)),
               parameter("firewallPolicyName"));
  out["location"] = parameter("location");
  Json& properties = out["properties"];
  properties["sku"]["tier"] = document.tier;
  properties["threatIntelMode"] = document.threat_intel;
  if (document.mode == Mode::child) properties["basePolicy"]["id"] = parameter("basePolicyId");
  if (document.tier != "Basic") {
    properties["dnsSettings"]["enableProxy"] = document.dns_proxy;
    if (!document.dns_servers.empty())
      properties["dnsSettings"]["servers"] = parameter("dnsServers");
  }
  return out;
}

void insert_groups(std::map<std::string, const IpGroup*>& out, const Addresses& addresses) {
  for (const IpGroup* group : addresses.groups) out.emplace(group->name, group);
}

/// The IP groups that the rules refer to, by name.
std::map<std::string, const IpGroup*> used_groups(const RuleCollectionGroup& group) {
  std::map<std::string, const IpGroup*> out;
  for (const RuleCollection& collection : group.collections) {
    for (const Rule& rule : collection.rules) {
      insert_groups(out, rule.from);
      if (const auto* network = std::get_if<NetworkMatch>(&rule.match))
        insert_groups(out, network->to);
    }
  }
  return out;
}

/// Azure refuses to update two groups of one policy at once, so each waits for the one before.
Json to_json(const Document& document, const RuleCollectionGroup& group,
             const RuleCollectionGroup* previous) {
  Json depends_on = Json::array();
  if (document.mode != Mode::attach) depends_on.push_back(policy_id());
  if (document.part == Part::whole) {
    for (const auto& [name, used] : used_groups(group)) depends_on.push_back(ip_group_id(*used));
  }
  if (previous != nullptr) depends_on.push_back(group_id(*previous));
  Json out = resource(
      document, "Microsoft.Network/firewallPolicies/ruleCollectionGroups", group.comment,
      fmt::format("[format('{{0}}/{{1}}', parameters('firewallPolicyName'), '{}')]", group.name));
  if (!depends_on.empty()) out["dependsOn"] = std::move(depends_on);
  out["properties"]["priority"] = group.priority;
  out["properties"]["ruleCollections"] = rule_collections(group, document.format);
  return out;
}

Json resources(const Document& document) {
  Json out = Json::array();
  const IpGroup* previous_ip_group = nullptr;
  for (const auto& [key, group] : document.ip_groups) {
    out.push_back(to_json(document, group, previous_ip_group));
    previous_ip_group = &group;
  }
  if (document.mode != Mode::attach) out.push_back(policy_resource(document));
  const RuleCollectionGroup* previous = nullptr;
  for (const RuleCollectionGroup& group : document.groups) {
    out.push_back(to_json(document, group, previous));
    previous = &group;
  }
  return out;
}

// ---- around them -----------------------------------------------------------------------------

bool has_location(const Document& document) {
  return document.mode != Mode::attach || !document.ip_groups.empty();
}

Json parameters(const Document& document) {
  Json out;
  if (has_location(document)) {
    out["location"] = arm::string_parameter(
        "[resourceGroup().location]",
        document.mode == Mode::child
            ? "Region of the policy and of the IP groups: that of the parent policy."
            : "Region of everything that this template creates.");
  }
  if (document.part != Part::ip_groups) {
    out["firewallPolicyName"] = arm::string_parameter(
        document.policy, document.mode == Mode::attach
                             ? "Name of the firewall policy, which exists in this resource group."
                             : "Name of the firewall policy to create.");
  }
  if (document.mode == Mode::child) {
    out["basePolicyId"] =
        arm::string_parameter(document.base_policy, "Resource id of the parent policy.");
  }
  if (document.mode != Mode::attach && !document.dns_servers.empty()) {
    out["dnsServers"] =
        arm::array_parameter(document.dns_servers, "DNS servers that the firewall resolves with.");
  }
  for (const auto& [key, group] : document.ip_groups) {
    out[group.parameter] = arm::array_parameter(group.addresses, group.comment + ".");
  }
  return out;
}

/// The values that a user may want to change; the region follows the resource group.
Json parameter_values(const Document& document) {
  Json out;
  if (document.part != Part::ip_groups) out["firewallPolicyName"]["value"] = document.policy;
  if (document.mode == Mode::child) out["basePolicyId"]["value"] = document.base_policy;
  if (document.mode != Mode::attach && !document.dns_servers.empty()) {
    out["dnsServers"]["value"] = document.dns_servers;
  }
  for (const auto& [key, group] : document.ip_groups)
    out[group.parameter]["value"] = group.addresses;
  return out;
}

Json metadata(const Document& document) {
  Json out;
  out["_generator"]["name"] = "hcipolc";
  // Of either kind.
  const bool no_rules = document.groups.empty() && document.absent_groups.size() == 2;
  out["description"] = literal(fmt::format(
      "Azure Firewall rules of cluster `{}`{}. Compiled from a policy: change that, not this file.",
      one_line(document.cluster, 80),
      !no_rules                      ? ""
      : document.mode == Mode::child ? ", which has none: only the parent's allow anything"
                                     : ", which has none: a firewall with it denies everything"));
  if (const std::string cloud = arm::cloud_command(document.cloud); !cloud.empty()) {
    out["cloud"] = cloud;
  }
  // Other targets have files of the same names.
  const std::string part = document.file.substr(0, document.file.rfind(".azuredeploy"));
  out["deploy"] = arm::deploy_command(document.policy + "." + part, document.file);
  if (!document.after.empty()) out["deployAfter"] = document.after;
  // A deployment never deletes a group, so one that lost its last rule would go on allowing.
  for (const std::string& name : document.absent_groups) {
    out["deleteIfPresent"].push_back(delete_group(document, name));
  }
  return out;
}

Json outputs(const Document& document) {
  Json out;
  if (document.part != Part::ip_groups) {
    out["firewallPolicyId"] = {{"type", "string"}, {"value", policy_id()}};
  }
  const auto add = [&](const char* name, Json ids) {
    if (!ids.empty()) out[name] = {{"type", "array"}, {"value", std::move(ids)}};
  };
  Json groups = Json::array();
  for (const RuleCollectionGroup& group : document.groups) groups.push_back(group_id(group));
  Json ip_groups = Json::array();
  for (const auto& [key, group] : document.ip_groups) ip_groups.push_back(ip_group_id(group));
  add("ruleCollectionGroupIds", std::move(groups));
  add("ipGroupIds", std::move(ip_groups));
  return out;
}

std::vector<SourceMapEntry> source_map(const Document& document) {
  std::vector<SourceMapEntry> out;
  for (const RuleCollectionGroup& group : document.groups) {
    for (const RuleCollection& collection : group.collections) {
      for (const Rule& rule : collection.rules) out.push_back({rule.name, rule.origin});
    }
  }
  return out;
}

/// Modules that make the policy themselves take the groups as an array.
Json bare_groups(const Document& document) {
  Json out = arm::array(document.groups.size());
  for (const RuleCollectionGroup& group : document.groups) {
    Json& one = out.emplace_back(arm::object(3));
    one["name"] = group.name;
    one["priority"] = group.priority;
    one["ruleCollections"] = rule_collections(group, document.format);
  }
  return out;
}

constexpr std::string_view leaf = "ruleType";

/// The template, and the file of its parameters.
void print_template(const Document& document, std::vector<Artefact>& out) {
  Json file;
  file["$schema"] = arm::schema("deploymentTemplate");
  file["contentVersion"] = "1.0.0.0";
  file["metadata"] = metadata(document);
  file["parameters"] = parameters(document);
  file["resources"] = resources(document);
  file["outputs"] = outputs(document);
  Json values;
  values["$schema"] = arm::schema("deploymentParameters");
  values["contentVersion"] = "1.0.0.0";
  values["parameters"] = parameter_values(document);
  out.push_back({document.file + ".json", arm::text_of(file, leaf, arm::most_template_bytes),
                 source_map(document)});
  out.push_back({document.file + ".parameters.json",
                 arm::text_of(values, leaf, arm::most_template_bytes),
                 {}});
}

}  // namespace

std::vector<Artefact> print(const Document& document) {
  if (document.format == Format::rcg_json) {
    return {{document.file + ".json", arm::text_of(bare_groups(document), leaf, most_loaded_bytes),
             source_map(document)}};
  }
  std::vector<Artefact> out;
  if (!document.several_templates) {
    print_template(document, out);
    if (out.front().text.size() <= arm::most_template_bytes) return out;
    out.clear();
  }
  for (const Document& part : parts_of(document)) print_template(part, out);
  return out;
}

}  // namespace hcipol::backends::azure_firewall
