// Long chains as trees of short ones: a packet passes over a few lines, however many there are.
#pragma once

#include <array>
#include <map>
#include <span>
#include <string_view>
#include <vector>

#include "backends/common/gateway/blocks.h"
#include "backends/common/gateway/peers.h"
#include "backends/iptables/document.h"

namespace hcipol::backends::iptables {

/// What tells lines apart.
enum class Side { from, to, service };

/// The longest list of lines that is left as it is. iptables-nft takes about 40 ns for each line
/// that it passes over, and a jump is one more.
inline constexpr std::size_t longest_list = 16;

/// How deep chains lie below a hook at most: iptables-nft takes 15, of which the first are the top
/// chain, "ours" and "flows". What tells sources apart comes between "flows" and a source's chain;
/// exceptions and denies lead on to one more chain that denies.
inline constexpr std::size_t room_for_sources = 4;
inline constexpr std::size_t room_for_source = 7;
inline constexpr std::size_t room_for_all = 10;

/// Appends the chain to `out`, and below it chains for the blocks of addresses or services that few
/// of its lines have to do with; the chain itself alone if it is short. What one side does not tell
/// apart is left to the next of `sides`. Lines may change places: they must all lead to one
/// verdict, or be jumps of which each comes back without one. Lines of one block keep their order.
/// A line may come to stand in several chains, of which no packet meets two. A new chain is called
/// `NAME+10.0.0.0-8` or `NAME+tcp.1024-2047`, or by a hash where iptables does not take that;
/// `room` is how many may lie below each other.
void branches(Chain chain, std::span<const Side> sides, std::size_t room, Document& document,
              std::vector<Chain>& out);

/// Both sides, the one that tells more of the lines apart first.
std::array<Side, 3> best_sides(const std::vector<Line>& lines);

/// The blocks of services that a line matches; none if it does not ask for any.
std::vector<gateway::Block> blocks_of(const Service& service);

using PeersByLabel = std::map<std::string_view, const gateway::Peer*>;

/// Peers that lead to one chain. Those of one prefix each become a list once they are many.
struct Shared {
  std::vector<const gateway::Peer*> apart;
  std::vector<net::Cidr> prefixes;
};
Shared share(const PeersByLabel& peers, net::Family family);

}  // namespace hcipol::backends::iptables
