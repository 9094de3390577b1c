// A set of services as what single rules can match.
#pragma once

#include <vector>

#include "backends/nftables/document.h"

namespace hcipol::backends::nftables {

/// The services of `set` that packets of the family can have, one element per rule. Not for every
/// service, which no rule need match.
std::vector<Service> rules_of(const net::ServiceSet& set, net::Family family);

}  // namespace hcipol::backends::nftables
