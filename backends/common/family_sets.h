// Sets as the packets of one address family meet them.
#pragma once

#include <unordered_map>
#include <utility>
#include <vector>

#include "backends/common/regroup.h"

namespace hcipol::backends {

/// Every set once: of the pointers given out, two are equal if and only if the sets are.
class FamilySets {
 public:
  /// `never` are services that no packet can ask for.
  FamilySets(net::Family family, const net::ServiceSet& never);
  FamilySets(const FamilySets&) = delete;
  FamilySets& operator=(const FamilySets&) = delete;

  net::Family family() const { return family_; }
  /// Without those that no packet on a network has: `::` and `::1`.
  const net::AddressSet& every_address() const { return every_address_; }
  net::PeerSet everyone() const { return {every_address_, net::DomainSet::all()}; }
  /// Services without those of the other family.
  const net::ServiceSet& possible() const { return possible_; }

  /// The set's share of the family. Names go with the addresses if those are all that there are.
  net::PeerSet share(const net::PeerSet& set) const;
  net::Box share(const net::Box& box) const {
    return {share(box.from), share(box.to), box.service};
  }
  /// The same, remembered by the pointer, whose set must stay as it is. Of a null pointer:
  /// everyone.
  const net::PeerSet* share(const net::PeerSet* set);
  /// No field of it is null; the service is a possible one.
  Grouped share(const Grouped& rule);

  /// The share as a box / the shares that are not empty.
  net::Box box(const Grouped& rule);
  std::vector<net::Box> boxes(const std::vector<Grouped>& rules);

  /// Of shares.
  Grouped meet(const Grouped& a, const Grouped& b);
  bool empty(const Grouped& share) const {
    return share.from == no_peer_ || share.to == no_peer_ || share.service == no_service_;
  }

  SetPool& pool() { return pool_; }

 private:
  struct PairHash {
    std::size_t operator()(const std::pair<const void*, const void*>& pair) const;
  };
  template <class Set>
  using Meetings = std::unordered_map<std::pair<const void*, const void*>, const Set*, PairHash>;

  template <class Set>
  static const Set* meet(const Set* a, const Set* b, Meetings<Set>& known, Interned<Set>& sets);

  net::Family family_;
  net::AddressSet every_address_;
  net::ServiceSet possible_;
  SetPool pool_;
  std::unordered_map<const net::PeerSet*, const net::PeerSet*> peers_;
  std::unordered_map<const net::ServiceSet*, const net::ServiceSet*> services_;
  Meetings<net::PeerSet> peer_meetings_;
  Meetings<net::ServiceSet> service_meetings_;
  const net::PeerSet* everyone_;
  const net::PeerSet* no_peer_;
  const net::ServiceSet* no_service_;
};

}  // namespace hcipol::backends
