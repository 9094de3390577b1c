// One end of a packet: an address or a name.
#pragma once

#include <vector>

#include "net/address_set.h"
#include "net/domain_set.h"

namespace hcipol::net {

/// Addresses ⊎ names. The two are disjoint by the language's meaning: what is said about a name is
/// not said about the addresses that it happens to resolve to.
struct PeerSet {
  AddressSet addresses;
  DomainSet names;

  static PeerSet all() { return {AddressSet::all(), DomainSet::all()}; }
  bool empty() const { return addresses.empty() && names.empty(); }
  bool contains(const PeerSet& other) const {
    return addresses.contains(other.addresses) && names.contains(other.names);
  }
  bool intersects(const PeerSet& other) const {
    return addresses.intersects(other.addresses) || names.intersects(other.names);
  }

  friend PeerSet operator|(const PeerSet& a, const PeerSet& b) {
    return {a.addresses | b.addresses, a.names | b.names};
  }
  friend PeerSet operator&(const PeerSet& a, const PeerSet& b) {
    return {a.addresses & b.addresses, a.names & b.names};
  }
  friend PeerSet operator-(const PeerSet& a, const PeerSet& b) {
    return {a.addresses - b.addresses, a.names - b.names};
  }
  friend bool operator==(const PeerSet&, const PeerSet&) = default;
  friend auto operator<=>(const PeerSet&, const PeerSet&) = default;
};

/// All of them in one, in time that grows with their sizes and not with how many there are.
PeerSet union_of(const std::vector<const PeerSet*>& sets);

}  // namespace hcipol::net
