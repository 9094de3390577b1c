// How many lines a packet passes over at most, worked out from a gateway's files alone.
#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "net/address.h"

namespace hcipol::test {

/// path → text.
using GatewayFiles = std::map<std::string, std::string>;

struct LongestPath {
  std::size_t lines = 0;  ///< looked at, each chain's all of them unless it is not come to
  std::size_t depth = 0;  ///< chains below the hook that one packet is in at a time
};

/// No packet of the family looks at more lines, or is deeper in chains: of jumps that ask for other
/// addresses or services only those are taken together that one packet meets. What dnsmasq fills
/// may hold any address. A look-up in a map is one line. Throws std::runtime_error for lines that
/// it does not know.
LongestPath longest_path_of_iptables(const GatewayFiles& files, const std::string& top,
                                     net::Family family);
LongestPath longest_path_of_nftables(const GatewayFiles& files, const std::string& top,
                                     net::Family family);

}  // namespace hcipol::test
