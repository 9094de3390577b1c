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

constexpr unsigned batches = 100;
constexpr unsigned policies_in_a_batch = test::sanitized ? 3 : 100;

class Optimiser : public testing::TestWithParam<unsigned> {};

TEST_P(Optimiser, ChangesNoPacket) {
  std::mt19937 random(GetParam());
  for (unsigned i = 0; i < policies_in_a_batch; ++i) {
    const RandomPolicy policy = test::random_policy(random, 12);
    driver::Compilation c;
    ASSERT_TRUE(test::compile(policy, c)) << policy.text();
    const flow::Optimised less = flow::optimise(c.flows[0]);
    EXPECT_LE(less.flows.size(), c.flows[0].size());
    EXPECT_EQ(test::device_allows(less.flows, flow::Order::first_match), policy.allowed())
        << policy.text();
  }
}

/// Every rule of the policy is still somewhere, and nothing else is.
TEST_P(Optimiser, LosesNoRule) {
  std::mt19937 random(GetParam());
  for (unsigned i = 0; i < policies_in_a_batch; ++i) {
    const RandomPolicy policy = test::random_policy(random, 12);
    driver::Compilation c;
    ASSERT_TRUE(test::compile(policy, c)) << policy.text();
    std::set<const policy::Rule*> before, after;
    for (const flow::Flow& flow : c.flows[0]) before.insert(flow.rule);
    const flow::Optimised less = flow::optimise(c.flows[0]);
    for (const flow::Flow& flow : less.flows) {
      if (flow.rule->carries.empty()) after.insert(flow.rule);
      after.insert(flow.rule->carries.begin(), flow.rule->carries.end());
    }
    EXPECT_EQ(before, after) << policy.text();
  }
}

INSTANTIATE_TEST_SUITE_P(Batches, Optimiser, testing::Range(0U, batches));

}  // namespace
}  // namespace hcipol
