// What a part of a joined rule stands for, alone and in the artefacts that have such parts.
#include <gtest/gtest.h>

#include <deque>
#include <memory>

#include "azure_nsg_lab.h"
#include "backends/common/rule_parts.h"
#include "backends/palo_alto/palo_alto.h"
#include "flow/optimise.h"
#include "tests/unit/backends/windows_firewall_builder.h"

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

/// What an artefact's rule leads back to. Names may end in a hash.
std::vector<std::string> led_back(const backends::Artefact& artefact, const std::string& id,
                                  bool hashed = false) {
  std::vector<std::string> out;
  for (const auto& entry : artefact.rules) {
    const std::string name = hashed ? entry.id.substr(0, entry.id.size() - 9) : entry.id;
    if (name != id || entry.rule == nullptr) continue;
    if (entry.rule->carries.empty()) out.push_back(entry.rule->address);
    for (const Rule* rule : entry.rule->carries) out.push_back(rule->address);
  }
  return out;
}
std::vector<std::string> led_back(const backends::Emission& emission, const std::string& id) {
  return led_back(emission.artefacts.front(), id);
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

/// A server's flows from the management, as the optimiser joins them.
struct WindowsServer {
  windows_firewall::World world;
  flow::HostFlows& host = world.server("e1", {"10.1.0.11", "fd00::11"});
  const NamedSet* management = world.set("management", {"10.0.5.0/28", "fd00:5::/64"});

  Rule& add(const std::string& name, net::ServiceSet service, const NamedSet* from = nullptr) {
    Rule& rule = world.rule("hci/fc." + name);
    rule.title = "Title of " + name;
    rule.origin.module = "hci";
    rule.origin.feature = "fc";
    rule.origin.rule = name;
    rule.from.parts = {from == nullptr ? management : from};
    rule.to.parts = {host.node->set};
    rule.service = service;
    return rule;
  }
  backends::Artefact build() {
    std::vector<flow::Flow> before;
    for (const Rule& rule : world.cluster.rules) {
      before.push_back({rule.kind, rule.from.parts, rule.to.parts, rule.service, &rule, {}});
    }
    optimiser = std::make_unique<flow::Optimiser>(before);
    host.inbound = optimiser->fewer({}).flows;
    return world.build().front();
  }
  std::unique_ptr<flow::Optimiser> optimiser;
};

const std::string cluster_udp = "hcipolc-prod-hci-fc.cluster-in";
const std::string join_tcp = "hcipolc-prod-hci-fc.join-in";

TEST(RuleParts, OfWindowsFirewall) {
  WindowsServer server;
  server.add("cluster", udp(3343));
  server.add("join", tcp(3343));
  server.add("rpc", tcp(135));
  const backends::Artefact artefact = server.build();
  ASSERT_EQ(server.host.inbound.size(), 1u);
  EXPECT_EQ(led_back(artefact, cluster_udp, true), Addresses{"hci/fc.cluster"});
  EXPECT_EQ(led_back(artefact, join_tcp, true), (Addresses{"hci/fc.join", "hci/fc.rpc"}));
  for (const char* text :
       {"DisplayName   = 'Title of cluster: UDP 3343 from management (hci/fc.cluster)'",
        "Description   = 'Rule hci/fc.cluster.'",
        "DisplayName   = 'Title of join; Title of rpc (with rpc): TCP 135, 3343 from management "
        "(hci/fc.join)'"}) {
    EXPECT_NE(artefact.text.find(text), std::string::npos) << text;
  }
}

TEST(RuleParts, OfWindowsFirewallAreWithoutRulesOfTheOtherFamily) {
  WindowsServer server;
  server.world.policy.sets.back().set.addresses = windows_firewall::addresses({"10.0.5.0/28"});
  const NamedSet* v6 = server.world.set("six", {"fd00:5::/64"});
  server.add("four", tcp(1));
  server.add("six", tcp(1), v6);
  const backends::Artefact artefact = server.build();
  ASSERT_EQ(server.host.inbound.size(), 1u);
  EXPECT_EQ(led_back(artefact, "hcipolc-prod-hci-fc.four-in", true),
            (Addresses{"hci/fc.four", "hci/fc.six"}));
  server.world.policy.sets.front().set.addresses = windows_firewall::addresses({"10.1.0.11"});
  EXPECT_EQ(led_back(server.build(), "hcipolc-prod-hci-fc.four-in", true),
            Addresses{"hci/fc.four"});
}

// Windows' own rule stands for what asks for its port, and the rest for what asks for the rest.
TEST(RuleParts, OfWindowsOwnRules) {
  WindowsServer server;
  server.world.option("builtin", true);
  server.add("cluster", udp(3343));
  server.add("join", tcp(3343));
  server.add("rpc", tcp(135));
  const backends::Artefact artefact = server.build();
  EXPECT_EQ(led_back(artefact, "FailoverClustering-NetFt-UDP-In"), Addresses{"hci/fc.cluster"});
  EXPECT_EQ(led_back(artefact, "FailoverClustering-ClusSvc-TCP-In"), Addresses{"hci/fc.join"});
  EXPECT_EQ(led_back(artefact, "hcipolc-prod-hci-fc.rpc-in", true), Addresses{"hci/fc.rpc"});
}

// One more rule among those that are joined changes the rules in which it has packets.
TEST(RuleParts, OfWindowsFirewallKeepTheirNamesWhereNothingIsNew) {
  const auto udp_rule = [](bool more) {
    WindowsServer server;
    server.add("cluster", udp(3343));
    server.add("join", tcp(3343));
    if (more) server.add("a-first", tcp(135));
    const backends::Artefact artefact = server.build();
    const std::size_t at = artefact.text.find(cluster_udp);
    return artefact.text.substr(at, artefact.text.find("    }\n", at) - at);
  };
  EXPECT_EQ(udp_rule(false), udp_rule(true));
  EXPECT_TRUE(udp_rule(true).starts_with(cluster_udp));
}

// Another flow may have the same part under the same name: each keeps a rule of its own.
TEST(RuleParts, OfWindowsFirewallMayBeOfTwoFlows) {
  WindowsServer server;
  Rule& both = server.add("both", udp(1));
  std::deque<Rule> joined;
  for (const std::uint16_t port : {std::uint16_t{2}, std::uint16_t{3}}) {
    Rule& other = server.add("z" + std::to_string(port), tcp(port));
    joined.push_back(flow::carrier(other, {&both, &other}));
    server.host.inbound.push_back({Rule::Kind::allow,
                                   {server.management},
                                   {server.host.node->set},
                                   udp(1) | tcp(port),
                                   &joined.back(),
                                   joined.back().address});
  }
  const backends::Artefact artefact = server.world.build().front();
  EXPECT_TRUE(server.world.codes().empty());
  EXPECT_EQ(artefact.rules.size(), 4u);
  EXPECT_EQ(led_back(artefact, "hcipolc-prod-hci-fc.both-in", true),
            (Addresses{"hci/fc.both", "hci/fc.both"}));
}

}  // namespace
}  // namespace hcipol::test::nsg
