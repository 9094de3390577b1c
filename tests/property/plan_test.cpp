// What `plan` reports, against an interpreter that reads both policies packet by packet.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "flow/diff.h"
#include "report/packets_json.h"
#include "report/plan.h"
#include "report/snapshot.h"
#include "tests/support/compiled.h"
#include "tests/support/random_policy.h"

namespace hcipol {
namespace {

using test::Marks;

struct Compiled {
  explicit Compiled(const std::string& text) : good(test::compile(text, c)) {}
  flow::PolicyFlows flows() const { return {&c.policy, &c.flows}; }

  driver::Compilation c;
  bool good;
};

Marks marks(const std::vector<net::Box>& boxes) {
  Marks out(test::packets().size());
  for (const net::Box& box : boxes) {
    const Marks one = test::mark(box);
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (one[i] != 0) out[i] = 1;
    }
  }
  return out;
}

/// What a program finds in the JSON of a plan.
std::vector<net::Box> parts(const report::Json& plan, std::string_view effect) {
  std::vector<net::Box> out;
  const auto peers = [](const report::Json& json) {
    net::PeerSet set;
    if (json.contains("addresses")) {
      set.addresses = report::read_addresses(json["addresses"]).value();
    }
    if (json.contains("hosts")) set.names = report::read_hosts(json["hosts"]).value();
    return set;
  };
  for (const auto& row : plan["clusters"][0]["rows"]) {
    if (row["effect"] != effect) continue;
    for (const auto& part : row["parts"]) {
      out.push_back(
          {peers(part["from"]), peers(part["to"]), report::read_service(part["service"]).value()});
    }
  }
  return out;
}

constexpr unsigned plan_batches = 100;
constexpr unsigned pairs_in_a_batch = test::sanitized ? 2 : 100;

class PlanProperty : public testing::TestWithParam<unsigned> {
 protected:
  std::mt19937 random_{GetParam()};
};

TEST_P(PlanProperty, RebuildsHeadFromBase) {
  for (unsigned i = 0; i < pairs_in_a_batch; ++i) {
    const test::RandomPolicy before = test::random_policy(random_);
    const test::RandomPolicy after = test::changed(before, random_);
    const Compiled base(before.text()), head(after.text());
    ASSERT_TRUE(base.good && head.good) << before.text() << after.text();
    Reporter reporter;
    report::Plan plan{{"a", base.flows(), &base.c.sources},
                      {"b", head.flows(), &head.c.sources},
                      {},
                      "",
                      {},
                      {},
                      {}};
    plan.diff = flow::diff(base.flows(), head.flows(), reporter);
    ASSERT_FALSE(reporter.has_errors());
    const auto json = report::Json::parse(report::plan_json(plan));
    const Marks opened = marks(parts(json, "opens")), closed = marks(parts(json, "closes"));
    const Marks old_marks = before.allowed(), new_marks = after.allowed();
    for (std::size_t p = 0; p < opened.size(); ++p) {
      ASSERT_EQ(opened[p] != 0, new_marks[p] != 0 && old_marks[p] == 0)
          << before.text() << after.text();
      ASSERT_EQ(closed[p] != 0, old_marks[p] != 0 && new_marks[p] == 0)
          << before.text() << after.text();
    }
  }
}

// A row blames a rule that allows its packets on its side, and its witness is one of them.
TEST_P(PlanProperty, RowsAreOfTheRuleThatTheyName) {
  const test::RandomPolicy before = test::random_policy(random_);
  const test::RandomPolicy after = test::changed(before, random_);
  const Compiled base(before.text()), head(after.text());
  Reporter reporter;
  const flow::PolicyDiff diff = flow::diff(base.flows(), head.flows(), reporter);
  for (const flow::Row& row : diff.clusters.at(0).rows) {
    const bool opens = row.effect == flow::Effect::opens;
    const test::RandomPolicy& here = opens ? after : before;
    const test::RandomPolicy& there = opens ? before : after;
    const auto rule = std::find_if(here.rules.begin(), here.rules.end(), [&](const auto& known) {
      return known.name == row.flow->rule->origin.rule;
    });
    ASSERT_NE(rule, here.rules.end());
    EXPECT_TRUE(rule->counts && rule->matches(row.witness)) << here.text();
    EXPECT_TRUE(here.allowed(row.witness)) << here.text() << there.text();
    EXPECT_FALSE(there.allowed(row.witness)) << here.text() << there.text();
    const Marks marked = marks(row.parts);
    for (std::size_t p = 0; p < marked.size(); ++p) {
      if (marked[p] == 0) continue;
      ASSERT_TRUE(rule->matches(test::packets()[p])) << here.text();
    }
  }
}

TEST_P(PlanProperty, AnotherTextOfTheSameMeaningChangesNothing) {
  const test::RandomPolicy before = test::random_policy(random_);
  const Compiled base(before.text()), head(test::rewritten(before, random_).text());
  ASSERT_TRUE(base.good && head.good);
  Reporter reporter;
  EXPECT_TRUE(flow::diff(base.flows(), base.flows(), reporter).empty());
  EXPECT_TRUE(flow::diff(base.flows(), head.flows(), reporter).empty()) << before.text();
}

TEST_P(PlanProperty, APolicyReadBackIsThePolicy) {
  const test::RandomPolicy policy = test::random_policy(random_);
  const Compiled compiled(policy.text());
  report::Snapshot snapshot;
  std::string error;
  const std::string json =
      report::show_json(compiled.c.policy, compiled.c.cluster_flows(), compiled.c.sources);
  ASSERT_TRUE(report::read_snapshot(json, snapshot, error)) << error << json;
  Reporter reporter;
  const flow::PolicyFlows back{&snapshot.policy, &snapshot.flows};
  const flow::PolicyDiff diff = flow::diff(compiled.flows(), back, reporter);
  EXPECT_TRUE(diff.empty()) << policy.text();
  EXPECT_EQ(diff.clusters[0].without_effect, 0u) << policy.text();
  // And the other way: what was read back is written as it was.
  std::vector<report::ClusterFlows> clusters{{&snapshot.policy.clusters[0], &snapshot.flows[0]}};
  EXPECT_EQ(report::show_json(snapshot.policy, clusters, snapshot.sources), json);
}

INSTANTIATE_TEST_SUITE_P(Random, PlanProperty, testing::Range(0u, plan_batches));

}  // namespace
}  // namespace hcipol
