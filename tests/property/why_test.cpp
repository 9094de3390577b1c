// Random policies and random questions: the parts of an answer are disjoint, they make up the
// question, and each says what an interpreter reads packet by packet.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <random>

#include "driver/question.h"
#include "flow/effective.h"
#include "flow/why.h"
#include "tests/support/compiled.h"
#include "tests/support/random_policy.h"

namespace hcipol {
namespace {

using test::RandomPolicy;
using test::RandomRule;

struct Asked {
  std::string text;
  RandomRule rule;  ///< a rule that no policy has: what it matches is asked for
};

bool opens(RandomRule::Kind kind) {
  return kind != RandomRule::Kind::deny;
}

/// One policy, and what it answers.
class Interview {
 public:
  explicit Interview(std::mt19937& random)
      : random_(random), policy_(test::random_policy(random)) {}

  void read() {
    ASSERT_TRUE(test::compile(policy_, c_)) << policy_.text();
    for (const RandomRule& rule : policy_.rules) by_name_.emplace(rule.name, &rule);
  }

  /// Asks for one flow, about every `step`th packet from `first` on.
  void ask(std::size_t first, std::size_t step);

 private:
  // What a parameter stands for is known inside a feature only.
  static bool askable(const RandomRule& rule) {
    const auto inside = [](const std::string& text) {
      return text.find("param") != std::string::npos;
    };
    return !inside(rule.from.text) && !inside(rule.to.text) && !inside(rule.service.text);
  }

  Asked question() {
    for (;;) {
      for (const RandomRule& rule : test::random_policy(random_).rules) {
        if (!askable(rule)) continue;
        return {fmt::format("{} {} {} on {}", rule.from.text, rule.both_ways ? "<->" : "->",
                            rule.to.text, rule.service.text),
                rule};
      }
    }
  }

  const RandomRule& written(const flow::Flow& flow) const {
    return *by_name_.at(flow.rule->origin.rule);
  }

  // The rules that a part must name hold the packet, and no other of their kind does.
  void check_rules(const flow::Part& part, const net::Packet& packet) const {
    std::size_t named = 0;
    for (const flow::Ground& ground : part.rules) {
      const bool holds = net::contains(flow::box(*ground.flow), packet);
      EXPECT_TRUE(holds || !ground.whole) << ground.flow->id;
      EXPECT_TRUE(!holds || written(*ground.flow).matches(packet)) << ground.flow->id;
      named += holds && ground.flow->kind != policy::Rule::Kind::deny ? 1u : 0u;
    }
    for (const RandomRule& rule : policy_.rules) {
      if (!rule.counts || !rule.matches(packet)) continue;
      const bool decides = part.reason == flow::Reason::allow ? opens(rule.kind)
                           : part.reason == flow::Reason::exception
                               ? rule.kind == RandomRule::Kind::exception
                           : part.reason == flow::Reason::deny ? rule.kind == RandomRule::Kind::deny
                                                               : opens(rule.kind);
      if (!decides) continue;
      const bool there = std::any_of(part.rules.begin(), part.rules.end(), [&](const auto& ground) {
        return ground.flow->rule->origin.rule == rule.name;
      });
      EXPECT_TRUE(there) << rule.text();
    }
    if (part.allowed()) {
      EXPECT_GT(named, 0u);
    }
  }

  std::mt19937& random_;
  RandomPolicy policy_;
  driver::Compilation c_;
  std::map<std::string, const RandomRule*> by_name_;
};

void Interview::ask(std::size_t first, std::size_t step) {
  const Asked asked = question();
  SCOPED_TRACE(asked.text + "\n" + policy_.text());
  const auto questions = driver::ask(c_, asked.text, {0});
  ASSERT_EQ(questions.size(), 1u);
  ASSERT_TRUE(questions[0].flow);
  ASSERT_EQ(questions[0].flow->both_ways, asked.rule.both_ways);
  const std::vector<net::Box> boxes = flow::boxes(*questions[0].flow);
  const flow::Answer answer = flow::why(c_.flows[0], boxes);

  const auto& packets = test::packets();
  for (std::size_t at = first; at < packets.size(); at += step) {
    const net::Packet& packet = packets[at];
    const flow::Part* own = nullptr;
    std::size_t parts = 0, shown = 0;
    bool more = false;
    for (const flow::Part& part : answer.parts) {
      more = more || part.more;
      if (part.packets.contains(packet)) {
        own = &part;
        ++parts;
      }
      shown += std::any_of(part.boxes.begin(), part.boxes.end(),
                           [&](const net::Box& box) { return net::contains(box, packet); });
    }
    ASSERT_EQ(parts, asked.rule.matches(packet) ? 1u : 0u);
    // What people read has each packet once too.
    if (!more) {
      ASSERT_EQ(shown, parts);
    }
    if (own == nullptr) continue;
    ASSERT_EQ(own->allowed(), policy_.allowed(packet));
    check_rules(*own, packet);
  }
  for (const flow::Part& part : answer.parts) {
    EXPECT_FALSE(part.packets.empty());
    const bool whole = !part.rules.empty() && part.rules.front().whole;
    EXPECT_EQ(whole, part.reason != flow::Reason::nothing);
  }
}

constexpr unsigned why_batches = 100;
constexpr unsigned why_policies = test::sanitized ? 2 : 100;

class Why : public testing::TestWithParam<unsigned> {};

TEST_P(Why, AgreesWithAnInterpreter) {
  std::mt19937 random(GetParam());
  for (unsigned i = 0; i < why_policies; ++i) {
    Interview interview(random);
    interview.read();
    // A fifth of the packets is still 1,000, and another fifth the next time.
    if (!HasFailure()) interview.ask((GetParam() + i) % 5, 5);
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Random, Why, testing::Range(0u, why_batches));

}  // namespace
}  // namespace hcipol
