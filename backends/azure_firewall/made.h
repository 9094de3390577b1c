// What a deployment makes and no later one takes away: ARM deletes nothing in its usual mode.
#pragma once

#include <string>
#include <vector>

#include "backends/azure_firewall/document.h"
#include "backends/backend.h"

namespace hcipol::backends::azure_firewall {

/// The `az` line that deletes a rule collection group of the document's policy.
std::string delete_group(const Document& document, const std::string& name);

/// Groups before the policy, and both before the IP groups that rules refer to.
std::vector<Made> made_by(const Document& document);

}  // namespace hcipol::backends::azure_firewall
