// Boxes sorted into groups that have nothing to do with each other, far cheaper than sets of
// packets.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "net/packet_set.h"

namespace hcipol::net {

/// By box the number of its island: a box meets no box of another island, and what the boxes of one
/// island cover says nothing about another. Boxes of one island need not meet: islands are found
/// axis by axis, O(n log n), and may be larger than necessary. An island's number is that of its
/// first box.
std::vector<std::uint32_t> islands(std::span<const Box> boxes);

/// Numbers, ascending, of the boxes that share their island with another one.
std::vector<std::size_t> not_alone(std::span<const Box> boxes);
/// Fastest where boxes share their sets.
std::vector<std::size_t> not_alone(std::span<const BoxView> boxes);

}  // namespace hcipol::net
