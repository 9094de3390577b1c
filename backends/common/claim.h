// What a proof is about.
#pragma once

#include <vector>

#include "backends/common/meaning.h"
#include "backends/common/outcome.h"

namespace hcipol::backends {

/// A reading does what is meant, neither more nor less.
struct Claim {
  const Reading& reading;
  const std::vector<std::vector<Step>>& lists;  ///< the reading's
  const Meaning& meaning;
  const net::AddressSet& guarded;  ///< the servers' addresses, or the machine's
  flow::Order order = flow::Order::first_match;
  bool all_denied = false;  ///< the device denies all that nothing allows
};

}  // namespace hcipol::backends
