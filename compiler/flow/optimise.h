// Fewer flows with the same meaning: what others cover is dropped, neighbours become one.
#pragma once

#include <deque>
#include <span>
#include <vector>

#include "flow/flow.h"

namespace hcipol::flow {

struct Optimised {
  std::vector<Flow> flows;
  /// Owner of the rules that stand for several of the policy (Rule::carries); elements never move.
  std::deque<policy::Rule> rules;
};

/// Drops every flow that flows of its kind cover together, and joins flows of one feature that are
/// equal in all but their source, their destination or their service. Only flows that devices treat
/// alike are joined: names with names, ports with ports, logged with logged. Flows of two features
/// are never joined, so that a change of one feature stays within its own rules. The result does
/// not depend on the order of the flows, and is proved to allow, deny and except the same packets
/// (bug() if not). Throws net::NodeLimitExceeded when the flows differ in too many ways.
Optimised optimise(std::span<const Flow> flows);

}  // namespace hcipol::flow
