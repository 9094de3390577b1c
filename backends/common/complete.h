// Whether a reading tells of the whole device.
#pragma once

#include "backends/common/reading.h"

namespace hcipol::backends {

/// Every part of the device must have been read: a file that is not there allows nothing. Throws
/// Unreadable. `on_hosts`: the device is a firewall on each server.
void check_complete(const flow::DevicePolicy& device, bool on_hosts, const DeviceReading& read);

}  // namespace hcipol::backends
