// What a part of a joined rule stands for, alone and in the artefacts that have such parts.
#include <gtest/gtest.h>

#include <deque>
#include <memory>

#include "azure_nsg_lab.h"
#include "backends/common/rule_parts.h"
#include "backends/palo_alto/palo_alto.h"
#include "flow/optimise.h"

namespace hcipol::test::nsg {
namespace {

using backends::FlowPart;
using backends::RuleParts;
using policy::Rule;

net::ServiceSet all_of(std::uint8_t protocol) {
  return net::ServiceSet::whole(protocol);
}

/// Rules of one feature between servers, as the optimiser joins them.
struct Joined {
  Joined() {
    const NamedSet* servers = lab.servers;
    add("hci/fc.cluster", {servers}, udp(3343), "Heartbeat");
    add("hci/fc.join", {servers}, tcp(3343), "Join");
    add("hci/fc.rpc", {servers}, tcp(135), "");
    add("hci/fc.v4-only", {lab.management}, tcp(136), "Old");
    rule = flow::carrier(rules[1], {&rules[0], &rules[1], &rules[2], &rules[3]});
    whole = {
        Rule::Kind::allow,     {servers}, {servers}, udp(3343) | tcp(3343) | tcp(135, 136), &rule,
        "hci/fc.join (a -> b)"};
  }
  void add(const char* address, std::vector<const NamedSet*> from, net::ServiceSet service,
           const char* title) {
    Rule& made = rules.emplace_back();
    made.address = address;
    made.origin.module = "hci";
    made.origin.feature = "fc";
    made.origin.rule = std::string(address).substr(7);
    made.origin.feature_title = "Failover Clustering";
    made.title = title;
    made.from.parts = std::move(from);
    made.to.parts = {lab.servers};
    made.service = std::move(service);
  }

  Lab lab;
  std::deque<Rule> rules;
  Rule rule;
  flow::Flow whole;
  RuleParts parts;
};

TEST(RuleParts, AreTheRuleItselfWhereNothingIsLeftOut) {
  Joined j;
  EXPECT_EQ(&j.parts.of(j.whole, {net::ServiceSet::any(), {}}), &j.rule);
  j.whole.rule = &j.rules[0];  // which carries no others
  EXPECT_EQ(&j.parts.of(j.whole, {tcp(1), {}}), &j.rules[0]);
}

TEST(RuleParts, OfOneRuleAreThatRule) {
  Joined j;
  const Rule& udp_part = j.parts.of(j.whole, {all_of(net::protocol::udp), {}});
  EXPECT_EQ(&udp_part, &j.rules[0]);
  EXPECT_EQ(backends::part_id(j.whole, udp_part), "hci/fc.cluster (a -> b)");
}

TEST(RuleParts, OfSomeCarryThese) {
  Joined j;
  const Rule& tcp_part = j.parts.of(j.whole, {all_of(net::protocol::tcp), {}});
  EXPECT_EQ(tcp_part.carries, (std::vector<const Rule*>{&j.rules[1], &j.rules[2], &j.rules[3]}));
  EXPECT_EQ(tcp_part.address, "hci/fc.join");
  EXPECT_EQ(tcp_part.title, "Join; Old (with rpc and v4-only)");
  EXPECT_EQ(backends::part_id(j.whole, tcp_part), j.whole.id);
  // The same for the same question, and alive as long as what take() gives.
  EXPECT_EQ(&j.parts.of(j.whole, {all_of(net::protocol::tcp), {}}), &tcp_part);
  const std::deque<Rule> owner = j.parts.take();
  ASSERT_EQ(owner.size(), 1u);
  EXPECT_EQ(&owner.front(), &tcp_part);
}

TEST(RuleParts, OfAFamilyAreWhatHasIt) {
  Joined j;
  const Rule& v6 = j.parts.of(j.whole, {all_of(net::protocol::tcp), net::Family::ipv6});
  EXPECT_EQ(v6.carries, (std::vector<const Rule*>{&j.rules[1], &j.rules[2]}));
}

// A rule that no part of the service is of has come through a proxy, which has its own service.
TEST(RuleParts, OfAProxiedRuleAreAllParts) {
  Joined j;
  j.rules[0].service = tcp(443);
  const Rule& udp_part = j.parts.of(j.whole, {all_of(net::protocol::udp), {}});
  EXPECT_EQ(&udp_part, &j.rules[0]);
  j.rules[1].service = tcp(444);
  EXPECT_EQ(j.parts.of(j.whole, {all_of(net::protocol::udp), {}}).carries.size(), 2u);
}

/// What an artefact's rule leads back to.
std::vector<std::string> led_back(const backends::Emission& emission, const std::string& id) {
  std::vector<std::string> out;
  for (const auto& entry : emission.artefacts.front().rules) {
    if (entry.id != id || entry.rule == nullptr) continue;
    if (entry.rule->carries.empty()) out.push_back(entry.rule->address);
    for (const Rule* rule : entry.rule->carries) out.push_back(rule->address);
  }
  return out;
}

/// The flows of the policy as the optimiser joins them.
class JoinedFlows {
 public:
  JoinedFlows(Lab& lab, const NamedSet* to) {
    lab.flow("hci/fc.cluster", {lab.servers}, {to}, udp(3343)).title = "Heartbeat";
    lab.flow("hci/fc.join", {lab.servers}, {to}, tcp(3343)).title = "Join";
    lab.flow("hci/fc.rpc", {lab.servers}, {to}, tcp(135)).title = "RPC";
    before_ = lab.flows();
    optimiser_ = std::make_unique<flow::Optimiser>(before_);
    lab.flows() = optimiser_->fewer({}).flows;
  }

 private:
  std::vector<flow::Flow> before_;
  std::unique_ptr<flow::Optimiser> optimiser_;
};

using Addresses = std::vector<std::string>;

TEST(RuleParts, OfSecurityGroups) {
  Lab b;
  const JoinedFlows joined(b, b.dcs);
  ASSERT_EQ(b.flows().size(), 1u);
  const Outcome outcome = b.emit_nsg();
  const backends::Emission& emission = outcome.emission;
  for (const char* family : {"", "-v6"}) {
    EXPECT_EQ(led_back(emission, std::string("out-hci-fc.cluster-udp") + family),
              Addresses{"hci/fc.cluster"});
    EXPECT_EQ(led_back(emission, std::string("out-hci-fc.join-tcp") + family),
              (Addresses{"hci/fc.join", "hci/fc.rpc"}));
  }
  EXPECT_NE(outcome.text().find("\"hci/fc.cluster: Heartbeat\""), std::string::npos);
  EXPECT_NE(outcome.text().find("\"hci/fc.join: Join; RPC (with rpc)\""), std::string::npos);
}

TEST(RuleParts, OfAzureFirewall) {
  Lab b;
  const JoinedFlows joined(b, b.dcs);
  const Outcome outcome = b.emit();
  EXPECT_EQ(led_back(outcome.emission, "hci-fc.cluster-udp"), Addresses{"hci/fc.cluster"});
  EXPECT_EQ(led_back(outcome.emission, "hci-fc.join-tcp"),
            (Addresses{"hci/fc.join", "hci/fc.rpc"}));
  EXPECT_NE(outcome.text().find("\"hci/fc.cluster: Heartbeat\""), std::string::npos);
}

// There a part is what App-ID recognises.
TEST(RuleParts, OfPanOs) {
  Lab b;
  b.flow("hci/fc.a-rdp", {b.servers}, {b.dcs}, tcp(3389)).title = "RDP";
  const JoinedFlows joined(b, b.dcs);
  ASSERT_EQ(b.flows().size(), 1u);
  b.option("app_id", true);
  Outcome outcome;
  backends::EmitContext context(outcome.reporter, b.device());
  const auto backend = backends::palo_alto::backend();
  outcome.emission = backend.emit(b.device(), context);
  expect_proved(backend, b.device(), outcome.emission, outcome.reporter);
  EXPECT_EQ(led_back(outcome.emission, "prod-hci-fc.a-rdp-app"), Addresses{"hci/fc.a-rdp"});
  EXPECT_EQ(led_back(outcome.emission, "prod-hci-fc.cluster"),
            (Addresses{"hci/fc.cluster", "hci/fc.join", "hci/fc.rpc"}));
  EXPECT_NE(outcome.text().find("<description>hci/fc.cluster: Heartbeat; Join; RPC (with "),
            std::string::npos);
}

}  // namespace
}  // namespace hcipol::test::nsg
