// A document that is more than one template may have, as several.
#pragma once

#include <vector>

#include "backends/azure_firewall/document.h"

namespace hcipol::backends::azure_firewall {

/// In the order in which they must be deployed: the policy, the IP groups, each rule collection
/// group. One more rule or address changes the part that it belongs to and no other.
std::vector<Document> parts_of(const Document& document);

}  // namespace hcipol::backends::azure_firewall
