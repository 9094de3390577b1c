// What lints say of idle rules, against an interpreter that reads one packet at a time: what they
// report can go without changing a verdict, and what they do not report cannot.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "driver/pipeline.h"
#include "tests/support/random_policy.h"

namespace hcipol {
namespace {

using test::Marks;
using test::packets;
using test::RandomPolicy;
using test::RandomRule;

std::string address(const RandomRule& rule) {
  return fmt::format("main/{}.{}", rule.feature.empty() ? "e" : rule.feature, rule.name);
}

/// The addresses at which each lint has found something.
std::map<Diag, std::set<std::string>> lint(const RandomPolicy& policy) {
  MemoryFileSystem files({{"main.hcipol", policy.text()}});
  driver::Environment environment;
  environment.files = &files;
  environment.today = parse_date("2022-06-01").value();
  driver::Compilation c;
  EXPECT_TRUE(driver::compile(driver::Options{}, {}, environment, c)) << policy.text();
  std::map<Diag, std::set<std::string>> out;
  for (const verify::Finding& finding : driver::lint(environment, c).findings) {
    out[finding.diagnostic.id].insert(finding.address);
  }
  return out;
}

RandomPolicy without(const RandomPolicy& policy, const std::set<std::string>& addresses) {
  RandomPolicy out = policy;
  std::erase_if(out.rules,
                [&](const RandomRule& rule) { return addresses.contains(address(rule)); });
  return out;
}

/// Whether some packet belongs to the rule and to no other of its kind.
bool is_needed(const RandomRule& rule, const RandomPolicy& policy) {
  Marks left = rule.matches();
  for (const RandomRule& other : policy.rules) {
    if (!other.counts || other.kind != rule.kind || other.name == rule.name) continue;
    const Marks theirs = other.matches();
    for (std::size_t i = 0; i < left.size(); ++i) {
      if (theirs[i] != 0) left[i] = 0;
    }
  }
  return std::any_of(left.begin(), left.end(), [](std::uint8_t mark) { return mark != 0; });
}

bool meets_no_allow(const RandomRule& rule, const RandomPolicy& policy) {
  const Marks own = rule.matches();
  for (const RandomRule& other : policy.rules) {
    if (!other.counts || other.kind != RandomRule::Kind::allow) continue;
    const Marks theirs = other.matches();
    for (std::size_t i = 0; i < own.size(); ++i) {
      if (own[i] != 0 && theirs[i] != 0) return false;
    }
  }
  return true;
}

constexpr unsigned lint_batches = 50;
constexpr unsigned lint_policies = test::sanitized ? 3 : 60;

class IdleRules : public testing::TestWithParam<unsigned> {};

TEST_P(IdleRules, AreThoseThatChangeNoVerdict) {
  std::mt19937 random(GetParam());
  std::size_t found = 0;
  for (unsigned i = 0; i < lint_policies; ++i) {
    const RandomPolicy policy = test::random_policy(random, 9);
    auto findings = lint(policy);
    const Marks allowed = policy.allowed();
    for (const Diag id : {Diag::covered, Diag::never_applies, Diag::deny_without_effect}) {
      for (const std::string& rule : findings[id]) {
        ++found;
        ASSERT_EQ(without(policy, {rule}).allowed(), allowed)
            << entry(id).code << " at " << rule << "\n"
            << policy.text();
      }
    }
    const std::set<std::string>& covered = findings[Diag::covered];
    const RandomPolicy kept = without(policy, covered);
    ASSERT_EQ(kept.allowed(), allowed) << "without all that is covered\n" << policy.text();

    for (const RandomRule& rule : kept.rules) {
      if (!rule.counts) continue;
      const std::string at = address(rule);
      if (rule.matches() == Marks(packets().size(), 0)) {
        ASSERT_TRUE(findings[Diag::never_applies].contains(at)) << at << "\n" << policy.text();
        continue;
      }
      ASSERT_TRUE(is_needed(rule, kept)) << at << " is not reported\n" << policy.text();
      const bool idle = meets_no_allow(rule, policy);
      if (rule.kind == RandomRule::Kind::deny) {
        ASSERT_EQ(findings[Diag::deny_without_effect].contains(at), idle) << at << "\n"
                                                                          << policy.text();
      }
    }
  }
  // Three policies may well have none.
  if (!test::sanitized) {
    EXPECT_GT(found, lint_policies / 4) << "the random policies have too few idle rules";
  }
}

INSTANTIATE_TEST_SUITE_P(Random, IdleRules, testing::Range(0u, lint_batches));

}  // namespace
}  // namespace hcipol
