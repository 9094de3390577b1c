// Boxes that a person can check, for the tests of covers and islands.
#pragma once

#include <cstdint>

#include "net/packet_set.h"

namespace hcipol::net {

inline PeerSet addresses(const char* first, const char* last) {
  return {AddressSet(AddressRange{parse_address(first).value(), parse_address(last).value()}), {}};
}

inline PeerSet named(const char* pattern) {
  return {{}, DomainSet(parse_pattern(pattern).value())};
}

inline ServiceSet tcp_ports(std::uint16_t first, std::uint16_t last) {
  return ServiceSet::ports(protocol::tcp, first, last);
}

inline const PeerSet clients = addresses("10.0.0.0", "10.0.0.255");
inline const PeerSet servers = addresses("10.1.0.1", "10.1.0.4");

}  // namespace hcipol::net
