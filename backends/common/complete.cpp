// A firewall between machines that is read as one of a machine would be proved against half of it.
#include "backends/common/complete.h"

#include <algorithm>

namespace hcipol::backends {

void check_complete(const flow::DevicePolicy& device, bool on_hosts, const DeviceReading& read) {
  using Traffic = Reading::Traffic;
  const auto has = [&](const policy::Node* node, bool inbound) {
    return std::any_of(read.readings.begin(), read.readings.end(), [&](const Reading& reading) {
      return reading.node == node && reading.inbound == inbound &&
             reading.traffic == Traffic::connections;
    });
  };
  if (!on_hosts && !has(nullptr, false)) throw Unreadable("", 0, "nothing was read");
  const bool on_machine = device.view->machine.has_value();
  if (on_machine && !has(nullptr, true)) throw Unreadable("", 0, "what comes in was not read");
  for (const Reading& reading : read.readings) {
    if (reading.on_machine != on_machine)
      throw Unreadable(reading.file, 0,
                       "it is for what is forwarded, or for a machine, and should not");
  }
  for (const flow::HostFlows& host : device.hosts) {
    for (const bool inbound : {true, false}) {
      if (!has(host.node, inbound)) throw Unreadable(host.node->name, 0, "it has no file");
    }
  }
}

}  // namespace hcipol::backends
