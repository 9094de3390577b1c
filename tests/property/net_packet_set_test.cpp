// Packet sets against a naive interpreter, packet by packet at every boundary, and the laws of
// sets.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "net/packet_set.h"
#include "tests/support/set_laws.h"

namespace hcipol::net {
namespace {

/// The ends of ranges.
const std::vector<Address>& cuts() {
  static const std::vector<Address> all = [] {
    std::vector<Address> out;
    for (const char* text :
         {"0.0.0.0", "10.0.0.0", "10.0.0.3", "10.0.0.4", "10.0.1.255", "127.255.255.255",
          "255.255.255.255", "::", "::ffff:ffff:ffff:ffff",
          "0:0:0:1::", "2001:db8::", "2001:db8::ff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}) {
      out.push_back(parse_address(text).value());
    }
    return out;
  }();
  return all;
}

const std::vector<std::string> patterns = {"a.t",   "*.t",     "*.a.t", "b.a.t", "*.b.a.t",
                                           "x.a.t", "x.b.a.t", "b-a.t", "*.u",   "c.u"};

/// At the ends, and one before and after.
std::vector<Endpoint> all_endpoints() {
  std::vector<Endpoint> out;
  for (const Address& cut : cuts()) {
    out.emplace_back(cut);
    if (const auto before = previous(cut)) out.emplace_back(*before);
    if (const auto after = next(cut)) out.emplace_back(*after);
  }
  // Every pattern's name, a child, a grandchild and a sibling, and names far from all.
  for (const char* name :
       {"t",       "a.t",       "y.t",     "x.a.t", "b.a.t",        "y.a.t",     "x.b.a.t",
        "y.b.a.t", "z.y.b.a.t", "z.x.a.t", "b-a.t", "y.b-a.t",      "ba.t",      "u",
        "c.u",     "d.u",       "y.c.u",   "q.q",   "host.invalid", "host.b.a.t"}) {
    out.emplace_back(name);
  }
  return out;
}

const std::vector<ServiceRange> service_pieces = {
    {0x60000, 0x6ffff},   {0x60050, 0x60050},   {0x60000, 0x60050},   {0x60051, 0x601bb},
    {0x601bb, 0x6ffff},   {0x110035, 0x110035}, {0x110000, 0x11ffff}, {0x10000, 0x1ffff},
    {0x10800, 0x108ff},   {0x10304, 0x10304},   {0x2f0000, 0x2fffff}, {0x3a0000, 0x3affff},
    {0x3a8000, 0x3a80ff}, {0x60050, 0x11ffff},  {0, 0xffffff}};

std::vector<std::uint32_t> all_points() {
  std::vector<std::uint32_t> out;
  for (const ServiceRange& range : service_pieces) {
    for (const std::uint32_t end : {range.first, range.last}) {
      out.push_back(end);
      if (end > 0) out.push_back(end - 1);
      if (end < 0xffffff) out.push_back(end + 1);
    }
  }
  return out;
}

PeerSet any_peer_piece() {
  if (*rc::gen::weightedElement<bool>({{2, false}, {1, true}})) {
    return {{}, DomainSet(parse_pattern(*rc::gen::elementOf(patterns)).value())};
  }
  Address a = *rc::gen::elementOf(cuts());
  Address b = *rc::gen::elementOf(cuts());
  if (a > b) std::swap(a, b);
  if (a.family != b.family) b = last_address(a.family);
  return {AddressSet(AddressRange{a, b}), {}};
}

PeerSet any_peers() {
  const int shape = *rc::gen::inRange(0, 8);
  if (shape == 0) return PeerSet::all();
  PeerSet set = any_peer_piece();
  if (shape == 1) return PeerSet::all() - set;
  for (int i = 3; i < shape; ++i) {
    const PeerSet piece = any_peer_piece();
    set = *rc::gen::arbitrary<bool>() ? set | piece : set - piece;
  }
  return set;
}

ServiceSet any_services() {
  ServiceSet set = ServiceSet::of({*rc::gen::elementOf(service_pieces)});
  const int more = *rc::gen::inRange(0, 3);
  for (int i = 0; i < more; ++i) {
    const ServiceSet piece = ServiceSet::of({*rc::gen::elementOf(service_pieces)});
    set = *rc::gen::arbitrary<bool>() ? set | piece : set - piece;
  }
  return set;
}

/// A set as a list of boxes to put in or to take out, in this order.
struct Step {
  bool add;
  Box box;
};
using Steps = std::vector<Step>;

Steps any_steps() {
  Steps steps;
  const int count = *rc::gen::inRange(0, 6);
  for (int i = 0; i < count; ++i) {
    const bool add = *rc::gen::weightedElement<bool>({{2, true}, {1, false}});
    steps.push_back({add, {any_peers(), any_peers(), any_services()}});
  }
  return steps;
}

/// The specification: the last step that speaks of the packet decides.
bool naive(const Steps& steps, const Packet& packet) {
  const auto in_peers = [](const PeerSet& set, const Endpoint& end) {
    if (const auto* address = std::get_if<Address>(&end)) {
      for (const AddressRange& range : set.addresses.ranges()) {
        if (range.first <= *address && *address <= range.last) return true;
      }
      return false;
    }
    return set.names.contains(std::get<std::string>(end));
  };
  bool member = false;
  for (const auto& [add, box] : steps) {
    bool service = false;
    for (const ServiceRange& range : box.service.ranges()) {
      service = service || (range.first <= packet.service && packet.service <= range.last);
    }
    if (service && in_peers(box.from, packet.from) && in_peers(box.to, packet.to)) member = add;
  }
  return member;
}

std::vector<Box> boxes_of(std::initializer_list<const Steps*> lists) {
  std::vector<Box> out;
  for (const Steps* steps : lists) {
    for (const Step& step : *steps) out.push_back(step.box);
  }
  return out;
}

PacketSet evaluate(PacketUniverse& universe, const Steps& steps) {
  PacketSet set = universe.none();
  for (const auto& [add, box] : steps) {
    set = add ? set | universe.of(box) : set - universe.of(box);
  }
  return set;
}

std::vector<Packet> some_packets(std::size_t count) {
  static const std::vector<Endpoint> ends = all_endpoints();
  static const std::vector<std::uint32_t> points = all_points();
  // One seed and not three choices for each packet: RapidCheck's generators are slow.
  std::uint64_t state = *rc::gen::arbitrary<std::uint64_t>();
  const auto below = [&](std::size_t limit) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    return static_cast<std::size_t>(state >> 33) % limit;
  };
  std::vector<Packet> packets;
  for (std::size_t i = 0; i < count; ++i) {
    packets.push_back(
        {ends[below(ends.size())], ends[below(ends.size())], points[below(points.size())]});
  }
  return packets;
}

TEST(NetPacketSetProperty, AgreesWithTheNaiveInterpreter) {
  int members = 0;
  int outsiders = 0;
  EXPECT_TRUE(rc::check("packet by packet", [&] {
    const Steps steps = any_steps();
    const auto boxes = boxes_of({&steps});
    PacketUniverse universe(boxes);
    const PacketSet set = evaluate(universe, steps);
    for (const Packet& packet : some_packets(400)) {
      const bool expected = naive(steps, packet);
      (expected ? members : outsiders) += 1;
      RC_ASSERT(set.contains(packet) == expected);
    }
  }));
  // The check is worth something only if it sees both.
  EXPECT_GT(members, 0);
  EXPECT_GT(outsiders, 0);
}

TEST(NetPacketSetProperty, Laws) {
  EXPECT_TRUE(rc::check("laws of sets", [] {
    const Steps x = any_steps();
    const Steps y = any_steps();
    const Steps z = any_steps();
    const auto boxes = boxes_of({&x, &y, &z});
    PacketUniverse universe(boxes);
    const PacketSet a = evaluate(universe, x);
    const PacketSet b = evaluate(universe, y);
    const PacketSet c = evaluate(universe, z);
    const PacketSet all = universe.all();
    test::check_set_laws(a, b, c, all, universe.none());
  }));
}

TEST(NetPacketSetProperty, BoxesAreTheSet) {
  EXPECT_TRUE(rc::check("boxes", [] {
    const Steps steps = any_steps();
    const auto known = boxes_of({&steps});
    PacketUniverse universe(known);
    const PacketSet set = evaluate(universe, steps);
    const std::vector<Box> boxes = set.boxes();

    RC_ASSERT(universe.of(boxes) == set);
    RC_ASSERT(std::is_sorted(boxes.begin(), boxes.end()));
    for (std::size_t i = 0; i < boxes.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        RC_ASSERT_FALSE(boxes[i].from.intersects(boxes[j].from) &&
                        boxes[i].to.intersects(boxes[j].to) &&
                        boxes[i].service.intersects(boxes[j].service));
      }
    }
    // The same through plain membership, without the diagram.
    for (const Packet& packet : some_packets(100)) {
      bool inside = false;
      for (const Box& box : boxes) inside = inside || contains(box, packet);
      RC_ASSERT(inside == naive(steps, packet));
    }
  }));
}

TEST(NetPacketSetProperty, WitnessesAreMembers) {
  EXPECT_TRUE(rc::check("witness", [] {
    const Steps steps = any_steps();
    const auto boxes = boxes_of({&steps});
    PacketUniverse universe(boxes);
    const PacketSet set = evaluate(universe, steps);
    const std::optional<Packet> witness = set.witness();
    RC_ASSERT(witness.has_value() == !set.empty());
    if (!witness) return;
    RC_ASSERT(naive(steps, *witness));
    RC_ASSERT(set.contains(*witness));
  }));
}

TEST(NetPacketSetProperty, MoreAtomsChangeNothing) {
  EXPECT_TRUE(rc::check("a finer universe", [] {
    const Steps steps = any_steps();
    const Steps other = any_steps();
    const auto few = boxes_of({&steps});
    const auto many = boxes_of({&other, &steps});
    PacketUniverse small(few);
    PacketUniverse large(many);
    const PacketSet a = evaluate(small, steps);
    const PacketSet b = evaluate(large, steps);
    for (const Packet& packet : some_packets(100))
      RC_ASSERT(a.contains(packet) == b.contains(packet));
    RC_ASSERT(a.empty() == b.empty());
    // Boxes of the small universe mean the same in the large one.
    RC_ASSERT(large.of(a.boxes()) == b);
  }));
}

}  // namespace
}  // namespace hcipol::net
