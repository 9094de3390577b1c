// Invariants against what the rules of each cluster come to.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "diagnostics/reporter.h"
#include "flow/flow.h"
#include "policy/model.h"
#include "support/source.h"

namespace hcipol::verify {

/// An exception that breaks an invariant and says so.
struct Waived {
  std::string invariant;  ///< its address
  std::string cluster;
  std::string exception;
  Date expires;
};

/// `never allow F` holds if no packet of F is in (allows \ denies) ∪ the exceptions that do not
/// waive the invariant; `always allow F` if every packet of F is allowed. Requests that go through
/// a proxy count as if servers asked the host themselves. Reports what does not hold, each
/// violation once for all clusters that have it, and waives that no exception needs. `flows` are
/// those of each cluster, in the order of policy.clusters. The result is sorted.
std::vector<Waived> check_invariants(const policy::Policy& policy,
                                     std::span<const std::vector<flow::Flow>> flows,
                                     const SourceMap& sources, Reporter& reporter);

/// A check whose flow no packet can belong to; true if that was reported.
bool refuse_empty(const net::PacketSet& asked, const policy::Check& check, Reporter& reporter);

}  // namespace hcipol::verify
