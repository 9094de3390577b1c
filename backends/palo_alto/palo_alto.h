// The row of the Palo Alto backend in the table of backends.
#pragma once

#include "backends/backend.h"

namespace hcipol::backends::palo_alto {

/// `palo-alto`: one complete `<config>` per cluster, for a firewall's vsys or a Panorama device
/// group.
Backend backend();

}  // namespace hcipol::backends::palo_alto
