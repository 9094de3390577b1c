// The one report of packet sets that would grow over their limit.
#pragma once

#include "diagnostics/reporter.h"
#include "policy/model.h"

namespace hcipol::flow {

/// For whoever catches net::NodeLimitExceeded: E0440 at the cluster, with its three widest rules,
/// those of the most combinations of a source range or name, a destination range or name and a
/// range of services.
void report_too_complex(const policy::Cluster& cluster, Reporter& reporter);

}  // namespace hcipol::flow
