// Services as Windows takes them: one match for each protocol.
#pragma once

#include <string>
#include <vector>

#include "backends/windows_firewall/peers.h"
#include "net/service.h"

namespace hcipol::backends::windows_firewall {

/// What one rule matches of a packet beside its addresses.
struct Match {
  std::string protocol;                 ///< "Any", "TCP", "ICMPv6", "47"
  Families families = both;             ///< in which the protocol exists
  std::vector<std::string> ports;       ///< "443", "5000-5099"; empty for every port
  std::vector<std::string> icmp_types;  ///< "8", "3:4"; empty for every type
};

/// In order of protocol number. A protocol with all its ports or types has no list; a set of every
/// service is one match, "Any". Only 1, 6, 17 and 58 may have ports or types ([MS-FASP]).
std::vector<Match> matches(const net::ServiceSet& service);

}  // namespace hcipol::backends::windows_firewall
