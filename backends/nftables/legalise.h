// From flows to chains, maps, sets and domains; whatever the device cannot say is reported here.
#pragma once

#include "backends/nftables/document.h"
#include "backends/nftables/settings.h"

namespace hcipol::backends::nftables {

/// The chains, after conntrack: exceptions, denies, then what is allowed, and the denial of the
/// rest where a server is at one end. Traffic that the policy does not speak of goes on to other
/// tables untouched.
Document legalise(const flow::DevicePolicy& device, const Settings& settings, EmitContext& context);

}  // namespace hcipol::backends::nftables
