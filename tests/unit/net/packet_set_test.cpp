// Packet sets by example: witnesses, boxes, limits, many atoms, and what a universe refuses.
#include "net/packet_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "support/bug.h"

namespace hcipol::net {
namespace {

using protocol::tcp;
using protocol::udp;

Address v4(std::uint32_t value) {
  return {Family::ipv4, 0, value};
}
PeerSet host(std::uint32_t value) {
  return {AddressSet(v4(value)), {}};
}
PeerSet range(std::uint32_t first, std::uint32_t last) {
  return {AddressSet(AddressRange{v4(first), v4(last)}), {}};
}
PeerSet name(const std::string& text) {
  return {{}, DomainSet(parse_pattern(text).value())};
}
ServiceSet port(std::uint16_t number) {
  return ServiceSet::ports(tcp, number, number);
}
std::uint32_t point(std::uint16_t number) {
  return tcp * 65536U + number;
}

TEST(PacketSet, AUniverseOfNothing) {
  PacketUniverse universe({});
  EXPECT_TRUE(universe.none().empty());
  EXPECT_FALSE(universe.all().empty());
  EXPECT_EQ(universe.of(std::span<const Box>()), universe.none());
  EXPECT_EQ(universe.of(Box{PeerSet::all(), PeerSet::all(), ServiceSet::any()}), universe.all());
  EXPECT_EQ(universe.none().witness(), std::nullopt);
  EXPECT_EQ(universe.all().witness(), (Packet{v4(0), v4(0), 0}));
  const Box everything{PeerSet::all(), PeerSet::all(), ServiceSet::any()};
  EXPECT_EQ(universe.all().boxes(), std::vector<Box>{everything});
  EXPECT_TRUE(universe.none().boxes().empty());
}

TEST(PacketSet, FamiliesNamesAndProtocolsAreAlwaysToldApart) {
  PacketUniverse universe({});
  const PeerSet ipv6{AddressSet::all(Family::ipv6), {}};
  const PeerSet names{{}, DomainSet::all()};
  const auto set = universe.of(Box{ipv6, names, ServiceSet::whole(udp)});
  EXPECT_EQ(set.witness(), (Packet{first_address(Family::ipv6), "host.invalid", udp * 65536U}));
  EXPECT_TRUE(set.contains(Packet{last_address(Family::ipv6), "a.example", udp * 65536U + 53}));
  EXPECT_FALSE(set.contains(Packet{v4(1), "a.example", udp * 65536U + 53}));
}

TEST(PacketSet, WitnessesAreTheLowestMembers) {
  const std::vector<Box> boxes = {{range(20, 29), range(7, 9), port(80)},
                                  {range(10, 24), range(5, 6), port(443)}};
  PacketUniverse universe(boxes);
  EXPECT_EQ(universe.of(boxes).witness(), (Packet{v4(10), v4(5), point(443)}));
  EXPECT_EQ(universe.of(boxes[0]).witness(), (Packet{v4(20), v4(7), point(80)}));
}

TEST(PacketSet, WitnessesBelowAWildcardAreNotListedNames) {
  const std::vector<Box> boxes = {{host(1), name("*.b.example"), port(1)},
                                  {host(1), name("host.b.example"), port(1)},
                                  {host(1), name("*.invalid"), port(1)},
                                  {host(1), name("b.example"), port(1)}};
  PacketUniverse universe(boxes);
  const auto rest = universe.of(boxes[0]) - universe.of(boxes[1]);
  EXPECT_EQ(std::get<std::string>(rest.witness().value().to), "host2.b.example");
  EXPECT_EQ(std::get<std::string>(universe.of(boxes[3]).witness().value().to), "b.example");

  const PeerSet names{{}, DomainSet::all()};
  auto others = universe.of(Box{host(1), names, port(1)});
  for (const Box& box : boxes) others = others - universe.of(box);
  EXPECT_EQ(std::get<std::string>(others.witness().value().to), "host2.invalid2");
}

TEST(PacketSet, NamesAndAddressesAreDisjoint) {
  const std::vector<Box> boxes = {{PeerSet::all(), {AddressSet::all(), {}}, ServiceSet::any()},
                                  {PeerSet::all(), {{}, DomainSet::all()}, ServiceSet::any()}};
  PacketUniverse universe(boxes);
  EXPECT_FALSE(universe.of(boxes[0]).intersects(universe.of(boxes[1])));
  EXPECT_EQ(universe.of(boxes), universe.all());
}

TEST(PacketSet, BoxesAreMerged) {
  const std::vector<Box> pieces = {{host(1), range(10, 19), port(80)},
                                   {host(2), range(10, 19), port(80)},
                                   {range(1, 2), range(20, 29), port(80)},
                                   {range(1, 2), range(10, 29), port(443)}};
  PacketUniverse universe(pieces);
  const std::vector<Box> expected = {{range(1, 2), range(10, 29), port(80) | port(443)}};
  EXPECT_EQ(universe.of(pieces).boxes(), expected);
}

TEST(PacketSet, BoxesStopAtTheLimit) {
  std::vector<Box> boxes;
  for (std::uint32_t i = 0; i < 100; ++i) {
    boxes.push_back({host(i * 2), host(i * 2), port(static_cast<std::uint16_t>(i))});
  }
  PacketUniverse universe(boxes);
  bool complete = false;
  EXPECT_EQ(universe.of(boxes).boxes(100, &complete), boxes);
  EXPECT_TRUE(complete);
  EXPECT_EQ(universe.of(boxes).boxes(99, &complete).size(), 99U);
  EXPECT_FALSE(complete);
  EXPECT_EQ(universe.of(boxes).boxes(1, &complete).size(), 1U);
  EXPECT_FALSE(complete);
}

TEST(PacketSet, RefusesWhatItsUniverseCannotTellApart) {
  const std::vector<Box> boxes = {{range(10, 19), name("*.b.example"), port(80)}};
  PacketUniverse universe(boxes);
  const Box good = boxes[0];
  Box bad = good;
  bad.from = range(10, 18);
  EXPECT_THROW(universe.of(bad), Bug);
  bad = good;
  bad.from = {AddressSet(AddressRange{first_address(Family::ipv6), Address{Family::ipv6, 0, 9}}),
              {}};
  EXPECT_THROW(universe.of(bad), Bug);
  bad = good;
  bad.to = name("x.b.example");
  EXPECT_THROW(universe.of(bad), Bug);
  bad = good;
  bad.service = port(81);
  EXPECT_THROW(universe.of(bad), Bug);
  bad = good;
  bad.service = ServiceSet::ports(tcp, 81, 90);
  EXPECT_THROW(universe.of(bad), Bug);
  EXPECT_FALSE(universe.of(good).empty());

  PacketUniverse other(boxes);
  EXPECT_THROW(universe.all() | other.all(), Bug);
}

TEST(PacketSet, CutsOfOneAtomAreRefusedEvenAtKnownEnds) {
  // 10 and 30 are always together, so neither alone can be said.
  const std::vector<Box> boxes = {
      {{AddressSet(v4(10)) | AddressSet(v4(30)), {}}, PeerSet::all(), ServiceSet::any()}};
  PacketUniverse universe(boxes);
  EXPECT_THROW(universe.of(Box{host(10), PeerSet::all(), ServiceSet::any()}), Bug);
}

TEST(PacketSet, TheEdgeLimitThrowsAndLeavesTheRestGood) {
  std::mt19937 random(1);
  std::vector<Box> boxes;
  for (int i = 0; i < 200; ++i) {
    const auto a = static_cast<std::uint32_t>(random() % 100000);
    const auto b = static_cast<std::uint32_t>(random() % 100000);
    const auto c = static_cast<std::uint16_t>(random() % 1000);
    boxes.push_back({range(a, a + 30000), range(b, b + 30000),
                     ServiceSet::ports(tcp, c, static_cast<std::uint16_t>(c + 300))});
  }
  PacketUniverse universe(boxes, 2000);
  const auto first = universe.of(boxes[0]);
  const auto second = universe.of(boxes[1]);
  EXPECT_THROW(universe.of(boxes), NodeLimitExceeded);
  EXPECT_LE(universe.edges(), 2000U);
  EXPECT_EQ(universe.of(boxes[0]), first);
  EXPECT_EQ((first | second).contains(first), true);
  EXPECT_FALSE(first.empty());
}

TEST(PacketSet, UniversesMove) {
  const std::vector<Box> boxes = {{host(1), host(2), port(80)}};
  PacketUniverse a(boxes);
  const auto set = a.of(boxes[0]);
  PacketUniverse b = std::move(a);
  EXPECT_EQ(b.of(boxes[0]), set);
  EXPECT_EQ(set.boxes(), boxes);
}

/// Sets over so many atoms that an axis needs several digits, against plain bit vectors.
void check_many_atoms(std::uint32_t atoms, int sets) {
  std::mt19937 random(atoms);
  std::vector<std::vector<bool>> members;
  std::vector<Box> boxes;
  for (std::uint32_t i = 0; i < atoms; ++i) {
    boxes.push_back({host(3 * i), host(3 * i), ServiceSet::any()});
  }
  for (int s = 0; s < sets; ++s) {
    std::vector<bool> in(atoms);
    std::vector<AddressRange> ranges;
    for (std::uint32_t i = 0; i < atoms; ++i) {
      // Long runs in some sets and single atoms in others.
      in[i] = s % 2 == 0 ? random() % 3 == 0 : (i / 50 + static_cast<unsigned>(s)) % 3 == 0;
      if (in[i]) ranges.push_back({v4(3 * i), v4(3 * i)});
    }
    members.push_back(in);
    boxes.push_back({{AddressSet::of(ranges), {}}, PeerSet::all(), ServiceSet::any()});
  }
  PacketUniverse universe(boxes);
  const std::span<const Box> wide = std::span(boxes).subspan(atoms);
  auto all = universe.of(std::span(boxes).first(atoms));
  for (int s = 0; s < sets; ++s) all = all - universe.of(wide[static_cast<std::size_t>(s)]);
  for (std::uint32_t i = 0; i < atoms; ++i) {
    bool expected = true;
    for (const auto& in : members) expected = expected && !in[i];
    ASSERT_EQ(all.contains(Packet{v4(3 * i), v4(3 * i), 0}), expected) << i;
    ASSERT_FALSE(all.contains(Packet{v4(3 * i), v4(3 * i + 1), 0})) << i;
    ASSERT_FALSE(all.contains(Packet{v4(3 * i + 1), v4(3 * i), 0})) << i;
  }
  ASSERT_EQ(universe.of(all.boxes()), all);
}

TEST(PacketSet, TwoDigits) {
  check_many_atoms(700, 4);
}
TEST(PacketSet, ThreeDigits) {
  check_many_atoms(70000, 2);
}

TEST(PacketSet, ManyResultsOfOneSetAreNotMixedUp) {
  // All with the same operand, so that a result remembered for another one would show.
  std::vector<AddressRange> evens;
  std::vector<Box> boxes;
  for (std::uint32_t i = 0; i < 20000; ++i) {
    boxes.push_back({host(i), PeerSet::all(), ServiceSet::any()});
    if (i % 2 == 0) evens.push_back({v4(i), v4(i)});
  }
  boxes.push_back({{AddressSet::of(evens), {}}, PeerSet::all(), ServiceSet::any()});
  PacketUniverse universe(boxes);
  const auto even = universe.of(boxes.back());
  for (std::uint32_t i = 0; i < 20000; ++i) {
    const auto one = universe.of(boxes[i]);
    ASSERT_EQ(even.intersects(one), i % 2 == 0) << i;
    ASSERT_EQ(even & one, i % 2 == 0 ? one : universe.none()) << i;
  }
}

TEST(PacketSet, TheCrossStaysSmall) {
  // Pairs of hosts under "any → host": 25 million edges for a diagram with one node per axis.
  std::vector<Box> boxes;
  for (std::uint32_t i = 0; i < 5000; ++i) {
    boxes.push_back({host(i * 4), host(i * 8), ServiceSet::any()});
    boxes.push_back({PeerSet::all(), host(0x80000000U + i * 8), ServiceSet::any()});
  }
  PacketUniverse universe(boxes);
  const auto set = universe.of(boxes);
  EXPECT_LT(universe.edges(), 1'000'000U);
  EXPECT_TRUE(set.contains(Packet{v4(40), v4(80), 0}));
  EXPECT_FALSE(set.contains(Packet{v4(40), v4(88), 0}));
  EXPECT_TRUE(set.contains(Packet{v4(41), v4(0x80000000U + 16), 0}));
}

TEST(PacketSet, RandomBoxesStaySmall) {
  std::mt19937 random(3);
  const auto ordered = [&](std::uint32_t limit) {
    const auto a = static_cast<std::uint32_t>(random() % limit);
    const auto b = static_cast<std::uint32_t>(random() % limit);
    return std::minmax({a, b});
  };
  std::vector<Box> boxes;
  for (int i = 0; i < 500; ++i) {
    const auto [a, b] = ordered(1U << 31);
    const auto [c, d] = ordered(1U << 31);
    const auto [e, f] = ordered(1U << 16);
    boxes.push_back(
        {range(a, b), range(c, d),
         ServiceSet::ports(tcp, static_cast<std::uint16_t>(e), static_cast<std::uint16_t>(f))});
  }
  PacketUniverse universe(boxes);
  const auto some = std::span<const Box>(boxes).first(250);
  const auto set = universe.of(boxes) - universe.of(some);
  EXPECT_LT(universe.edges(), 500'000U);

  const auto in = [](std::span<const Box> list, const Packet& packet) {
    return std::any_of(list.begin(), list.end(),
                       [&](const Box& box) { return contains(box, packet); });
  };
  for (int i = 0; i < 2000; ++i) {
    const Packet packet{v4(static_cast<std::uint32_t>(random() % (1U << 31))),
                        v4(static_cast<std::uint32_t>(random() % (1U << 31))),
                        point(static_cast<std::uint16_t>(random()))};
    ASSERT_EQ(set.contains(packet), in(boxes, packet) && !in(some, packet));
  }
}

}  // namespace
}  // namespace hcipol::net
