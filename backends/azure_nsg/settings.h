// The options of an azure-nsg target, checked and with defaults filled in.
#pragma once

#include <string>

#include "backends/backend.h"

namespace hcipol::backends::azure_nsg {

struct Settings {
  std::string cluster;  ///< the cluster's name as part of Azure names
  std::string group;
  bool deny_rest = true;  ///< what the target sees and nothing allows
  std::string api_version;
};

/// Reports E0611 for each option that Azure would refuse and goes on with its default.
Settings read_settings(const flow::DevicePolicy& device, EmitContext& context);

}  // namespace hcipol::backends::azure_nsg
