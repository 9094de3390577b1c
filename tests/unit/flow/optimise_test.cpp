// What is dropped, what is joined and what stays apart.
#include "flow/optimise.h"

#include <gtest/gtest.h>

#include "flow/lower.h"

namespace hcipol {
namespace {

using flow::Flow;
using net::ServiceSet;
using Kind = policy::Rule::Kind;

ServiceSet tcp(std::uint16_t first, std::uint16_t last) {
  return ServiceSet::ports(net::protocol::tcp, first, last);
}
ServiceSet tcp(std::uint16_t port) {
  return tcp(port, port);
}

class OptimiseTest : public testing::Test {
 protected:
  const sema::NamedSet* set(std::string name, const char* cidr) {
    sets_.push_back({});
    sets_.back().name = std::move(name);
    const std::string_view text = cidr;
    const std::size_t slash = text.find('/');
    const net::Address address = net::parse_address(text.substr(0, slash)).value();
    sets_.back().set.addresses = net::AddressSet(
        net::Cidr{address, static_cast<unsigned>(std::stoul(std::string(text.substr(slash + 1))))});
    return &sets_.back();
  }
  const sema::NamedSet* host(std::string name) {
    sets_.push_back({});
    sets_.back().name = name;
    sets_.back().set.names = net::DomainSet(net::parse_pattern(name).value());
    return &sets_.back();
  }

  Flow& add(const std::string& name, const sema::NamedSet* from, const sema::NamedSet* to,
            ServiceSet service, const std::string& feature = "f", Kind kind = Kind::allow) {
    policy::Rule& rule = rules_.emplace_back();
    rule.kind = kind;
    rule.address = "main/" + feature + "." + name;
    rule.origin.module = "main";
    rule.origin.feature = feature;
    rule.origin.rule = name;
    flows_.push_back({kind, {from}, {to}, std::move(service), &rule, {}});
    return flows_.back();
  }

  /// "id: from -> to on service", and what a joined rule carries.
  std::vector<std::string> run(const flow::RuleCapabilities& device = {}) {
    flow::name_flows(flows_);
    optimiser_.emplace(flows_);
    result_ = &optimiser_->fewer(device);
    std::vector<std::string> out;
    for (const Flow& f : result_->flows) {
      out.push_back(f.id + ": " + flow::names(f.from) + " -> " + flow::names(f.to) + " on " +
                    net::to_string(f.service));
    }
    return out;
  }

  std::deque<sema::NamedSet> sets_;
  std::deque<policy::Rule> rules_;
  std::vector<Flow> flows_;
  std::optional<flow::Optimiser> optimiser_;
  const flow::Optimised* result_ = nullptr;
};

using Lines = std::vector<std::string>;

TEST_F(OptimiseTest, WhatOthersCoverTogetherIsDropped) {
  const auto* a = set("a", "10.0.0.0/24");
  const auto* b = set("b", "10.0.1.0/24");
  add("low", a, b, tcp(0, 99), "one");
  add("high", a, b, tcp(100, 200), "two");
  add("middle", a, b, tcp(90, 110), "three");
  EXPECT_EQ(run(),
            (Lines{"main/one.low: a -> b on tcp/0-99", "main/two.high: a -> b on tcp/100-200"}));
  // Both of the rules that cover it say so.
  for (const Flow& f : result_->flows) EXPECT_EQ(f.rule->carries.size(), 2U) << f.id;
}

TEST_F(OptimiseTest, ADenyIsNoReasonToDropAnAllow) {
  const auto* a = set("a", "10.0.0.0/24");
  const auto* b = set("b", "10.0.1.0/24");
  add("open", a, b, tcp(445));
  add("shut", a, b, tcp(445), "f", Kind::deny);
  EXPECT_EQ(run().size(), 2U);
}

TEST_F(OptimiseTest, ServicesOfTheSamePeersStandSideBySide) {
  const auto* a = set("a", "10.0.0.0/24");
  const auto* b = set("b", "10.0.1.0/24");
  add("smb", a, b, tcp(445));
  add("rpc", a, b, tcp(135));
  EXPECT_EQ(run(), (Lines{"main/f.rpc: a -> b on tcp/135, tcp/445"}));
  ASSERT_EQ(result_->flows[0].rule->carries.size(), 2U);
  EXPECT_EQ(result_->flows[0].rule->carries[0]->address, "main/f.rpc");
  EXPECT_EQ(result_->flows[0].rule->carries[1]->address, "main/f.smb");
}

TEST_F(OptimiseTest, PeersOfTheSameServiceStandSideBySide) {
  const auto* a = set("a", "10.0.0.0/24");
  const auto* b = set("b", "10.0.1.0/24");
  const auto* c = set("c", "10.0.2.0/24");
  add("to-b", a, b, tcp(445));
  add("to-c", a, c, tcp(445));
  EXPECT_EQ(run(), (Lines{"main/f.to-b: a -> b, c on tcp/445"}));
}

TEST_F(OptimiseTest, JoiningGoesOnUntilNothingJoins) {
  const auto* a = set("a", "10.0.0.0/24");
  const auto* b = set("b", "10.0.1.0/24");
  const auto* c = set("c", "10.0.2.0/24");
  const auto* d = set("d", "10.0.3.0/24");
  for (const auto* from : {a, b}) {
    for (const auto* to : {c, d}) {
      for (const std::uint16_t port : {std::uint16_t{8081}, std::uint16_t{8080}}) {
        add(from->name + to->name + std::to_string(port), from, to, tcp(port));
      }
    }
  }
  EXPECT_EQ(run(), (Lines{"main/f.ac8080: a, b -> c, d on tcp/8080-8081"}));
  EXPECT_EQ(result_->flows[0].rule->carries.size(), 8U);
}

TEST_F(OptimiseTest, WhatDevicesTreatDifferentlyStaysApart) {
  const auto* a = set("a", "10.0.0.0/24");
  const auto* b = set("b", "10.0.1.0/24");
  const auto* name = host("a.example.com");
  const auto* pattern = host("*.example.org");
  add("address", a, b, tcp(443));
  add("name", a, name, tcp(443));
  add("pattern", a, pattern, tcp(443));
  add("name-elsewhere", a, name, tcp(9443));
  add("ping", a, b, ServiceSet::icmp_type(net::protocol::icmp, 8));
  EXPECT_EQ(run().size(), 5U);
}

TEST_F(OptimiseTest, WhatADeviceCanSayInOneRuleIsOne) {
  const auto* a = set("a", "10.0.0.0/24");
  const auto* b = set("b", "10.0.1.0/24");
  const auto* name = host("a.example.com");
  const auto* tag = set("tag", "10.0.2.0/24");
  sets_.back().tag = "Storage";
  add("address", a, b, tcp(443));
  add("name", a, name, tcp(443));
  add("name-elsewhere", a, name, tcp(9443));
  add("tag", a, tag, tcp(443));
  EXPECT_EQ(run().size(), 4U);
  EXPECT_EQ(run({.names_on_any_port = true}),
            (Lines{"main/f.address: a -> b on tcp/443",
                   "main/f.name: a -> a.example.com on tcp/443, tcp/9443",
                   "main/f.tag: a -> tag on tcp/443"}));
  EXPECT_EQ(run({.names_with_addresses = true}),
            (Lines{"main/f.address: a -> a.example.com, b on tcp/443",
                   "main/f.name-elsewhere: a -> a.example.com on tcp/9443",
                   "main/f.tag: a -> tag on tcp/443"}));
  EXPECT_EQ(
      run({.tags_with_addresses = true}),
      (Lines{"main/f.address: a -> b, tag on tcp/443", "main/f.name: a -> a.example.com on tcp/443",
             "main/f.name-elsewhere: a -> a.example.com on tcp/9443"}));
}

TEST_F(OptimiseTest, AWildcardStaysApartOnEveryDevice) {
  const auto* a = set("a", "10.0.0.0/24");
  const auto* b = set("b", "10.0.1.0/24");
  const auto* pattern = host("*.example.org");
  add("address", a, b, tcp(443));
  add("name", a, host("a.example.com"), tcp(443));
  add("pattern", a, pattern, tcp(443));
  add("pattern-elsewhere", a, pattern, tcp(9443));
  EXPECT_EQ(run({true, true, true}).size(), 3U);
}

TEST_F(OptimiseTest, LoggedRulesAndOtherFeaturesStayApart) {
  const auto* a = set("a", "10.0.0.0/24");
  const auto* b = set("b", "10.0.1.0/24");
  add("one", a, b, tcp(1), "f");
  add("two", a, b, tcp(2), "g");
  add("three", a, b, tcp(3), "f");
  rules_.back().log = true;
  EXPECT_EQ(run().size(), 3U);
}

TEST_F(OptimiseTest, ALoggedRuleIsNotCoveredByOneThatIsSilent) {
  const auto* a = set("a", "10.0.0.0/24");
  const auto* b = set("b", "10.0.1.0/24");
  add("all", a, b, tcp(1, 9));
  add("watched", a, b, tcp(5));
  rules_.back().log = true;
  EXPECT_EQ(run().size(), 2U);
}

TEST_F(OptimiseTest, ADirectionThatIsJoinedDoesNotTakeTheNameOfTheOther) {
  const auto* a = set("a", "10.0.0.0/24");
  const auto* b = set("b", "10.0.1.0/24");
  add("both", a, b, tcp(1));
  rules_.back().both_ways = true;
  flows_.push_back({Kind::allow, {b}, {a}, tcp(1), &rules_.back(), {}});
  add("more", a, b, tcp(2));
  // Neither does the other lose the name that it has without the joining.
  EXPECT_EQ(run(), (Lines{"main/f.both (a -> b): a -> b on tcp/1-2",
                          "main/f.both (b -> a): b -> a on tcp/1"}));
}

}  // namespace
}  // namespace hcipol
