// From rules to flows: one direction each, family by family possible.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "flow/flow.h"

namespace hcipol::flow {

/// The flows of every rule of a cluster, sorted by kind and id. `a <-> b` becomes two flows unless
/// they are the same. A flow that no packet can belong to is left out.
std::vector<Flow> lower(const policy::Cluster& cluster);

/// Why no packet can belong to the rule (an IPv4 source and an IPv6 destination), as the rest of a
/// sentence; nothing if one can.
std::optional<std::string> impossible(const policy::Rule& rule);

/// Gives flows of one rule different ids and sorts by kind and id. Of flows that are the same in
/// all but the object of their rule, one remains.
void name_flows(std::vector<Flow>& flows);

}  // namespace hcipol::flow
