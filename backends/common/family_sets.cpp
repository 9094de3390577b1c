// A set is looked at once per family; after that, comparing sets is comparing pointers.
#include "backends/common/family_sets.h"

#include <algorithm>

namespace hcipol::backends {

using net::Family;
using net::PeerSet;
using net::ServiceSet;

FamilySets::FamilySets(Family family, const ServiceSet& never)
    : family_(family), every_address_(net::AddressSet::all(family)) {
  if (family == Family::ipv6) {
    every_address_ = every_address_ -
                     net::AddressSet(net::AddressRange{{Family::ipv6, 0, 0}, {Family::ipv6, 0, 1}});
  }
  const bool v4 = family == Family::ipv4;
  possible_ = ServiceSet::any() -
              ServiceSet::whole(v4 ? net::protocol::icmpv6 : net::protocol::icmp) - never;
  everyone_ = pool_.peers.keep(everyone());
  no_peer_ = pool_.peers.keep({});
  no_service_ = pool_.services.keep({});
}

PeerSet FamilySets::share(const PeerSet& set) const {
  PeerSet out{set.addresses.only(family_) & every_address_, set.names};
  if (out.addresses == every_address_ && !out.names.others()) out.names = net::DomainSet::all();
  return out;
}

const PeerSet* FamilySets::share(const PeerSet* set) {
  if (set == nullptr) return everyone_;
  const auto [place, fresh] = peers_.try_emplace(set, nullptr);
  if (fresh) place->second = pool_.peers.keep(share(*set));
  return place->second;
}

Grouped FamilySets::share(const Grouped& rule) {
  const auto [place, fresh] = services_.try_emplace(rule.service, nullptr);
  if (fresh) {
    place->second =
        pool_.services.keep(rule.service == nullptr ? possible_ : *rule.service & possible_);
  }
  return {share(rule.from), share(rule.to), place->second};
}

net::Box FamilySets::box(const Grouped& rule) {
  const Grouped share = this->share(rule);
  return {*share.from, *share.to, *share.service};
}

std::vector<net::Box> FamilySets::boxes(const std::vector<Grouped>& rules) {
  std::vector<net::Box> out;
  for (const Grouped& rule : rules) {
    if (!empty(share(rule))) out.push_back(box(rule));
  }
  return out;
}

std::size_t FamilySets::PairHash::operator()(
    const std::pair<const void*, const void*>& pair) const {
  const std::hash<const void*> hash;
  return hash(pair.first) * 0x9e37'79b9'7f4a'7c15 ^ hash(pair.second);
}

template <class Set>
const Set* FamilySets::meet(const Set* a, const Set* b, Meetings<Set>& known, Interned<Set>& sets) {
  if (a == b) return a;
  if (std::less<>()(b, a)) std::swap(a, b);
  const auto [place, fresh] = known.try_emplace({a, b}, nullptr);
  if (fresh) place->second = sets.keep(*a & *b);
  return place->second;
}

Grouped FamilySets::meet(const Grouped& a, const Grouped& b) {
  const auto peers = [&](const PeerSet* one, const PeerSet* other) {
    if (one == everyone_) return other;
    if (other == everyone_) return one;
    return meet(one, other, peer_meetings_, pool_.peers);
  };
  Grouped out{peers(a.from, b.from), no_peer_, no_service_};
  if (out.from == no_peer_) return out;
  out.to = peers(a.to, b.to);
  if (out.to == no_peer_) return out;
  out.service = meet(a.service, b.service, service_meetings_, pool_.services);
  return out;
}

}  // namespace hcipol::backends
