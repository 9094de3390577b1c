// Rows of a difference: whose they are, why they are there, and what a reviewer is warned of.
#include "flow/diff.h"

#include <gtest/gtest.h>

#include "driver/pipeline.h"

namespace hcipol {
namespace {

using flow::Cause;
using flow::Effect;
using flow::Risk;

struct Compiled {
  explicit Compiled(const std::string& text) : files({{"main.hcipol", text}}) {
    environment.files = &files;
    environment.today = parse_date("2022-06-01").value();
    EXPECT_TRUE(driver::compile(driver::Options{}, {}, environment, c)) << text;
  }

  MemoryFileSystem files;
  driver::Environment environment;
  driver::Compilation c;
};

/// A cluster of two nodes with a feature "f".
std::string policy(const std::string& feature, const std::string& more = "",
                   const std::string& nodes = "") {
  return "role \"admins\" { members = 10.0.0.0/28 }\n"
         "cluster \"c\" {\n  node \"n1\" { address = 10.0.1.1 }\n"
         "  node \"n2\" { address = 10.0.1.2 }\n" +
         nodes + "  enable \"f\"\n}\nfeature \"f\" {\n" + feature + "}\n" + more;
}

class DiffTest : public testing::Test {
 protected:
  const flow::ClusterDiff& diff(const std::string& before, const std::string& after) {
    base_ = std::make_unique<Compiled>(before);
    head_ = std::make_unique<Compiled>(after);
    diff_ = flow::diff({&base_->c.policy, &base_->c.flows}, {&head_->c.policy, &head_->c.flows},
                       reporter_);
    EXPECT_EQ(diff_.clusters.size(), 1u);
    return diff_.clusters.front();
  }

  std::unique_ptr<Compiled> base_, head_;
  flow::PolicyDiff diff_;
  Reporter reporter_;
};

constexpr auto web = "  allow \"web\" admins -> servers on tcp/443\n";

TEST_F(DiffTest, AnAddedPortIsOneRowWithThePortAlone) {
  const auto& c = diff(policy(web), policy("  allow \"web\" admins -> servers on tcp/443-444\n"));
  ASSERT_EQ(c.rows.size(), 1u);
  const flow::Row& row = c.rows[0];
  EXPECT_EQ(row.effect, Effect::opens);
  EXPECT_EQ(row.from, std::vector<std::string>{"admins"});
  EXPECT_EQ(row.to, std::vector<std::string>{"servers"});
  EXPECT_EQ(net::to_string(row.around.service), "tcp/444");
  EXPECT_EQ(row.cause, Cause::service);
  EXPECT_EQ(c.unchanged, 0u);
  EXPECT_EQ(c.without_effect, 0u);
}

TEST_F(DiffTest, ANewNodeIsNamed) {
  const auto& c = diff(policy(web), policy(web, "", "  node \"n3\" { address = 10.0.1.9 }\n"));
  ASSERT_EQ(c.rows.size(), 1u);
  EXPECT_EQ(c.rows[0].to, std::vector<std::string>{"node.n3"});
  EXPECT_EQ(c.rows[0].cause, Cause::server);
}

TEST_F(DiffTest, ADenyIsToBlameForWhatItCloses) {
  const std::string deny = "  deny \"no\" 10.0.0.3 -> servers on tcp/443\n";
  const auto& closed = diff(policy(web), policy(web + deny));
  ASSERT_EQ(closed.rows.size(), 1u);
  EXPECT_EQ(closed.rows[0].effect, Effect::closes);
  EXPECT_EQ(closed.rows[0].flow->rule->address, "main/f.web");
  EXPECT_EQ(closed.rows[0].cause, Cause::deny);
  ASSERT_NE(closed.rows[0].deny, nullptr);
  EXPECT_EQ(closed.rows[0].deny->address, "main/f.no");
  EXPECT_EQ(closed.unchanged, 1u);
  EXPECT_EQ(closed.without_effect, 0u);

  const auto& opened = diff(policy(web + deny), policy(web));
  ASSERT_EQ(opened.rows.size(), 1u);
  EXPECT_EQ(opened.rows[0].effect, Effect::opens);
  EXPECT_EQ(opened.rows[0].cause, Cause::deny);
}

// Base allows it by an exception, head by an allow: the deny never mattered.
TEST_F(DiffTest, WhatAnExceptionAllowedIsNotTheAllowsRow) {
  const std::string deny = "  deny \"no\" 10.0.0.3 -> servers on tcp/443\n";
  const std::string exception =
      "exception \"E1\" {\n  reason = \"r\"\n  owner = \"o\"\n  expires = 2022-07-01\n\n"
      "  allow \"in\" 10.0.0.3 -> node.n1 on tcp/443\n}\n";
  const auto& c = diff(policy(web + deny), policy(web + deny, exception));
  ASSERT_EQ(c.rows.size(), 1u);
  EXPECT_EQ(c.rows[0].flow->kind, policy::Rule::Kind::exception);
  EXPECT_EQ(c.rows[0].cause, Cause::rule);
  EXPECT_EQ(c.rows[0].risks, std::vector{Risk::expiring});
}

TEST_F(DiffTest, RisksAreMarkedAndComeFirst) {
  const auto& c = diff(policy(web),
                       policy(web + std::string("  allow \"a\" admins -> servers on tcp/8443\n"
                                                "  allow \"m\" admins -> servers on tcp/22\n"
                                                "  allow \"p\" admins -> servers on udp/1-1001\n"
                                                "  allow \"q\" admins -> servers on udp/2001-3000\n"
                                                "  allow \"i\" 8.8.8.8 -> servers on tcp/8444\n"
                                                "  allow \"z\" any -> servers on tcp/8445\n")));
  std::vector<std::pair<std::string, std::vector<Risk>>> rows;
  for (const flow::Row& row : c.rows) rows.emplace_back(row.flow->rule->origin.rule, row.risks);
  const std::vector<std::pair<std::string, std::vector<Risk>>> expected{{"z", {Risk::any_source}},
                                                                        {"i", {Risk::internet}},
                                                                        {"m", {Risk::management}},
                                                                        {"p", {Risk::many_ports}},
                                                                        {"a", {}},
                                                                        {"q", {}}};
  EXPECT_EQ(rows, expected);
}

TEST_F(DiffTest, ServersAreNotTheInternet) {
  const std::string out = "  allow \"out\" servers -> admins on tcp/8443\n";
  const auto& c = diff(policy(web, "", "  node \"n3\" { address = 8.8.8.8 }\n"),
                       policy(web + out, "", "  node \"n3\" { address = 8.8.8.8 }\n"));
  ASSERT_EQ(c.rows.size(), 1u);
  EXPECT_TRUE(c.rows[0].risks.empty());
}

TEST_F(DiffTest, AnEditWithoutEffectIsCounted) {
  const std::string narrow = "  allow \"narrow\" 10.0.0.1 -> servers on tcp/443\n";
  const auto& added = diff(policy(web), policy(web + narrow));
  EXPECT_TRUE(added.rows.empty());
  EXPECT_EQ(added.unchanged, 1u);
  EXPECT_EQ(added.without_effect, 1u);
  const auto& renamed =
      diff(policy(web), policy("  allow \"https\" admins -> servers on tcp/443\n"));
  EXPECT_TRUE(renamed.rows.empty());
  EXPECT_EQ(renamed.unchanged, 0u);
  EXPECT_EQ(renamed.without_effect, 1u);
}

// A second address of one family on one side only: no packet goes from IPv4 to IPv6.
TEST_F(DiffTest, WhatNoNetworkCarriesIsNoDifference) {
  const auto with = [](const std::string& address) {
    return policy("  allow \"x\" 10.0.0.1 -> [10.0.2.1" + address + "] on tcp/443\n");
  };
  const auto& c = diff(with(""), with(", fd00::1"));
  EXPECT_TRUE(c.rows.empty());
  EXPECT_EQ(c.without_effect, 1u);
}

TEST_F(DiffTest, ManyPartsAreOneRow) {
  std::string denies;
  for (int i = 0; i < 8; ++i) {
    denies += "  deny \"d" + std::to_string(i) + "\" 10.0.0." + std::to_string(i) +
              " -> 10.0.1.1 on tcp/" + std::to_string(1000 + i) + "\n";
  }
  const std::string all = "  allow \"all\" admins -> servers on tcp/1000-2000\n";
  const auto& c = diff(policy(denies), policy(denies + all));
  ASSERT_EQ(c.rows.size(), 1u);
  EXPECT_GT(c.rows[0].parts.size(), 6u);
  EXPECT_EQ(c.rows[0].from, std::vector<std::string>{"admins"});
  EXPECT_EQ(net::to_string(c.rows[0].around.service), "tcp/1000-2000");
}

TEST_F(DiffTest, AFeatureThatComesIsNamedAsTheCause) {
  const std::string other = "feature \"g\" {\n  allow \"y\" admins -> servers on tcp/8443\n}\n";
  const auto& c = diff(policy(web, other), policy(web, other, "  enable \"g\"\n"));
  ASSERT_EQ(c.rows.size(), 1u);
  EXPECT_EQ(c.rows[0].cause, Cause::feature);
}

TEST_F(DiffTest, MarkedRowsMoveUp) {
  diff(policy(web), policy(web + std::string("  allow \"a\" admins -> servers on tcp/8443\n"
                                             "  allow \"b\" admins -> servers on tcp/8444\n")));
  std::set<const policy::Rule*> rules;
  for (const flow::Row& row : diff_.clusters[0].rows) {
    if (row.flow->rule->origin.rule == "b") rules.insert(row.flow->rule);
  }
  flow::mark(diff_, Risk::widened, rules);
  EXPECT_EQ(diff_.clusters[0].rows[0].flow->rule->origin.rule, "b");
  EXPECT_EQ(diff_.clusters[0].rows[0].risks, std::vector{Risk::widened});
}

TEST(Diff, ClustersComeAndGo) {
  const std::string feature = "feature \"f\" { allow \"x\" servers -> 10.9.0.1 on tcp/443 }\n";
  const auto cluster = [](const std::string& name, const std::string& address) {
    return "cluster \"" + name + "\" {\n  node \"n\" { address = " + address +
           " }\n  enable \"f\"\n}\n";
  };
  const Compiled base(cluster("a", "10.0.0.1") + cluster("b", "10.0.0.2") + feature);
  const Compiled head(cluster("b", "10.0.0.2") + cluster("c", "10.0.0.3") + feature);
  Reporter reporter;
  const auto diff =
      flow::diff({&base.c.policy, &base.c.flows}, {&head.c.policy, &head.c.flows}, reporter);
  ASSERT_EQ(diff.clusters.size(), 3u);
  EXPECT_EQ(diff.clusters[0].head, nullptr);
  EXPECT_EQ(diff.clusters[0].rows.at(0).effect, Effect::closes);
  EXPECT_TRUE(diff.clusters[1].rows.empty());
  EXPECT_EQ(diff.clusters[2].base, nullptr);
  EXPECT_EQ(diff.clusters[2].rows.at(0).effect, Effect::opens);
}

}  // namespace
}  // namespace hcipol
