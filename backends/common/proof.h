// Whether a device's files do what the policy's flows say, no more and no less.
#pragma once

#include <optional>
#include <string>

#include "backends/backend.h"

namespace hcipol::backends {

/// Reads the emission back and compares it, as exact sets of packets, with the device's flows under
/// the device's order, changed by what its remarks say and by nothing else. Packets that cannot be
/// are left out: from one address family to the other, ICMP of the other family, and the addresses
/// `::` and `::1` on a network.
///
/// A host name is somewhere on the Internet, nobody knows where: rules by address decide on it only
/// if they hold for every address of a family. Names that neither the flows nor the files mention
/// are not looked at.
///
/// Nothing if they are equal; else one packet and the file to look at, as a sentence without its
/// full stop, or what the reader could not understand. Throws net::NodeLimitExceeded.
std::optional<std::string> difference(const Backend& backend, const flow::DevicePolicy& device,
                                      const Emission& emission);

}  // namespace hcipol::backends
