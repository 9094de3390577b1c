// Long chains as trees of short ones: a packet passes over a few lines, however many there are.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "backends/common/gateway/peers.h"
#include "backends/iptables/document.h"

namespace hcipol::backends::iptables {

/// Which prefix of a line decides where it goes.
enum class Side { from, to };

/// The longest list of lines that is left as it is. iptables-nft takes about 40 ns for each line
/// that it passes over, and a jump is one more.
inline constexpr std::size_t longest_list = 16;

/// The chain, and below it a chain for each prefix that holds many of its lines; the chain itself
/// alone if it is short. Lines may change places: they must all lead to one verdict, or be jumps of
/// which each comes back without one. Lines with the same prefix keep their order. A new chain is
/// called `NAME+10.0.0.0-8`, or by a hash where iptables does not take that.
std::vector<Chain> branches(Chain chain, Side side, Document& document);

/// The side that tells more of the lines apart.
Side better_side(const std::vector<Line>& lines);

/// Peers that lead to one chain. Those of one prefix each become a list once they are many.
struct Shared {
  std::vector<const gateway::Peer*> apart;
  std::vector<net::Cidr> prefixes;
};
Shared share(const std::map<std::string, const gateway::Peer*>& peers, net::Family family);

}  // namespace hcipol::backends::iptables
