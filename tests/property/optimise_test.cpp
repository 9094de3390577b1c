// Optimised or not, a policy means the same to an interpreter that knows nothing of either; and
// what is written for devices changes with the rules, not with their order.
#include "flow/optimise.h"

#include <gtest/gtest.h>

#include <set>

#include "driver/pipeline.h"
#include "tests/support/compiled.h"
#include "tests/support/random_policy.h"

namespace hcipol {
namespace {

using test::Marks;
using test::RandomPolicy;

constexpr flow::RuleCapabilities devices[] = {
    {}, {true, false, false}, {false, true, false}, {false, false, true}, {true, true, true}};

constexpr unsigned optimiser_batches = 100;
constexpr unsigned optimiser_policies = test::sanitized ? 3 : 100;

class Optimiser : public testing::TestWithParam<unsigned> {};

TEST_P(Optimiser, ChangesNoPacket) {
  std::mt19937 random(GetParam());
  for (unsigned i = 0; i < optimiser_policies; ++i) {
    const RandomPolicy policy = test::random_policy(random, 12);
    driver::Compilation c;
    ASSERT_TRUE(test::compile(policy, c)) << policy.text();
    flow::Optimiser optimiser(c.flows[0]);
    // All in turn: the interpreter is slow.
    const std::vector<flow::Flow>& less = optimiser.fewer(devices[i % std::size(devices)]).flows;
    EXPECT_LE(less.size(), c.flows[0].size());
    EXPECT_EQ(test::device_allows(less, flow::Order::first_match), policy.allowed())
        << policy.text();
  }
}

/// Every rule of the policy is still somewhere, and nothing else is.
TEST_P(Optimiser, LosesNoRule) {
  std::mt19937 random(GetParam());
  for (unsigned i = 0; i < optimiser_policies; ++i) {
    const RandomPolicy policy = test::random_policy(random, 12);
    driver::Compilation c;
    ASSERT_TRUE(test::compile(policy, c)) << policy.text();
    std::set<const policy::Rule*> before;
    for (const flow::Flow& flow : c.flows[0]) before.insert(flow.rule);
    flow::Optimiser optimiser(c.flows[0]);
    for (const flow::RuleCapabilities& device : devices) {
      std::set<const policy::Rule*> after;
      for (const flow::Flow& flow : optimiser.fewer(device).flows) {
        if (flow.rule->carries.empty()) after.insert(flow.rule);
        after.insert(flow.rule->carries.begin(), flow.rule->carries.end());
      }
      EXPECT_EQ(before, after) << policy.text();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Batches, Optimiser, testing::Range(0U, optimiser_batches));

}  // namespace
}  // namespace hcipol
