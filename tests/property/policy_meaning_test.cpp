// Random policies against an interpreter that reads one packet at a time: the meaning of a policy
// is (allow \ deny) ∪ exceptions, and no device's order of rules changes it.
#include <gtest/gtest.h>

#include <algorithm>

#include "driver/pipeline.h"
#include "flow/effective.h"
#include "flow/project.h"
#include "tests/support/compiled.h"
#include "tests/support/random_policy.h"

namespace hcipol {
namespace {

using net::Endpoint;
using test::compile;
using test::device_allows;
using test::Marks;
using test::packets;
using test::RandomPolicy;

constexpr unsigned meaning_batches = 100;
constexpr unsigned meaning_policies = test::sanitized ? 3 : 100;

class Meaning : public testing::TestWithParam<unsigned> {};

TEST_P(Meaning, IsWhatAnInterpreterReads) {
  std::mt19937 random(GetParam());
  for (unsigned i = 0; i < meaning_policies; ++i) {
    const RandomPolicy policy = test::random_policy(random);
    driver::Compilation c;
    ASSERT_TRUE(compile(policy, c)) << policy.text();

    const Marks allowed = policy.allowed();
    const std::vector<net::Box> boxes = flow::boxes(c.flows[0]);
    net::PacketUniverse universe(boxes);
    const net::PacketSet effective = flow::effective(universe, c.flows[0]);
    for (std::size_t p = 0; p < allowed.size(); ++p) {
      ASSERT_EQ(effective.contains(packets()[p]), allowed[p] != 0) << policy.text();
    }

    Marks seen = allowed;
    for (std::size_t p = 0; p < seen.size(); ++p) {
      if (!policy.seen(packets()[p])) seen[p] = 0;
    }
    for (const auto order :
         {flow::Order::first_match, flow::Order::block_wins, flow::Order::allows_only}) {
      const auto device = flow::project(c.policy, 0, 0, c.flows[0], {order, false}, c.reporter);
      ASSERT_TRUE(device);
      ASSERT_EQ(device_allows(device->flows, order), seen)
          << policy.text() << "order " << static_cast<int>(order);
    }
  }
}

// A host firewall sees what begins or ends at its own server.
TEST_P(Meaning, IsSplitByServer) {
  std::mt19937 random(GetParam() + 10'000);
  for (unsigned i = 0; i < meaning_policies / 3; ++i) {
    RandomPolicy policy = test::random_policy(random);
    policy.sees_all = true;
    driver::Compilation c;
    ASSERT_TRUE(compile(policy, c)) << policy.text();
    const Marks allowed = policy.allowed();
    const auto order = flow::Order::block_wins;
    const auto device = flow::project(c.policy, 0, 0, c.flows[0], {order, true}, c.reporter);
    ASSERT_TRUE(device);
    ASSERT_EQ(device->hosts.size(), 2u);
    for (const flow::HostFlows& host : device->hosts) {
      const auto own = [&](const Endpoint& end) {
        const auto* address = std::get_if<net::Address>(&end);
        return address != nullptr && host.node->set->set.addresses.contains(*address);
      };
      Marks in = allowed, out = allowed;
      for (std::size_t p = 0; p < allowed.size(); ++p) {
        if (!own(packets()[p].to)) in[p] = 0;
        if (!own(packets()[p].from)) out[p] = 0;
      }
      ASSERT_EQ(device_allows(host.inbound, order), in) << policy.text();
      ASSERT_EQ(device_allows(host.outbound, order), out) << policy.text();
    }
  }
}

// The interpreter itself: its fast form says what the plain one says, and both answers occur.
TEST_P(Meaning, IsReadPacketByPacket) {
  std::mt19937 random(GetParam());
  const RandomPolicy base = test::random_policy(random);
  for (const RandomPolicy& policy : {base, test::changed(base, random)}) {
    const Marks allowed = policy.allowed();
    for (std::size_t p = 0; p < allowed.size(); ++p) {
      ASSERT_EQ(policy.allowed(packets()[p]), allowed[p] != 0) << policy.text();
    }
  }
}

// Names, order and the feature that a rule stands in mean nothing.
TEST_P(Meaning, SurvivesRewriting) {
  std::mt19937 random(GetParam() + 20'000);
  const RandomPolicy base = test::random_policy(random);
  const RandomPolicy other = test::rewritten(base, random);
  ASSERT_EQ(base.allowed(), other.allowed());
  driver::Compilation a, b;
  ASSERT_TRUE(compile(base, a)) << base.text();
  ASSERT_TRUE(compile(other, b)) << other.text();
  std::vector<net::Box> boxes = flow::boxes(a.flows[0]);
  const std::vector<net::Box> others = flow::boxes(b.flows[0]);
  boxes.insert(boxes.end(), others.begin(), others.end());
  net::PacketUniverse universe(boxes);
  EXPECT_EQ(flow::effective(universe, a.flows[0]), flow::effective(universe, b.flows[0]))
      << base.text() << other.text();
}

INSTANTIATE_TEST_SUITE_P(Random, Meaning, testing::Range(0u, meaning_batches));

// What the other tests here are worth: enough packets, allowed and not, and changes that change.
TEST(RandomPolicies, AreOfManyKinds) {
  EXPECT_GT(packets().size(), 1000u);
  std::mt19937 random(1);
  unsigned some = 0, none = 0, all = 0, differ = 0;
  for (unsigned i = 0; i < 200; ++i) {
    const RandomPolicy policy = test::random_policy(random);
    const Marks allowed = policy.allowed();
    const auto count = static_cast<std::size_t>(std::count(allowed.begin(), allowed.end(), 1));
    ++(count == 0 ? none : count == allowed.size() ? all : some);
    if (test::changed(policy, random).allowed() != allowed) ++differ;
  }
  EXPECT_GT(some, 120u);
  EXPECT_GT(none, 5u);
  EXPECT_GT(differ, 60u);
  EXPECT_LT(differ, 200u);
}

}  // namespace
}  // namespace hcipol
