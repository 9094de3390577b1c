// Random invariants and expectations on random policies, against the interpreter that reads one
// packet at a time.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "driver/pipeline.h"
#include "tests/support/compiled.h"
#include "tests/support/random_policy.h"
#include "verify/expectations.h"

namespace hcipol {
namespace {

using test::packets;
using test::RandomPolicy;
using test::RandomRule;

/// Flows as random rules have them. Outside a feature there are no parameters.
std::vector<RandomRule> random_flows(std::mt19937& random, std::size_t count) {
  std::vector<RandomRule> out;
  while (out.size() < count) {
    for (RandomRule& rule : test::random_policy(random).rules) {
      const std::string all = rule.from.text + rule.to.text + rule.service.text;
      if (all.find("param.") == std::string::npos && out.size() < count) {
        out.push_back(std::move(rule));
      }
    }
  }
  return out;
}

std::string name_of(std::size_t check) {
  return fmt::format("i{}", check);
}

/// The policy with an invariant for each flow: even ones must never be allowed, odd ones always.
std::string text_of(const RandomPolicy& policy, const std::vector<RandomRule>& flows, bool waived) {
  std::string text = policy.text();
  if (waived) {
    const std::string_view before = "  owner   = \"o\"\n";
    text.insert(text.find(before), "  waives  = [\"i0\"]\n");
  }
  for (std::size_t i = 0; i < flows.size(); ++i) {
    const RandomRule& flow = flows[i];
    text += fmt::format("\ninvariant \"{}\" {{\n  {} allow {} {} {} on {}\n}}\n", name_of(i),
                        i % 2 == 0 ? "never" : "always", flow.from.text,
                        flow.both_ways ? "<->" : "->", flow.to.text, flow.service.text);
  }
  return text;
}

bool reported(const Reporter& reporter, Diag id, std::size_t check) {
  for (const Diagnostic& d : reporter.sorted()) {
    if (d.id == id && d.message.find("`" + name_of(check) + "`") != std::string::npos) return true;
  }
  return false;
}

bool allowed(const RandomPolicy& policy, const net::Packet& packet, bool with_exceptions) {
  if (with_exceptions) return policy.allowed(packet);
  RandomPolicy without = policy;
  std::erase_if(without.rules,
                [](const RandomRule& rule) { return rule.kind == RandomRule::Kind::exception; });
  return without.allowed(packet);
}

class Checks : public testing::TestWithParam<unsigned> {
 protected:
  void one(std::mt19937& random) {
    const RandomPolicy policy = test::random_policy(random);
    const std::vector<RandomRule> flows = random_flows(random, 6);
    const bool waived = random() % 2 == 0;
    const std::string text = text_of(policy, flows, waived);
    SCOPED_TRACE(text);

    driver::Compilation c;
    test::compile(text, c);  // violations are errors, and reported
    ASSERT_EQ(c.policy.invariants.size(), flows.size());

    const test::Marks open = policy.allowed();
    std::vector<flow::Flow> without = c.flows[0];
    std::erase_if(
        without, [](const flow::Flow& flow) { return flow.kind == policy::Rule::Kind::exception; });
    RandomPolicy strict = policy;
    std::erase_if(strict.rules,
                  [](const RandomRule& rule) { return rule.kind == RandomRule::Kind::exception; });
    const test::Marks open_without = strict.allowed();
    for (std::size_t i = 0; i < flows.size(); ++i) {
      const bool excused = waived && i == 0;
      const policy::Check& check = c.policy.invariants[i].checks.at(0);
      judge(
          check, flows[i], excused ? without : c.flows[0], excused ? open_without : open,
          [&](const net::Packet& packet) { return allowed(policy, packet, !excused); },
          reported(c.reporter, check.allow ? Diag::always_unmet : Diag::invariant_violated, i),
          c.policy.clusters[0]);
    }
  }

 private:
  // `open` says of each of packets() whether it is allowed, and `ask` of any packet.
  template <class Ask>
  void judge(const policy::Check& check, const RandomRule& flow,
             const std::vector<flow::Flow>& counting, const test::Marks& open, const Ask& ask,
             bool was_reported, const policy::Cluster& cluster) {
    const policy::Check* one_check = &check;
    verify::Situation situation(cluster, counting, {&one_check, 1});
    const net::PacketSet asked = situation.asked(check);
    const net::PacketSet wrong = verify::wrong(check, asked, situation.open(counting));
    const test::Marks mine = flow.matches();
    for (std::size_t p = 0; p < mine.size(); ++p) {
      const bool bad = mine[p] != 0 && (open[p] != 0) != check.allow;
      ASSERT_EQ(wrong.contains(packets()[p]), bad);
    }
    if (const auto witness = wrong.witness()) {
      EXPECT_TRUE(flow.matches(*witness));
      EXPECT_NE(ask(*witness), check.allow);
    }
    EXPECT_EQ(was_reported, !wrong.empty());
    ++(asked.empty() ? empty_ : wrong.empty() ? held_ : broken_);

    Reporter reporter;
    policy::Test test;
    verify::check_test(situation, situation.open(counting), test, {one_check, 1}, reporter);
    EXPECT_EQ(reporter.has_errors(), asked.empty() || !wrong.empty());
  }

 protected:
  unsigned held_ = 0, broken_ = 0, empty_ = 0;
};

TEST_P(Checks, AskWhatAnInterpreterReads) {
  std::mt19937 random(GetParam());
  const unsigned count = test::sanitized ? 3 : 100;
  for (unsigned i = 0; i < count; ++i) {
    one(random);
    if (HasFatalFailure() || HasNonfatalFailure()) return;
  }
  EXPECT_GT(held_, count / 3);
  EXPECT_GT(broken_, count / 3);
  EXPECT_GT(empty_ + held_ + broken_, 5 * count);
}

INSTANTIATE_TEST_SUITE_P(Random, Checks, testing::Range(0u, 100u));

}  // namespace
}  // namespace hcipol
