// One line for each flow.
#include "report/show.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "report/rule_facts.h"
#include "report/table.h"
#include "support/text.h"

namespace hcipol::report {

namespace {

Row row(const flow::Flow& flow) {
  std::string rule = flow.rule->address;
  if (flow.rule->expires) rule += fmt::format(" (until {})", to_string(*flow.rule->expires));
  return {std::string(action(flow.kind)), std::move(rule), flow::names(flow.from),
          flow::names(flow.to), net::to_string(flow.service)};
}

std::string features(const policy::Cluster& cluster) {
  std::string out;
  for (const policy::EnabledFeature& feature : cluster.features) {
    out += fmt::format("  feature {}/{}: {}\n", feature.module, feature.name, feature.because);
  }
  return out;
}

}  // namespace

std::string show_table(const std::vector<ClusterFlows>& clusters) {
  std::string out;
  for (const ClusterFlows& entry : clusters) {
    if (!out.empty()) out += "\n";
    out += cluster_line(*entry.cluster) + features(*entry.cluster);
    std::vector<Row> rows;
    for (const flow::Flow& flow : *entry.flows) rows.push_back(row(flow));
    if (!rows.empty()) out += "\n" + table(rows, 2);
  }
  return out;
}

std::string show_names(const std::vector<ClusterFlows>& clusters) {
  const auto before = [](const net::DomainPattern& a, const net::DomainPattern& b) {
    return net::by_suffix(a, b) < 0;
  };
  std::set<net::DomainPattern, decltype(before)> names(before);
  for (const ClusterFlows& entry : clusters) {
    for (const flow::Flow& flow : *entry.flows) {
      for (const auto* sets : {&flow.from, &flow.to}) {
        for (const policy::NamedSet* set : *sets) {
          if (!set->has_names()) continue;
          for (const auto& each : set->set.names.entries()) {
            if (!each.pattern.name.starts_with(policy::NamedSet::tag_prefix))
              names.insert(each.pattern);
          }
        }
      }
    }
  }
  std::string out;
  for (const net::DomainPattern& name : names) out += net::to_string(name) + "\n";
  return out;
}

}  // namespace hcipol::report
