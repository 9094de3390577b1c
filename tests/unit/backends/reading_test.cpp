// Lists of rules as sets of packets, against a loop that walks one packet through them.
#include <gtest/gtest.h>

#include <random>

#include "backends/common/outcome.h"

namespace hcipol::backends {
namespace {

using Act = ReadRule::Act;

enum class Fate { allowed, denied, left, nothing };

/// What becomes of a packet in a list: it stops (`left`), or comes out at the end (`nothing`).
Fate walk(const std::vector<RuleList>& lists, std::uint32_t list, const net::Packet& packet) {
  for (const ReadRule& rule : lists[list]) {
    const net::Box box{*rule.from, *rule.to, *rule.service};
    if (!net::contains(box, packet)) continue;
    if (rule.act == Act::allow) return Fate::allowed;
    if (rule.act == Act::deny) return Fate::denied;
    if (rule.act == Act::leave) return Fate::left;
    const Fate inner = walk(lists, rule.list, packet);
    if (inner == Fate::allowed || inner == Fate::denied) return inner;
    if (rule.act == Act::go) return Fate::left;
  }
  return Fate::nothing;
}

net::Address address(unsigned last) {
  return {net::Family::ipv4, 0, 0x0a00'0000U + last};
}

class RandomLists {
 public:
  explicit RandomLists(unsigned seed) : random_(seed) {
    for (std::uint32_t list = 0; list < 4; ++list) {
      RuleList& rules = lists.emplace_back();
      for (unsigned i = 0; i < 2 + pick(6); ++i) rules.push_back(rule(list));
    }
  }

  std::vector<RuleList> lists;

 private:
  unsigned pick(unsigned limit) { return static_cast<unsigned>(random_() % limit); }

  // Jumps lead to later lists only, as in circles they are refused.
  ReadRule rule(std::uint32_t list) {
    ReadRule out;
    out.act = static_cast<Act>(pick(list == 3 ? 3 : 5));
    if (list < 3) out.list = list + 1 + pick(3 - list);
    out.from = peers();
    out.to = peers();
    const auto port = static_cast<std::uint16_t>(pick(3));
    out.service =
        owner_.keep(net::ServiceSet::ports(6, port, static_cast<std::uint16_t>(port + pick(2))));
    return out;
  }
  const net::PeerSet* peers() {
    const unsigned first = pick(4);
    const net::AddressRange range{address(first), address(first + pick(3))};
    return owner_.keep(net::PeerSet{net::AddressSet(range), {}});
  }

  std::mt19937 random_;
  DeviceReading owner_;
};

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
