// The azure-firewall backend: an ARM template with a firewall policy, and its parameter file.
#pragma once

#include "backends/backend.h"

namespace hcipol::backends::azure_firewall {

Backend backend();

}  // namespace hcipol::backends::azure_firewall
