// From a device's flows to a PAN-OS configuration.
#pragma once

#include "backends/backend.h"
#include "backends/palo_alto/document.h"
#include "backends/palo_alto/settings.h"

namespace hcipol::backends::palo_alto {

/// One rule per flow where PAN-OS can say it in one; what it cannot say at all is reported. The
/// document refers to names of the settings.
Document legalise(const flow::DevicePolicy& device, const Settings& settings, EmitContext& context);

}  // namespace hcipol::backends::palo_alto
