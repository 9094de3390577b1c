// The meaning of a set of flows: (allows \ denies) ∪ exceptions, as packets.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <vector>

#include "flow/flow.h"
#include "net/packet_set.h"

namespace hcipol::flow {

using BoxesByKind = std::map<policy::Rule::Kind, std::vector<net::Box>>;

/// Throws net::NodeLimitExceeded when the rules differ in too many ways.
net::PacketSet effective(net::PacketUniverse& universe, std::span<const Flow> flows);
net::PacketSet effective(net::PacketUniverse& universe, BoxesByKind boxes);

/// The boxes of all flows, for building a universe.
std::vector<net::Box> boxes(std::span<const Flow> flows);
/// By class the numbers, ascending, of the flows that may share packets with another one of it.
/// Most flows of a large policy share none.
using Meeting = std::map<StandInClass, std::vector<std::size_t>>;
Meeting may_meet(std::span<const Flow> flows);
/// The box of what the language calls a flow: two if it goes both ways.
std::vector<net::Box> boxes(const sema::Flow& flow);
/// What a device sees, one direction a box.
std::vector<net::Box> seen_by(const policy::TargetView& view);

}  // namespace hcipol::flow
