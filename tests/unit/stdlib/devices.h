// What the built artefacts allow, judged by the readers of tests/unit/backends, which share nothing
// with the backends.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "built_library.h"

namespace hcipol::test {

/// A connection that somebody opens to a name or, if `name` is empty, to an address.
struct Probe {
  std::string from;     ///< an address
  std::string address;  ///< what the name resolves to, for devices that see only that
  std::string name;
  std::uint8_t protocol = net::protocol::tcp;
  std::uint16_t port = 0;
  std::string shares = {};  ///< whose address it has, if it is another name's
};

std::string to_string(const Probe& probe);

/// Whether the policy itself opens it.
bool allows(const std::vector<OpenedFlow>& flows, const Probe& probe);

/// One device's artefacts, read.
class Device {
 public:
  virtual ~Device() = default;
  virtual bool allows(const Probe& probe) const = 0;
  /// Whether such a connection passes it.
  virtual bool sees(const Probe& probe) const = 0;
  std::string target;  ///< key in the manifest: "lab/iptables"
};

/// The servers' own firewalls, which know no names. Null if no grammar of PowerShell is there.
std::unique_ptr<Device> windows(const BuiltLibrary& built);

/// Azure Firewall, Palo Alto and iptables; `probes` tells iptables' dnsmasq what names resolve to.
std::vector<std::unique_ptr<Device>> devices(const BuiltLibrary& built,
                                             const std::vector<Probe>& probes);

}  // namespace hcipol::test
