// Lists of rules as sets of packets, against a loop that walks one packet through them.
#include <gtest/gtest.h>

#include "backends/common/outcome.h"
#include "random_lists.h"

namespace hcipol::backends {
namespace {

using testing::address;
using testing::Fate;
using testing::RandomLists;
using testing::walk;
using Act = ReadRule::Act;

TEST(Reading, ListsMeanWhatAPacketMeetsInThem) {
  unsigned seen[4] = {};
  for (unsigned seed = 0; seed < 200; ++seed) {
    const RandomLists random(seed);
    SetPool pool;
    std::vector<std::vector<Step>> lists;
    std::vector<net::Box> boxes;
    const auto box_of = [](const Grouped& rule) {
      return net::Box{*rule.from, *rule.to, *rule.service};
    };
    for (const RuleList& list : random.lists) {
      lists.push_back(steps_of(list, pool));
      for (const Step& step : lists.back()) {
        for (const Grouped& rule : step.rules) boxes.push_back(box_of(rule));
      }
    }
    net::PacketUniverse universe(boxes);
    const Outcome outcome = Outcomes(universe, lists, box_of, "x").first();
    for (unsigned from = 0; from < 7; ++from) {
      for (unsigned to = 0; to < 7; ++to) {
        for (std::uint32_t port = 0; port < 5; ++port) {
          const net::Packet packet{address(from), address(to), 6 * 65536 + port};
          const Fate fate = walk(random.lists, 0, packet);
          ++seen[static_cast<unsigned>(fate)];
          ASSERT_EQ(outcome.allow.contains(packet), fate == Fate::allowed) << seed;
          ASSERT_EQ(outcome.deny.contains(packet), fate == Fate::denied) << seed;
          ASSERT_EQ(outcome.leave.contains(packet), fate == Fate::left) << seed;
        }
      }
    }
  }
  for (const unsigned count : seen) EXPECT_GT(count, 500u);
}

TEST(Reading, ListsThatJumpInCirclesAreRefused) {
  const net::PeerSet all = net::PeerSet::all();
  const net::ServiceSet any = net::ServiceSet::any();
  SetPool pool;
  std::vector<std::vector<Step>> lists;
  for (const std::uint32_t next : {1u, 0u}) {
    lists.push_back(steps_of({{&all, &all, &any, Act::jump, next}}, pool));
  }
  const std::vector<net::Box> boxes{{all, all, any}};
  net::PacketUniverse universe(boxes);
  const auto box_of = [&](const Grouped&) { return boxes.front(); };
  EXPECT_THROW(Outcomes(universe, lists, box_of, "x").first(), Unreadable);
}

}  // namespace
}  // namespace hcipol::backends
