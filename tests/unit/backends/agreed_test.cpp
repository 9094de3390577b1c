// What proofs leave out: nothing that a loop over single packets finds wrong.
#include "backends/common/agreed.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <utility>

#include "backends/common/family_proof.h"
#include "random_lists.h"

namespace hcipol::backends {
namespace {

using testing::address;
using testing::Fate;
using testing::RandomLists;
using testing::walk;
using Act = ReadRule::Act;

template <class See>
void for_each_packet(See see) {
  for (unsigned from = 0; from < 7; ++from) {
    for (unsigned to = 0; to < 7; ++to) {
      for (std::uint32_t port = 0; port < 5; ++port) {
        see(net::Packet{address(from), address(to), 6 * 65536 + port});
      }
    }
  }
}

bool holds(const Grouped& rule, const net::Packet& packet) {
  return net::contains(net::Box{*rule.from, *rule.to, *rule.service}, packet);
}

bool any_holds(const std::vector<Grouped>& rules, const net::Packet& packet) {
  return std::any_of(rules.begin(), rules.end(),
                     [&](const Grouped& rule) { return holds(rule, packet); });
}

std::vector<std::vector<Step>> steps(const std::vector<RuleList>& lists, SetPool& pool) {
  std::vector<std::vector<Step>> out;
  for (const RuleList& list : lists) out.push_back(steps_of(list, pool));
  return out;
}

TEST(Agreed, OneListWithoutJumpsMeansWhatTheListsDo) {
  unsigned flat = 0, asked = 0, unasked = 0;
  for (unsigned seed = 0; seed < 400; ++seed) {
    const RandomLists random(seed);
    SetPool pool;
    FamilySets sets(net::Family::ipv4, {});
    const auto rules = flattened(steps(random.lists, pool), sets);
    if (!rules) continue;
    ++flat;
    for_each_packet([&](const net::Packet& packet) {
      Fate fate = Fate::nothing;
      bool first = true;
      for (const FlatRule& rule : *rules) {
        if (!holds(rule.box, packet)) continue;
        const Fate here = rule.act == Act::allow  ? Fate::allowed
                          : rule.act == Act::deny ? Fate::denied
                                                  : Fate::left;
        if (std::exchange(first, false)) fate = here;
        if (rule.act != Act::allow) continue;
        ++(rule.asked ? asked : unasked);
        if (rule.asked) {
          EXPECT_EQ(fate, Fate::allowed) << seed;
        }
      }
      const Fate truth = walk(random.lists, 0, packet);
      // Nothing follows the first list: what it leaves and what it has no word on are alike.
      const auto end = [](Fate one) { return one == Fate::left ? Fate::nothing : one; };
      EXPECT_EQ(end(fate), end(truth)) << seed;
    });
  }
  EXPECT_GT(flat, 100u);
  EXPECT_GT(asked, 1000u);
  EXPECT_GT(unasked, 200u);
}

TEST(Agreed, WhatListsSayOfSomeServicesIsWhatTheySay) {
  const net::ServiceSet services = net::ServiceSet::ports(6, 1, 2);
  unsigned said = 0, packets = 0;
  for (unsigned seed = 0; seed < 400; ++seed) {
    const RandomLists random(seed);
    SetPool pool;
    FamilySets sets(net::Family::ipv4, {});
    const auto lists = about(services, steps(random.lists, pool), sets);
    if (!lists) continue;
    ++said;
    ASSERT_EQ(lists->size(), 1u);
    for_each_packet([&](const net::Packet& packet) {
      if (!services.intersects(net::ServiceSet::containing(packet.service))) return;
      const auto& all = lists->front();
      const auto first = std::find_if(
          all.begin(), all.end(), [&](const Step& step) { return any_holds(step.rules, packet); });
      const Act act = first == all.end() ? Act::leave : first->act;
      const Fate truth = walk(random.lists, 0, packet);
      EXPECT_EQ(act == Act::allow, truth == Fate::allowed) << seed;
      EXPECT_EQ(act == Act::deny, truth == Fate::denied) << seed;
      ++packets;
    });
  }
  EXPECT_GT(said, 100u);
  EXPECT_GT(packets, 1000u);
}

/// A device and what is meant of it, half of the time the same.
class RandomClaim {
 public:
  explicit RandomClaim(unsigned seed) : random_(seed) {
    order = static_cast<flow::Order>(pick(3));
    all_denied = pick(2) == 0;
    for (unsigned i = 0; i < 1 + pick(5); ++i) meaning.allow.whole.push_back(box());
    for (unsigned i = 0; i < pick(3); ++i) meaning.deny.whole.push_back(box());
    for (unsigned i = 0; i < pick(2); ++i) meaning.exception.whole.push_back(box());
    if (pick(3) == 0) {
      const Grouped clipped = box();
      meaning.allow.clipped.push_back({clipped, {clipped}, {box()}});
    }
    if (order != flow::Order::first_match) meaning.exception.whole.clear();
    for (MeantKind* kind : {&meaning.allow, &meaning.deny, &meaning.exception}) {
      kind->parts = kind->whole;
    }
    write_lists();
    if (pick(2) == 0) spoil();
    reading.lists = lists;
    reading.denies_rest = all_denied;
    reading.families = {net::Family::ipv4};
  }

  bool is_wrong() const {
    bool wrong = false;
    for_each_packet([&](const net::Packet& packet) {
      const bool except = any_holds(meaning.exception.whole, packet);
      const bool deny = any_holds(meaning.deny.whole, packet);
      bool allow = any_holds(meaning.allow.whole, packet);
      for (const MeantKind::Clipped& each : meaning.allow.clipped) {
        allow = allow || (holds(each.box, packet) && !any_holds(each.lost, packet));
      }
      bool passes = (allow && !deny) || except;
      bool denied = deny && !except;
      if (order == flow::Order::block_wins) passes = allow && !deny;
      if (order == flow::Order::allows_only) passes = allow, denied = false;
      if (all_denied) denied = !passes;
      const Fate fate = walk(lists, 0, packet);
      const bool is_denied = fate == Fate::denied || (all_denied && fate != Fate::allowed);
      wrong = wrong || (fate == Fate::allowed) != passes || is_denied != denied;
    });
    return wrong;
  }

  flow::Order order = flow::Order::first_match;
  bool all_denied = false;
  Meaning meaning;
  std::vector<RuleList> lists{1};
  Reading reading;
  SetPool pool;

 private:
  unsigned pick(unsigned limit) { return static_cast<unsigned>(random_() % limit); }
  const net::PeerSet* peers() {
    const unsigned first = pick(5);
    const net::AddressRange range{address(first), address(first + pick(2))};
    return pool.peers.keep({net::AddressSet(range), {}});
  }
  Grouped box() {
    const auto port = static_cast<std::uint16_t>(pick(3));
    const auto last = static_cast<std::uint16_t>(port + pick(2));
    return {peers(), peers(), pool.services.keep(net::ServiceSet::ports(6, port, last))};
  }

  /// As devices have them: exceptions, denies, allows; some behind a jump that everything takes.
  void write_lists() {
    const auto add = [&](const Grouped& rule, Act act) {
      std::uint32_t list = 0;
      if (pick(4) == 0) {
        list = static_cast<std::uint32_t>(lists.size());
        lists[0].push_back({rule.from, nullptr, nullptr, Act::jump, list});
        lists.emplace_back();
      }
      // A device need not say a rule as the policy does.
      if (pick(2) == 0) {
        const auto first = rule.from->addresses.ranges().front().first;
        const net::PeerSet* part = pool.peers.keep({net::AddressSet(first), {}});
        lists[list].push_back({part, rule.to, rule.service, act, 0});
      }
      lists[list].push_back({rule.from, rule.to, rule.service, act, 0});
    };
    for (const Grouped& rule : meaning.exception.whole) add(rule, Act::allow);
    for (const Grouped& rule : meaning.deny.whole) {
      if (order != flow::Order::allows_only) add(rule, Act::deny);
    }
    for (const Grouped& rule : meaning.allow.whole) add(rule, Act::allow);
    for (const MeantKind::Clipped& each : meaning.allow.clipped) {
      const std::uint32_t list = static_cast<std::uint32_t>(lists.size());
      lists[0].push_back({each.box.from, each.box.to, each.box.service, Act::jump, list});
      RuleList& inner = lists.emplace_back();
      for (const Grouped& lost : each.lost) {
        inner.push_back({lost.from, lost.to, lost.service, Act::leave, 0});
      }
      inner.push_back({nullptr, nullptr, nullptr, Act::allow, 0});
    }
    std::shuffle(meaning.allow.whole.begin(), meaning.allow.whole.end(), random_);
  }

  void spoil() {
    RuleList& list = lists[pick(static_cast<unsigned>(lists.size()))];
    if (list.empty()) return;
    const std::size_t at = pick(static_cast<unsigned>(list.size()));
    switch (pick(4)) {
      case 0: list.erase(list.begin() + static_cast<std::ptrdiff_t>(at)); break;
      case 1: list[at].from = peers(); break;
      case 2: std::swap(list[at], list[pick(static_cast<unsigned>(list.size()))]); break;
      default: list[at].service = box().service;
    }
  }

  std::mt19937 random_;
};

// The lists may mention null for "everything", which walk() does not know.
void fill(std::vector<RuleList>& lists, const net::PeerSet& all, const net::ServiceSet& any) {
  for (RuleList& list : lists) {
    for (ReadRule& rule : list) {
      if (rule.from == nullptr) rule.from = &all;
      if (rule.to == nullptr) rule.to = &all;
      if (rule.service == nullptr) rule.service = &any;
    }
  }
}

TEST(Agreed, NothingWrongIsLeftOut) {
  const net::PeerSet all = net::PeerSet::all();
  const net::ServiceSet any = net::ServiceSet::any();
  unsigned right = 0, wrong = 0, reduced = 0;
  for (unsigned seed = 0; seed < 3000; ++seed) {
    RandomClaim random(seed);
    fill(random.lists, all, any);
    const auto lists = steps(random.lists, random.pool);
    const net::AddressSet guarded;
    const Claim claim{random.reading, lists,        random.meaning,
                      guarded,        random.order, random.all_denied};
    FamilySets sets(net::Family::ipv4, {});
    const auto left = disputed(lists, random.meaning, random.order, sets);
    reduced += left && left->meaning.allow.whole.empty() && left->meaning.exception.whole.empty();
    const bool expected = random.is_wrong();
    ++(expected ? wrong : right);
    EXPECT_EQ(refutation(claim, sets).has_value(), expected) << seed;
  }
  EXPECT_GT(right, 500u);
  EXPECT_GT(wrong, 500u);
  EXPECT_GT(reduced, 1000u);
}

}  // namespace
}  // namespace hcipol::backends
