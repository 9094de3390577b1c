// From rules to flows: one direction each, family by family possible.
#pragma once

#include <vector>

#include "diagnostics/reporter.h"
#include "flow/flow.h"

namespace hcipol::flow {

/// The flows of every rule of a cluster, sorted by kind and id. `a <-> b` becomes two flows unless
/// they are the same. A flow that no packet can belong to (an IPv4 source and an IPv6 destination)
/// is reported and left out.
std::vector<Flow> lower(const policy::Cluster& cluster, Reporter& reporter);

/// Gives flows of one rule different ids and sorts by kind and id.
void name_flows(std::vector<Flow>& flows);

}  // namespace hcipol::flow
