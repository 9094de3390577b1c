// From flows to security rules, one direction and address family each.
#pragma once

#include "backends/azure_nsg/document.h"
#include "backends/azure_nsg/settings.h"

namespace hcipol::backends::azure_nsg {

/// Reports what addresses and service tags cannot say, and limits that are exceeded.
Document legalise(const flow::DevicePolicy& device, const Settings& settings, EmitContext& context);

}  // namespace hcipol::backends::azure_nsg
