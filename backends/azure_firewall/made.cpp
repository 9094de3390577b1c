// The names here hold letters, digits, `.`, `_` and `-` only, so a shell takes them as they are.
#include "backends/azure_firewall/made.h"

#include <fmt/format.h>

#include "backends/common/arm/naming.h"
#include "support/text.h"

namespace hcipol::backends::azure_firewall {

namespace {

std::string delete_policy(std::string_view name) {
  return fmt::format(
      "az network firewall policy delete --resource-group <resource-group> --name {}", name);
}

}  // namespace

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
    out.push_back(
        {fmt::format("firewall policy `{}`", document.policy), delete_policy(document.policy)});
  }
  for (const auto& [key, group] : document.ip_groups) {
    out.push_back({fmt::format("IP group `{}`", group.name),
                   fmt::format("az network ip-group delete --resource-group <resource-group> "
                               "--name {}",
                               group.name)});
  }
  return out;
}

std::vector<std::string> needed_by(const Document& document) {
  std::vector<std::string> out;
  if (!document.policy.empty()) out.push_back(delete_policy(document.policy));
  const std::string& parent = document.base_policy;
  if (!parent.empty()) out.push_back(delete_policy(parent.substr(parent.rfind('/') + 1)));
  return out;
}

std::vector<OwnName> own_names(const Document& document, const policy::Policy& policy) {
  std::vector<OwnName> out;
  if (!arm::begins_another(policy, document.cluster)) return out;
  for (const auto& [key, group] : document.ip_groups) {
    out.push_back({"IP groups", to_lower(group.name), document.cluster,
                   fmt::format("{} of cluster {}", one_line(std::get<0>(key), 120),
                               one_line(document.cluster, 80))});
  }
  return out;
}

}  // namespace hcipol::backends::azure_firewall
