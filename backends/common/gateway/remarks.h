// What must be said about a device's flows: one remark for a rule, however many flows it has.
#pragma once

#include "backends/common/gateway/peers.h"

namespace hcipol::backends::gateway {

/// Reports what the device cannot have (E0612, E0615), has wider (W0611) or holds only for
/// looked-up names (W0614, W0615).
void report_peers(const flow::DevicePolicy& device, Peers& peers, EmitContext& context);

}  // namespace hcipol::backends::gateway
