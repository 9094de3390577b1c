// Which traffic the clean-up denies: the servers', as far as the device sees it.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "flow/flow.h"

namespace hcipol::backends::palo_alto {

/// Traffic that is denied unless a rule before allows it.
struct Scope {
  const sema::NamedSet* from = nullptr;
  const sema::NamedSet* to = nullptr;
  net::ServiceSet service;
};

/// What the policy says nothing of must not be cut off by it, so one end is always a server: from
/// the servers to whatever the device sees them talk to, and the other way round. `owned` receives
/// the sets that the policy has no name for.
std::vector<Scope> default_deny(const flow::DevicePolicy& device,
                                std::deque<sema::NamedSet>& owned);

}  // namespace hcipol::backends::palo_alto
