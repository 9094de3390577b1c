// Rules stand in the group itself, so that a deployment takes away those that are no longer there.
#include "backends/azure_nsg/print.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "backends/common/arm/naming.h"
#include "backends/common/arm/write_template.h"
#include "support/text.h"

namespace hcipol::backends::azure_nsg {

namespace {

using arm::Json;

/// `*`, a service tag or one prefix stand alone; Azure takes neither of the first two in a list.
void put(Json& properties, const std::string& key, const std::vector<std::string>& texts,
         const char* plural) {
  if (texts.size() == 1) {
    properties[key] = arm::literal(texts.front());
  } else {
    properties[key + plural] = arm::literals(texts);
  }
}

Json to_json(const SecurityRule& rule) {
  Json out = arm::object(2);
  out["name"] = rule.name;
  Json& properties = out["properties"] = arm::object(9);
  properties["description"] = arm::literal(rule.description);
  properties["priority"] = rule.priority;
  properties["direction"] = rule.direction == Direction::inbound ? "Inbound" : "Outbound";
  properties["access"] = rule.allow ? "Allow" : "Deny";
  properties["protocol"] = rule.protocol;
  put(properties, "sourceAddressPrefix", rule.from, "es");
  properties["sourcePortRange"] = "*";
  put(properties, "destinationAddressPrefix", rule.to, "es");
  put(properties, "destinationPortRange", rule.ports, "s");
  return out;
}

Json resource(const Document& document) {
  Json rules = arm::array(document.rules.size());
  for (const SecurityRule& rule : document.rules) rules.push_back(to_json(rule));
  Json out;
  out["type"] = "Microsoft.Network/networkSecurityGroups";
  out["apiVersion"] = document.api_version;
  out["comments"] = arm::literal(
      fmt::format("Network security group of cluster `{}`", one_line(document.cluster, 80)));
  out["name"] = arm::parameter("networkSecurityGroupName");
  out["location"] = arm::parameter("location");
  out["properties"]["securityRules"] = std::move(rules);
  return out;
}

Json metadata(const Document& document) {
  Json out;
  out["_generator"]["name"] = "hcipolc";
  out["description"] = arm::literal(
      fmt::format("Network security rules of cluster `{}`. Compiled from a policy: change that, "
                  "not this file.",
                  one_line(document.cluster, 80)));
  if (const std::string cloud = arm::cloud_command(document.cloud); !cloud.empty()) {
    out["cloud"] = cloud;
  }
  out["deploy"] = arm::deploy_command(document.group, document.file);
  // A subnet has one group, so what it has must be known before.
  out["beforeAttach"] =
      "az network vnet subnet show --resource-group <resource-group> --vnet-name <vnet> --name "
      "<subnet> --query networkSecurityGroup.id --output tsv";
  out["attach"] = fmt::format(
      "az network vnet subnet update --resource-group <resource-group> --vnet-name "
      "<vnet> --name <subnet> --network-security-group {}",
      document.group);
  return out;
}

std::vector<SourceMapEntry> source_map(const Document& document) {
  std::vector<SourceMapEntry> out;
  for (const SecurityRule& rule : document.rules) out.push_back({rule.name, rule.origin});
  return out;
}

}  // namespace

std::vector<Artefact> print(const Document& document) {
  Json file;
  file["$schema"] = arm::schema("deploymentTemplate");
  file["contentVersion"] = "1.0.0.0";
  file["metadata"] = metadata(document);
  file["parameters"]["location"] =
      arm::string_parameter("[resourceGroup().location]", "Region of the servers' network.");
  file["parameters"]["networkSecurityGroupName"] =
      arm::string_parameter(document.group, "Name of the network security group.");
  file["resources"] = Json::array({resource(document)});
  file["outputs"]["networkSecurityGroupId"] = {
      {"type", "string"},
      {"value",
       "[resourceId('Microsoft.Network/networkSecurityGroups', "
       "parameters('networkSecurityGroupName'))]"}};
  Json values;
  values["$schema"] = arm::schema("deploymentParameters");
  values["contentVersion"] = "1.0.0.0";
  values["parameters"]["networkSecurityGroupName"]["value"] = document.group;
  constexpr std::string_view leaf = "priority";
  std::vector<Artefact> out(2);
  out[0] = {document.file + ".json", arm::text_of(file, leaf, arm::most_template_bytes),
            source_map(document)};
  out[1] = {
      document.file + ".parameters.json", arm::text_of(values, leaf, arm::most_template_bytes), {}};
  return out;
}

}  // namespace hcipol::backends::azure_nsg
