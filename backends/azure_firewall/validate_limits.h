// The checks of what a whole file may have of a thing: L1.
#pragma once

#include <vector>

#include "backends/azure_firewall/validate_rules.h"

namespace hcipol::backends::azure_firewall {

/// Counts what the groups of a policy have together, and the bytes of each. A group is the object
/// that has `ruleCollections`.
void check_groups(const std::vector<const arm::ReadJson*>& groups, const arm::Values& values,
                  RuleChecks& checks);
/// Counts what a template has, and measures its expressions.
void check_template(const arm::ReadJson& json, RuleChecks& checks);

}  // namespace hcipol::backends::azure_firewall
