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

/// The policies that the groups stand in or below, made here or not: Made::remove of each.
std::vector<std::string> needed_by(const Document& document);

/// The names of IP groups that only `cluster` may use, where `policy` has clusters whose names
/// could be the same: `prod` with its role `east-servers`, and `prod-east` with its `servers`.
std::vector<OwnName> own_names(const Document& document, const policy::Policy& policy);

}  // namespace hcipol::backends::azure_firewall
