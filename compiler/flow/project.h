// A device's share of a cluster: what it sees, in the form that it can order.
#pragma once

#include <memory>

#include "diagnostics/reporter.h"
#include "flow/flow.h"

namespace hcipol::flow {

struct ProjectOptions {
  Order order = Order::first_match;
  bool host = false;
};

/// Clips the cluster's flows to what the target sees, splits them by server for host firewalls, and
/// takes exceptions out of denies or denies out of allows where the device needs it. What is taken
/// out is computed exactly and the result proved equal to what went in (bug() if not). Null if the
/// packet sets grew too large (reported).
std::unique_ptr<DevicePolicy> project(const policy::Policy& policy, std::size_t cluster,
                                      std::size_t target, const std::vector<Flow>& flows,
                                      const ProjectOptions& options, Reporter& reporter);

}  // namespace hcipol::flow
