// The azure-nsg backend: network security groups of Azure, as an ARM template.
#pragma once

#include "backends/backend.h"

namespace hcipol::backends::azure_nsg {

Backend backend();

}  // namespace hcipol::backends::azure_nsg
