// A rule that the optimiser made of several of the policy, and that a device says in several rules:
// which of the policy's rules each of those stands for.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "flow/flow.h"

namespace hcipol::backends {

class CarriedRules;

/// What of a flow a device has a rule of its own for.
struct FlowPart {
  using Sets = std::vector<const policy::NamedSet*>;

  net::ServiceSet service;
  std::optional<net::Family> family;  ///< nothing: both
  Sets from = {};                     ///< none: all that the flow has
  Sets to = {};
};

class RuleParts {
 public:
  RuleParts();
  ~RuleParts();

  /// What a part of the flow is to be named, titled and led back to by: the flow's rule if all that
  /// it carries has packets in the part; the one rule of the policy that has; or a rule that
  /// carries those that have. It depends on these rules alone, so that one more changes nothing
  /// where it has no packets. Rules that are made here live as long as what take() gives; the sets
  /// must live as long as this. It costs what the answer has, however many rules the flow's rule
  /// carries.
  const policy::Rule& of(const flow::Flow& flow, const FlowPart& part);

  /// For Emission::parts.
  std::deque<policy::Rule> take() { return std::move(made_); }

 private:
  std::deque<policy::Rule> made_;
  std::unordered_map<const policy::Rule*, std::unique_ptr<CarriedRules>> carried_;
  std::map<std::pair<const policy::Rule*, std::vector<const policy::Rule*>>, const policy::Rule*>
      known_;
};

/// The flow's id under the name of a part's rule: "a.b (x -> y)" is "a.c (x -> y)" for the rule
/// a.c.
std::string part_id(const flow::Flow& flow, const policy::Rule& part);

}  // namespace hcipol::backends
