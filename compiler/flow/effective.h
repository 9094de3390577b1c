// The meaning of a set of flows: (allows \ denies) ∪ exceptions, as packets.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "flow/flow.h"
#include "net/packet_set.h"

namespace hcipol::flow {

/// Throws net::NodeLimitExceeded when the rules differ in too many ways.
net::PacketSet effective(net::PacketUniverse& universe, std::span<const Flow> flows);

/// Whether some packet belongs to both.
bool meet(const net::Box& a, const net::Box& b);

/// The boxes of all flows, for building a universe.
std::vector<net::Box> boxes(std::span<const Flow> flows);

}  // namespace hcipol::flow
