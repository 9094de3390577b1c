// A rule that the optimiser made of several of the policy, and that a device says in several rules:
// which of the policy's rules each of those stands for.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "flow/flow.h"

namespace hcipol::backends {

/// What of a flow a device has a rule of its own for.
struct FlowPart {
  net::ServiceSet service;
  std::optional<net::Family> family;  ///< nothing: both
};

class RuleParts {
 public:
  /// What a part of the flow is to be named, titled and led back to by: the flow's rule if all that
  /// it carries has packets in the part; the one rule of the policy that has; or a rule that
  /// carries those that have. It depends on these rules alone, so that one more changes nothing
  /// where it has no packets. Rules that are made here live as long as what take() gives.
  const policy::Rule& of(const flow::Flow& flow, const FlowPart& part);

  /// For Emission::parts.
  std::deque<policy::Rule> take() { return std::move(made_); }

 private:
  std::deque<policy::Rule> made_;
  std::map<std::pair<const policy::Rule*, std::vector<const policy::Rule*>>, const policy::Rule*>
      known_;
};

/// The flow's id under the name of a part's rule: "a.b (x -> y)" is "a.c (x -> y)" for the rule
/// a.c.
std::string part_id(const flow::Flow& flow, const policy::Rule& part);

}  // namespace hcipol::backends
