// Rule collections as JSON, in a template or outside of one.
#pragma once

#include "backends/azure_firewall/document.h"
#include "backends/common/arm/write_template.h"

namespace hcipol::backends::azure_firewall {

/// "[resourceId('Microsoft.Network/ipGroups', '…')]": names hold letters, digits, `.`, `_` and `-`
/// only, so quotes need no care.
std::string ip_group_id(const IpGroup& group);

/// `ruleCollections` of a group. A template evaluates texts in brackets; `format` says whether to
/// write for one.
arm::Json rule_collections(const RuleCollectionGroup& group, Format format);

}  // namespace hcipol::backends::azure_firewall
