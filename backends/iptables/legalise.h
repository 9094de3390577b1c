// From flows to chains, sets and domains; whatever the device cannot say is reported here.
#pragma once

#include "backends/iptables/document.h"
#include "backends/iptables/settings.h"

namespace hcipol::backends::iptables {

/// The chains, after conntrack: exceptions, denies, then one chain per source for what is allowed,
/// and the denial of the rest where a server is at one end. A packet visits only the chains of
/// sources that it comes from. Traffic that the policy does not speak of goes back to FORWARD
/// untouched.
Document legalise(const flow::DevicePolicy& device, const Settings& settings, EmitContext& context);

}  // namespace hcipol::backends::iptables
