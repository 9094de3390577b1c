// The same flows as the table of rules, put together by who opens them or by what is asked for.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "report/rule_facts.h"
#include "report/show.h"
#include "report/table.h"

namespace hcipol::report {

namespace {

std::string rule_of(const flow::Flow& flow) {
  std::string out = fmt::format("{} {}", action(flow.kind), flow.rule->address);
  if (flow.rule->expires) out += fmt::format(" (until {})", to_string(*flow.rule->expires));
  return out;
}

/// Headings in order of their key, each with its rows.
template <class Key>
using Groups = std::map<Key, std::pair<std::string, std::vector<Row>>>;

template <class Key>
std::string print(const policy::Cluster& cluster, Groups<Key>& groups) {
  std::string out = cluster_line(cluster);
  for (auto& [key, group] : groups) {
    std::sort(group.second.begin(), group.second.end());
    out += fmt::format("\n  {}\n{}", group.first, table(group.second, 4));
  }
  return out;
}

std::string by_peer(const ClusterFlows& entry) {
  Groups<std::string> groups;
  for (const flow::Flow& flow : *entry.flows) {
    const std::string service = net::to_string(flow.service);
    const auto add = [&](const policy::NamedSet* set, std::string_view arrow,
                         const std::vector<const policy::NamedSet*>& others) {
      auto& [heading, rows] = groups[set->name];
      heading = set->name;
      rows.push_back({std::string(arrow), flow::names(others), service, rule_of(flow)});
    };
    for (const auto* from : flow.from) add(from, "to", flow.to);
    for (const auto* to : flow.to) add(to, "from", flow.from);
  }
  return print(*entry.cluster, groups);
}

std::string by_service(const ClusterFlows& entry) {
  Groups<net::ServiceSet> groups;
  for (const flow::Flow& flow : *entry.flows) {
    for (const net::ServiceSet& service : pieces(flow.service)) {
      auto& [heading, rows] = groups[service];
      heading = net::to_string(service);
      rows.push_back({flow::names(flow.from), "->", flow::names(flow.to), rule_of(flow)});
    }
  }
  return print(*entry.cluster, groups);
}

}  // namespace

std::string show_by(Order order, const std::vector<ClusterFlows>& clusters) {
  std::string out;
  for (const ClusterFlows& entry : clusters) {
    if (!out.empty()) out += "\n";
    out += order == Order::peer ? by_peer(entry) : by_service(entry);
  }
  return out;
}

}  // namespace hcipol::report
