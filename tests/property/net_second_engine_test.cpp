// A second engine: the same boxes as binary decision diagrams of BuDDy over the raw bits of
// addresses and services, without atoms, digits or anything else of ours.
#include <bdd.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <vector>

#include "net/cover.h"
#include "tests/support/random_policy.h"

namespace hcipol::net {
namespace {

/// Variables: the bits of source, destination and service, each with the highest first; an address
/// is its family and 128 bits.
constexpr int address_bits = 129;
constexpr int service_bits = 24;
constexpr int from_bits = 0;
constexpr int to_bits = address_bits;
constexpr int service_first = 2 * address_bits;

bool bit(const Address& address, int at) {
  if (at == 0) return address.family == Family::ipv6;
  return at <= 64 ? (address.high >> (64 - at) & 1) != 0 : (address.low >> (128 - at) & 1) != 0;
}
bool bit(std::uint32_t point, int at) {
  return (point >> (service_bits - 1 - at) & 1) != 0;
}

/// The numbers from `limit` up, or up to it.
template <class Number>
bdd bounded(const Number& limit, int first, int bits, bool up) {
  bdd out = bddtrue;
  for (int at = bits - 1; at >= 0; --at) {
    const bdd variable = bdd_ithvarpp(first + at);
    if (bit(limit, at)) {
      out = up ? variable & out : !variable | out;
    } else {
      out = up ? variable | out : !variable & out;
    }
  }
  return out;
}

template <class Range>
bdd inside(std::span<const Range> ranges, int first, int bits) {
  bdd out = bddfalse;
  for (const Range& range : ranges) {
    out |= bounded(range.first, first, bits, true) & bounded(range.last, first, bits, false);
  }
  return out;
}

bdd of(const Box& box) {
  return inside(box.from.addresses.ranges(), from_bits, address_bits) &
         inside(box.to.addresses.ranges(), to_bits, address_bits) &
         inside(box.service.ranges(), service_first, service_bits);
}

/// Rules of a company: networks of few sizes on both sides, IPv6 too; one service or a run of it.
std::vector<Box> random_boxes(std::mt19937& random, std::size_t count) {
  const auto below = [&](unsigned limit) { return static_cast<unsigned>(random() % limit); };
  const auto network = [&](Family family) {
    const unsigned host = below(5);
    Address address{family, family == Family::ipv6 ? 0xfd00'0000'0000'0000 : 0, 0x0a00'0000};
    address.low += below(24) << 3 | below(8);
    const unsigned length = width(family) - host;
    return AddressSet(AddressRange{first_of(address, length), last_of(address, length)});
  };
  std::vector<Box> out;
  for (std::size_t i = 0; i < count; ++i) {
    const Family family = below(4) == 0 ? Family::ipv6 : Family::ipv4;
    PeerSet from{network(family), {}};
    PeerSet to{network(family), {}};
    if (below(8) == 0) from.addresses = AddressSet::all(family);
    if (below(8) == 0) to.addresses = AddressSet::all();
    if (below(3) == 0) to.addresses = to.addresses | network(family);
    const auto port = static_cast<std::uint16_t>(1024 + below(12));
    const auto last = static_cast<std::uint16_t>(port + below(3));
    out.push_back(
        {from, to, below(6) == 0 ? ServiceSet::whole(6) : ServiceSet::ports(6, port, last)});
  }
  return out;
}

class SecondEngine : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    ASSERT_GE(bdd_init(1'000'000, 200'000), 0);
    bdd_gbc_hook(nullptr);  // or it prints at every collection
    bdd_setvarnum(2 * address_bits + service_bits);
  }
  static void TearDownTestSuite() { bdd_done(); }
};

constexpr std::size_t most_rules = test::sanitized ? 60 : 1000;

TEST_F(SecondEngine, CoveredBoxesAreTheSame) {
  std::mt19937 random(1);
  for (const std::size_t rules : {std::size_t{10}, most_rules / 10, most_rules / 3, most_rules}) {
    const std::vector<Box> boxes = random_boxes(random, rules);
    PacketUniverse universe(boxes);
    std::vector<bdd> sets;
    for (const Box& box : boxes) sets.push_back(of(box));

    // Covered by those before it, the oldest way of counting.
    PacketSet ours = universe.none();
    bdd theirs = bddfalse;
    std::size_t our_count = 0, their_count = 0;
    for (std::size_t i = 0; i < rules; ++i) {
      our_count += ours.contains(universe.of(boxes[i])) ? 1 : 0;
      their_count += (sets[i] & !theirs) == bddfalse ? 1 : 0;
      ours = ours | universe.of(boxes[i]);
      theirs |= sets[i];
    }
    EXPECT_EQ(our_count, their_count) << rules;

    // And what covers() says, each claim by itself.
    const auto answers = covers(universe, boxes);
    std::vector<bdd> after(rules + 1, bddfalse);
    std::size_t covered = 0;
    for (std::size_t i = rules; i-- > 0;) {
      after[i] = answers[i].empty() ? after[i + 1] | sets[i] : after[i + 1];
      covered += answers[i].empty() ? 0 : 1;
    }
    EXPECT_TRUE(after[0] == theirs) << rules;
    EXPECT_GE(covered, our_count);
    bdd before = bddfalse;
    for (std::size_t i = 0; i < rules; ++i) {
      if (answers[i].empty()) {
        EXPECT_FALSE((sets[i] & !(before | after[i + 1])) == bddfalse) << rules << " " << i;
        before |= sets[i];
        continue;
      }
      bdd blockers = bddfalse;
      for (const std::size_t other : answers[i]) blockers |= sets[other];
      EXPECT_TRUE((sets[i] & !blockers) == bddfalse) << rules << " " << i;
    }
  }
}

TEST_F(SecondEngine, EqualSetsAreTheSame) {
  std::mt19937 random(2);
  int equal = 0, different = 0;
  for (int round = 0; round < (test::sanitized ? 20 : 200); ++round) {
    const std::vector<Box> boxes = random_boxes(random, 3 + random() % 30);
    PacketUniverse universe(boxes);
    // Allows and denies, and then with one of them left out.
    const std::size_t allows = 1 + random() % boxes.size();
    const std::size_t left_out = random() % boxes.size();
    PacketSet ours[2] = {universe.none(), universe.none()};
    bdd theirs[2] = {bddfalse, bddfalse};
    for (std::size_t side = 0; side < 2; ++side) {
      for (std::size_t i = 0; i < boxes.size(); ++i) {
        if (side == 1 && i == left_out) continue;
        const PacketSet set = universe.of(boxes[i]);
        ours[side] = i < allows ? ours[side] | set : ours[side] - set;
        theirs[side] = i < allows ? theirs[side] | of(boxes[i]) : theirs[side] & !of(boxes[i]);
      }
    }
    EXPECT_EQ(ours[0] == ours[1], theirs[0] == theirs[1]) << round;
    EXPECT_EQ(ours[0].contains(ours[1]), (theirs[1] & !theirs[0]) == bddfalse) << round;
    EXPECT_EQ(ours[0].empty(), theirs[0] == bddfalse) << round;
    ++(ours[0] == ours[1] ? equal : different);
  }
  EXPECT_GT(equal, 0);
  EXPECT_GT(different, 0);
}

}  // namespace
}  // namespace hcipol::net
