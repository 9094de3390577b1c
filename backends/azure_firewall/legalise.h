// From flows to a document: what Azure can say becomes rules, everything else is reported.
#pragma once

#include "backends/azure_firewall/document.h"
#include "backends/azure_firewall/settings.h"
#include "backends/backend.h"

namespace hcipol::backends::azure_firewall {

/// One group of network rules and one of application rules. In each, a feature is one collection
/// and so is an exception; a flow is one rule wherever its services share their ports.
Document legalise(const flow::DevicePolicy& device, const Settings& settings, EmitContext& context);

}  // namespace hcipol::backends::azure_firewall
