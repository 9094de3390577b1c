// A set of services as what single lines can match.
#pragma once

#include <string>
#include <vector>

#include "backends/iptables/document.h"

namespace hcipol::backends::iptables {

/// The services of `set` that packets of the family can have, one element per line. In `fault`,
/// what iptables cannot match, as the object of "cannot express".
std::vector<Service> lines_of(const net::ServiceSet& set, net::Family family, std::string& fault);

}  // namespace hcipol::backends::iptables
