// `hcipolc show`: the expanded rules of every cluster, as a table or as JSON.
#pragma once

#include <string>
#include <vector>

#include "flow/flow.h"
#include "support/source.h"

namespace hcipol::report {

/// A cluster with its flows.
struct ClusterFlows {
  const policy::Cluster* cluster = nullptr;
  const std::vector<flow::Flow>* flows = nullptr;
};

/// One line per flow: action, rule, source, destination, service; exceptions first, then denies.
/// Long sets are named, not listed.
std::string show_table(const std::vector<ClusterFlows>& clusters);
/// {"version": 1, "clusters": [{name, cloud, features, flows: [{action, rule, from, to, service,
/// …}]}]}.
std::string show_json(const std::vector<ClusterFlows>& clusters, const SourceMap& sources);

}  // namespace hcipol::report
