// Fewer flows with the same meaning: what others cover is dropped, neighbours become one.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "flow/effective.h"
#include "flow/flow.h"

namespace hcipol::flow {

/// What a device can say in one rule. Flows that differ in what it must say in several rules stay
/// apart: as one flow they would be taken apart again, under one name.
struct RuleCapabilities {
  bool names_with_addresses = false;  ///< host names and addresses at one end
  bool names_on_any_port = false;     ///< a host name is asked for on web ports and others alike
  bool tags_with_addresses = false;   ///< a service tag beside addresses of the policy

  friend auto operator<=>(const RuleCapabilities&, const RuleCapabilities&) = default;
};

/// A rule that stands for several, and is called after `first`, one of them. Its title names those
/// of them that are of the same feature.
policy::Rule carrier(const policy::Rule& first, const std::vector<const policy::Rule*>& rules);

struct Optimised {
  std::vector<Flow> flows;
  /// Owner of the rules that stand for several of the policy (Rule::carries); elements never move.
  std::deque<policy::Rule> rules;
};

/// Drops every flow that flows of its kind cover together, and joins flows of one feature that are
/// equal in all but their source, their destination or their service. Only flows that a device
/// treats alike are joined: ports with ports, wildcards with wildcards, logged with logged, and
/// what its capabilities do not let it say in one rule apart. Flows of two features are never
/// joined, so that a change of one feature stays within its own rules. The results do not depend on
/// the order of the flows, and each is proved to allow, deny and except the same packets (bug() if
/// not).
class Optimiser {
 public:
  /// The flows must outlive the optimiser. Throws net::NodeLimitExceeded when they differ in too
  /// many ways.
  explicit Optimiser(std::span<const Flow> flows);
  /// `meeting` is may_meet(flows).
  Optimiser(std::span<const Flow> flows, const Meeting& meeting);
  ~Optimiser();

  /// The flows for devices of one kind; they live as long as the optimiser. Throws as the
  /// constructor does.
  const Optimised& fewer(const RuleCapabilities& device);

 private:
  struct Work;

  std::unique_ptr<Work> work_;
  std::map<RuleCapabilities, Optimised> made_;
};

}  // namespace hcipol::flow
