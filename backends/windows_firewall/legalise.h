// From a device's flows to Windows Firewall rules; reports everything that these cannot say.
#pragma once

#include "backends/backend.h"
#include "backends/windows_firewall/document.h"

namespace hcipol::backends::windows_firewall {

/// A rule of Windows Firewall matches by direction, protocol, ports of one side, local and remote
/// addresses; a block rule beats every allow rule ([MS-FASP] FW_RULE_ACTION), which is what denies
/// without their exceptions need. One flow becomes a rule for each protocol, and more where a list
/// of addresses is longer than 1,000.
Document legalise(const flow::DevicePolicy& device, EmitContext& context);

}  // namespace hcipol::backends::windows_firewall
