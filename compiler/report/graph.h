// `hcipolc graph`: what hangs on what, in Graphviz's DOT.
#pragma once

#include <string>
#include <vector>

#include "report/show.h"
#include "sema/module.h"

namespace hcipol::report {

/// Modules and what they use or extend.
std::string graph_of_modules(const sema::Program& program);
/// The features of each cluster and what brought them in.
std::string graph_of_features(const std::vector<ClusterFlows>& clusters);
/// Peers of each cluster, and the services that flow between them.
std::string graph_of_roles(const std::vector<ClusterFlows>& clusters);

}  // namespace hcipol::report
