// `hcipolc graph`: what hangs on what, in Graphviz's DOT.
#pragma once

#include <string>
#include <vector>

#include "report/catalogue.h"
#include "report/show.h"
#include "sema/module.h"

namespace hcipol::report {

/// Modules and what they use or extend.
std::string graph_of_modules(const sema::Program& program);
/// The features of each cluster: what enables them, and all that each requires. The clusters must
/// have been compiled.
std::string graph_of_features(const std::vector<ClusterFlows>& clusters);
/// The features of a module: what each requires, conflicts with, and is switched on by.
std::string graph_of_features(const Catalogue& catalogue);
/// Peers of each cluster, and the services that flow between them.
std::string graph_of_roles(const std::vector<ClusterFlows>& clusters);

}  // namespace hcipol::report
