// `hcipolc show`: the expanded rules of every cluster, as a table.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "flow/flow.h"
#include "sema/scope.h"

namespace hcipol::report {

/// A cluster with its flows.
struct ClusterFlows {
  const policy::Cluster* cluster = nullptr;
  const std::vector<flow::Flow>* flows = nullptr;
  /// In the order of cluster->features; null where the cluster was not compiled but read.
  const std::deque<sema::FeatureScope>* features = nullptr;
};

/// One line per flow: action, rule, source, destination, service; exceptions first, then denies.
/// Long sets are named, not listed.
std::string show_table(const std::vector<ClusterFlows>& clusters);
/// The flows under a heading for each peer, or for each service.
enum class Order { peer, service };
std::string show_by(Order order, const std::vector<ClusterFlows>& clusters);
/// The host names and patterns of all rules, one a line, each once, those below a domain together:
/// for programs that look them up.
std::string show_names(const std::vector<ClusterFlows>& clusters);

}  // namespace hcipol::report
