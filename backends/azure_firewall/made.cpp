// The names here hold letters, digits, `.`, `_` and `-` only, so a shell takes them as they are.
#include "backends/azure_firewall/made.h"

#include <fmt/format.h>

namespace hcipol::backends::azure_firewall {

std::string delete_group(const Document& document, const std::string& name) {
  return fmt::format(
      "az network firewall policy rule-collection-group delete --resource-group <resource-group> "
      "--policy-name {} --name {}",
      document.policy.empty() ? "<policy>" : document.policy, name);
}

std::vector<Made> made_by(const Document& document) {
  std::vector<Made> out;
  for (const RuleCollectionGroup& group : document.groups) {
    out.push_back({fmt::format("rule collection group `{}`", group.name),
                   delete_group(document, group.name)});
  }
  if (document.mode != Mode::attach) {
    out.push_back({fmt::format("firewall policy `{}`", document.policy),
                   fmt::format("az network firewall policy delete --resource-group "
                               "<resource-group> --name {}",
                               document.policy)});
  }
  for (const auto& [key, group] : document.ip_groups) {
    out.push_back({fmt::format("IP group `{}`", group.name),
                   fmt::format("az network ip-group delete --resource-group <resource-group> "
                               "--name {}",
                               group.name)});
  }
  return out;
}

}  // namespace hcipol::backends::azure_firewall
