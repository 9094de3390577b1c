// Which boxes add nothing to the union of all, and which others make up for each of them.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "net/packet_set.h"

namespace hcipol::net {

/// Numbers, ascending, of boxes that contain the given one together, none of which could be left
/// out: one number if a single box does. Nothing if they do not. The box must not be empty.
std::optional<std::vector<std::size_t>> cover(PacketUniverse& universe, const Box& box,
                                              std::span<const Box> by);

/// For every box the numbers, ascending, of other boxes whose union contains it; none for a box
/// that is needed. A box that another one contains is covered by one box alone if any kept box
/// contains it; of equal boxes the first is kept; otherwise smaller boxes are covered rather than
/// larger, and later rather than earlier ones. No box of an answer is itself covered, so without
/// all covered boxes the union of the rest is what it was; and no box of an answer could be left
/// out of it. Finding the fewest is NP-hard; these are few, not always the fewest.
///
/// The answer depends on the boxes and their order alone. An empty box is a bug(). Throws
/// NodeLimitExceeded.
///
/// Costs about what the union of the boxes costs: each box is then looked up in O(log n) unions for
/// a few random packets of its own. Only where none of these is the box's alone, O(log n)
/// subtractions decide.
std::vector<std::vector<std::size_t>> covers(PacketUniverse& universe, std::span<const Box> boxes);

/// The same without a universe of the caller's, and the one to prefer for the rules of a cluster:
/// boxes that meet no other are left out, up to 1,000 boxes are compared two by two, packets prove
/// most boxes needed, and only what is left is put into a universe, with what it meets.
std::vector<std::vector<std::size_t>> covers(std::span<const Box> boxes);

}  // namespace hcipol::net
