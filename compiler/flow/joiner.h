// Flows that are equal in all but one of source, destination and service become one.
#pragma once

#include <vector>

#include "flow/optimise.h"
#include "flow/shapes.h"

namespace hcipol::flow {

using Rules = std::vector<const policy::Rule*>;

/// A flow on its way.
struct JoinedFlow {
  const Flow* flow = nullptr;  ///< the first that it was made of
  Shape shape;
  Number origin = 0;     ///< of its feature
  Number treatment = 0;  ///< what parts of one treatment join to has it, too
  Rules more;            ///< rules that it carries beside its own, some perhaps more than once
  bool joined_from = false, joined_to = false;
};

/// The parts with neighbours joined, one dimension after the other until none joins any more: every
/// step can only shorten the list, so this ends. What a device must say in several rules, and flows
/// of two features, stay apart.
std::vector<JoinedFlow> joined(std::vector<JoinedFlow> parts, Numbers& numbers,
                               const RuleCapabilities& device);

}  // namespace hcipol::flow
