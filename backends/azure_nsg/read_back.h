// The network security group that a template makes, read by Azure's semantics.
#pragma once

#include <span>

#include "backends/backend.h"

namespace hcipol::backends::azure_nsg {

/// The group stands before the servers and meets their packets only: on the way out outbound rules
/// decide, on the way in inbound ones, and a packet between two servers meets both. Rules are tried
/// by priority, the lowest number first, and the first that matches decides; behind them come
/// Azure's own default rules, which are not the policy's. `*` is both address families; a list
/// holds prefixes of one; a service tag stands alone. `Icmp` is ICMP for IPv4. Sources: "Network
/// security groups", "Service tags", and the REST reference (2025-05-01).
DeviceReading read_back(std::span<const Artefact> artefacts, const ReadContext& context);

}  // namespace hcipol::backends::azure_nsg
