// `hcipolc plan` and `hcipolc diff`: what a change opens and closes, for a reviewer, for a pull
// request, and for programs.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "flow/diff.h"
#include "report/limits.h"
#include "support/source.h"
#include "verify/invariants.h"

namespace hcipol::report {

/// One side of a comparison.
struct PlanSide {
  std::string name;  ///< "HEAD (9420234c70de)", "working files"
  flow::PolicyFlows policy;
  const SourceMap* sources = nullptr;
};

/// What the invariants of a policy came to.
struct InvariantTotals {
  std::size_t declared = 0;
  std::vector<verify::Waived> waived;  ///< those that exceptions break, and may
};

struct Plan {
  PlanSide base;
  PlanSide head;
  flow::PolicyDiff diff;
  std::string library;  ///< what both sides take `std/…` from, for people
  /// Names of the backends that are firewalls on servers: theirs is said server by server.
  std::set<std::string> host_backends;
  /// Of head; unset if head is a file of flows, in which there are none.
  std::optional<InvariantTotals> invariants;
  /// Of the devices of head that have limits; empty if head is a file of flows.
  std::vector<DeviceLimits> limits;
};

/// A line for each row, then the devices of each cluster, and the limits of which more or less is
/// used than before. Clusters that change alike are shown once.
std::string plan_text(const Plan& plan);
/// For a comment: the verdict in the first line, tables, folded details; 60,000 characters at most.
/// What does not fit is counted.
std::string plan_markdown(const Plan& plan);
/// {"version": 1, "base", "head", "library", "invariants": {declared, waived} or null, "changed",
/// "opened", "closed", "clusters": [{name, change, unchanged, without_effect, rows: [{effect, rule,
/// from, to, service, parts, …}], devices: [{name, changes}]}]}. The parts are exact: what base
/// allows, without what closes, with what opens, is what head allows. A device that has limits also
/// has "limits": [{limit, before (null if there was no such device, or it is not known), after,
/// allowed}].
std::string plan_json(const Plan& plan);

}  // namespace hcipol::report
