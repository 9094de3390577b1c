// The operations of PacketSet, handed on to the diagram of its universe.
#include "net/packet_set.h"

#include <algorithm>

#include "net/packet_universe.h"
#include "support/bug.h"

namespace hcipol::net {
namespace {

void check_same(const void* a, const void* b) {
  if (a != b) bug("packet sets of two universes");
}

}  // namespace

bool is_empty(const Box& box) {
  return box.from.empty() || box.to.empty() || box.service.empty();
}

// The source first: it tells most rules of a cluster apart.
bool intersects(const Box& a, const Box& b) {
  return a.from.intersects(b.from) && a.service.intersects(b.service) && a.to.intersects(b.to);
}

bool contains(const Box& outer, const Box& inner) {
  return outer.service.contains(inner.service) && outer.from.contains(inner.from) &&
         outer.to.contains(inner.to);
}

Box operator&(const Box& a, const Box& b) {
  return {a.from & b.from, a.to & b.to, a.service & b.service};
}

Box hull(const Box& a, const Box& b) {
  return {a.from | b.from, a.to | b.to, a.service | b.service};
}

bool contains(const PeerSet& set, const Endpoint& endpoint) {
  const Address* address = std::get_if<Address>(&endpoint);
  return address ? set.addresses.contains(*address)
                 : set.names.contains(std::get<std::string>(endpoint));
}

bool contains(const Box& box, const Packet& packet) {
  const auto holds = [&](const ServiceRange& range) {
    return range.first <= packet.service && packet.service <= range.last;
  };
  const auto services = box.service.ranges();
  return contains(box.from, packet.from) && contains(box.to, packet.to) &&
         std::any_of(services.begin(), services.end(), holds);
}

bool PacketSet::empty() const {
  return root_ == Diagram::none;
}

bool PacketSet::contains(const PacketSet& other) const {
  check_same(universe_, other.universe_);
  return universe_->diagram.include(root_, other.root_);
}

bool PacketSet::contains(const Packet& packet) const {
  return universe_->diagram.contains(root_, universe_->codes_of(packet));
}

bool PacketSet::intersects(const PacketSet& other) const {
  check_same(universe_, other.universe_);
  return universe_->diagram.meet(root_, other.root_);
}

std::optional<Packet> PacketSet::witness() const {
  if (empty()) return std::nullopt;
  return universe_->example(universe_->diagram.lowest(root_));
}

PacketSet operator|(const PacketSet& a, const PacketSet& b) {
  check_same(a.universe_, b.universe_);
  return {a.universe_, a.universe_->diagram.unite(a.root_, b.root_)};
}

PacketSet operator&(const PacketSet& a, const PacketSet& b) {
  check_same(a.universe_, b.universe_);
  return {a.universe_, a.universe_->diagram.intersect(a.root_, b.root_)};
}

PacketSet operator-(const PacketSet& a, const PacketSet& b) {
  check_same(a.universe_, b.universe_);
  return {a.universe_, a.universe_->diagram.subtract(a.root_, b.root_)};
}

bool operator==(const PacketSet& a, const PacketSet& b) {
  check_same(a.universe_, b.universe_);
  return a.root_ == b.root_;
}

}  // namespace hcipol::net
