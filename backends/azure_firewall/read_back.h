// The firewall policy that a template and its parameters make, read by Azure's semantics.
#pragma once

#include <span>

#include "backends/backend.h"

namespace hcipol::backends::azure_firewall {

/// Network rules are looked at before application rules, each by the priority of their group and
/// then of their collection, and in a collection top down; what no rule matches is denied. IPv4
/// only. Port 0 cannot be said. `*.x` is every name below x, at any depth, and not x; application
/// rules see names in HTTP and TLS only, and network rules know names by the answers of the
/// firewall's DNS proxy. Sources: Azure Firewall's rule processing logic, FAQ and REST reference
/// (2025-05-01), and "Syntax and expressions in ARM templates".
DeviceReading read_back(std::span<const Artefact> artefacts, const ReadContext& context);

}  // namespace hcipol::backends::azure_firewall
