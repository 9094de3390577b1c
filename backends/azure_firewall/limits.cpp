// Azure itself says "The request is invalid." after minutes; here it is a figure and a name.
#include "backends/azure_firewall/limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace hcipol::backends::azure_firewall {

namespace {

constexpr std::size_t most_pairs = 20'000;
constexpr std::size_t most_group_bytes = 2'000'000;
/// What people have found usable of the 2 MB (azure-docs#93880).
constexpr std::size_t usable_group_bytes = 1'400'000;
constexpr std::size_t most_collections = 2'000;
constexpr std::size_t most_ip_groups = 200;
constexpr std::size_t most_ip_group_entries = 5'000;
constexpr std::size_t advised_network_names = 1'000;
constexpr std::size_t most_parameters = 256;
constexpr std::size_t most_resources = 800;
constexpr std::size_t most_template_bytes = 4'000'000;

/// "/subscriptions/<36>/resourceGroups/<some>/providers/Microsoft.Network/ipGroups/": what Azure
/// stores in front of an IP group's name.
constexpr std::size_t resource_id_bytes = 130;

void exceeded(EmitContext& context, const std::string& what, std::string figures) {
  context.reporter().report<Diag::device_limit>(context.place(nullptr), what, title, figures);
}

std::size_t count(const Addresses& addresses) {
  return addresses.literals.size() + addresses.groups.size();
}

/// Compact JSON, "x",: three bytes more than the text.
std::size_t bytes(const std::vector<std::string>& texts) {
  std::size_t sum = 0;
  for (const std::string& text : texts) sum += text.size() + 3;
  return sum;
}

std::size_t bytes(const Addresses& addresses) {
  std::size_t sum = bytes(addresses.literals);
  for (const IpGroup* group : addresses.groups) sum += resource_id_bytes + group->name.size() + 3;
  return sum;
}

/// As compact JSON with the property names, within a few per cent.
std::size_t bytes(const Rule& rule) {
  constexpr std::size_t frame = 100;  // {"ruleType":"NetworkRule","name":"","description":"", …
  std::size_t sum = frame + rule.name.size() + rule.description.size() + bytes(rule.from);
  if (const auto* network = std::get_if<NetworkMatch>(&rule.match)) {
    sum += 70 + bytes(network->to) + bytes(network->fqdns) + bytes(network->ports);
  } else {
    const auto& application = std::get<ApplicationMatch>(rule.match);
    sum += 30 + 40 * application.protocols.size() + bytes(application.fqdns);
  }
  return sum;
}

struct Sums {
  std::size_t pairs = 0;
  std::size_t network_names = 0;
  std::size_t collections = 0;
};

void check_group(const RuleCollectionGroup& group, Sums& sums, EmitContext& context) {
  std::size_t size = 0;
  sums.collections += group.collections.size();
  for (const RuleCollection& collection : group.collections) {
    for (const Rule& rule : collection.rules) {
      size += bytes(rule);
      const auto* network = std::get_if<NetworkMatch>(&rule.match);
      if (network == nullptr) continue;
      sums.pairs += count(rule.from) * (count(network->to) + network->fqdns.size());
      sums.network_names += network->fqdns.size();
    }
  }
  const auto megabytes = [](std::size_t n) { return static_cast<double>(n) / 1e6; };
  if (size > most_group_bytes) {
    exceeded(context, fmt::format("rule collection group `{}`", group.name),
             fmt::format("its rules are about {:.1f} MB, and at most {:.0f} MB are allowed",
                         megabytes(size), megabytes(most_group_bytes)));
  } else if (size > usable_group_bytes) {
    context.note(title,
                 fmt::format("the rules of `{}` are about {:.1f} MB; of the {:.0f} MB that are "
                             "documented, {:.1f} MB have been found usable",
                             group.name, megabytes(size), megabytes(most_group_bytes),
                             megabytes(usable_group_bytes)));
  }
}

void check_sums(const Document& document, const Sums& sums, EmitContext& context) {
  const auto check = [&](const char* what, std::size_t is, std::size_t most, const char* unit) {
    if (is > most) exceeded(context, what, fmt::format("{} {}, at most {}", is, unit, most));
  };
  check("the policy", sums.pairs, most_pairs, "pairs of source and destination in network rules");
  check("the policy", sums.collections, most_collections, "rule collections");
  check("the policy", document.ip_groups.size(), most_ip_groups, "IP groups");
  // location, firewallPolicyName, basePolicyId, dnsServers; the policy and its groups.
  check("the template", document.ip_groups.size() + 4, most_parameters, "parameters");
  check("the template", document.ip_groups.size() + 3, most_resources, "resources");
  if (sums.network_names > advised_network_names) {
    context.note(title, fmt::format("{} host names in network rules; Microsoft advises at most {}",
                                    sums.network_names, advised_network_names));
  }
}

}  // namespace

void check_limits(const Document& document, EmitContext& context) {
  Sums sums;
  for (const RuleCollectionGroup& group : document.groups) check_group(group, sums, context);
  check_sums(document, sums, context);
  for (const auto& [key, group] : document.ip_groups) {
    if (group.addresses.size() <= most_ip_group_entries) continue;
    exceeded(context, fmt::format("IP group `{}`", group.name),
             fmt::format("{} addresses and ranges, at most {}", group.addresses.size(),
                         most_ip_group_entries));
  }
}

void check_sizes(const std::vector<Artefact>& artefacts, EmitContext& context) {
  for (const Artefact& artefact : artefacts) {
    if (artefact.text.size() <= most_template_bytes) continue;
    exceeded(
        context, fmt::format("`{}`", artefact.path),
        fmt::format("{:.1f} MB, at most {:.0f} MB", static_cast<double>(artefact.text.size()) / 1e6,
                    static_cast<double>(most_template_bytes) / 1e6));
  }
}

}  // namespace hcipol::backends::azure_firewall
