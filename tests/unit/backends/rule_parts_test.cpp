// What a part of a joined rule stands for, alone and in the artefacts that have such parts.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <random>
#include <sstream>

#include "azure_nsg_lab.h"
#include "backends/common/rule_parts.h"
#include "backends/palo_alto/palo_alto.h"
#include "flow/optimise.h"
#include "gateway_builder.h"
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
    whole = {Rule::Kind::allow,
             {servers, lab.management},
             {servers},
             udp(3343) | tcp(3343) | tcp(135, 136),
             &rule,
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

// What the device does not see of a joined rule is in none of its lines.
TEST(RuleParts, OfAFlowThatIsSeenInPartAreWhatIsSeen) {
  Joined j;
  j.whole.service = tcp(135, 136);
  const Rule& seen = j.parts.of(j.whole, {net::ServiceSet::any(), {}});
  EXPECT_EQ(seen.carries, (std::vector<const Rule*>{&j.rules[2], &j.rules[3]}));
  EXPECT_EQ(seen.address, "hci/fc.rpc");
}

TEST(RuleParts, OfAnEndAreWhatBeginsOrEndsThere) {
  Joined j;
  const net::ServiceSet all = all_of(net::protocol::tcp);
  EXPECT_EQ(&j.parts.of(j.whole, {all, {}, {j.lab.management}, {}}), &j.rules[3]);
  const Rule& of_servers = j.parts.of(j.whole, {all, {}, {j.lab.servers}, {j.lab.servers}});
  EXPECT_EQ(of_servers.carries, (std::vector<const Rule*>{&j.rules[1], &j.rules[2]}));
  // The other way, too, if the rule is about both.
  j.rules[3].both_ways = true;
  RuleParts again;
  EXPECT_EQ(&again.of(j.whole, {all, {}, {j.lab.servers}, {j.lab.management}}), &j.rules[3]);
}

/// What random rules are about: overlapping networks of both families, names below each other.
class RandomRules {
 public:
  explicit RandomRules(unsigned seed) : random_(seed) {
    for (unsigned i = 0; i < 12; ++i) {
      NamedSet& made = sets_.emplace_back();
      made.set = some_peers();
    }
    for (unsigned i = 0; i < 2 + pick(9); ++i) {
      Rule& made = rules.emplace_back();
      made.address = "main/f.r" + std::to_string(i);
      made.from.parts = some_sets();
      made.to.parts = some_sets();
      made.service = some_ports();
      made.both_ways = pick(3) == 0;
    }
    std::vector<const Rule*> all;
    for (const Rule& one : rules) all.push_back(&one);
    whole = flow::carrier(rules.front(), all);
  }

  FlowPart part() {
    FlowPart out{some_ports(), {}, some_sets(), some_sets()};
    if (pick(2) == 0) out.family = pick(2) == 0 ? net::Family::ipv4 : net::Family::ipv6;
    return out;
  }

  std::deque<Rule> rules;
  Rule whole;

 private:
  unsigned pick(unsigned limit) { return static_cast<unsigned>(random_() % limit); }

  net::PeerSet some_peers() {
    if (pick(12) == 0) return net::PeerSet::all();
    net::PeerSet out;
    for (unsigned i = 0; i < 1 + pick(3); ++i) {
      net::Address first{net::Family::ipv4, 0, 0x0a00'0000U + pick(40)};
      if (pick(3) == 0) first = {net::Family::ipv6, 1, pick(40)};
      net::Address last = first;
      last.low += pick(12);
      const char* const names[] = {"x.example", "a.x.example", "b.a.x.example", "ax.example"};
      const net::DomainSet name(net::DomainPattern{names[pick(4)], pick(2) == 0});
      switch (pick(4)) {
        case 0: out.names = out.names | name; break;
        case 1: out.names = out.names - name; break;
        default: out.addresses = out.addresses | net::AddressSet(net::AddressRange{first, last});
      }
    }
    return out;
  }
  std::vector<const NamedSet*> some_sets() {
    std::vector<const NamedSet*> out;
    for (unsigned i = 0; i < 1 + pick(2); ++i) out.push_back(&sets_[pick(12)]);
    return out;
  }
  net::ServiceSet some_ports() {
    const auto first = static_cast<std::uint16_t>(pick(6));
    return tcp(first, static_cast<std::uint16_t>(first + pick(3)));
  }

  std::mt19937 random_;
  std::deque<NamedSet> sets_;
};

/// Names have packets of both families.
bool meet(const policy::Peers& peers, const FlowPart::Sets& sets,
          const std::optional<net::Family>& family) {
  const net::PeerSet common = peers.set() & sema::union_of(sets);
  if (!common.names.empty()) return true;
  return family ? common.addresses.has(*family) : !common.addresses.empty();
}

TEST(RuleParts, AreWhatHasPacketsAsARuleByRuleLookSays) {
  std::size_t some = 0, one = 0;
  for (unsigned seed = 0; seed < 300; ++seed) {
    RandomRules random(seed);
    flow::Flow joined;
    joined.rule = &random.whole;
    joined.service = net::ServiceSet::any();
    RuleParts parts;
    for (unsigned i = 0; i < 20; ++i) {
      const FlowPart part = random.part();
      std::vector<const Rule*> expected;
      for (const Rule& rule : random.rules) {
        const bool there =
            meet(rule.from, part.from, part.family) && meet(rule.to, part.to, part.family);
        const bool back = rule.both_ways && meet(rule.to, part.from, part.family) &&
                          meet(rule.from, part.to, part.family);
        if (rule.service.intersects(part.service) && (there || back)) expected.push_back(&rule);
      }
      if (expected.empty()) continue;  // no part of any flow of theirs
      const Rule& found = parts.of(joined, part);
      const std::vector<const Rule*> carried =
          found.carries.empty() ? std::vector<const Rule*>{&found} : found.carries;
      ASSERT_EQ(carried, expected) << "seed " << seed;
      ++(expected.size() == 1 ? one : some);
    }
  }
  EXPECT_GT(some, 500u);
  EXPECT_GT(one, 500u);
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

/// A gateway whose rules the optimiser joins.
struct JoinedGateway {
  explicit JoinedGateway(const std::string& backend) : b(backend) {
    b.servers({"10.1.0.11", "10.1.0.12"});
  }

  Rule& add(const char* address, Kind kind, const NamedSet* from, const NamedSet* to,
            net::ServiceSet service, const char* title = "") {
    Rule& rule = b.rule(address, kind, {from}, {to}, std::move(service));
    rule.origin = {"hci", "fc", std::string(address).substr(7), "Failover Clustering", "", {}, {}};
    rule.title = title;
    return rule;
  }
  void allow(const char* address, const NamedSet* from, const NamedSet* to, net::ServiceSet service,
             const char* title = "") {
    add(address, Kind::allow, from, to, std::move(service), title);
  }
  void clustering(const NamedSet* from, const NamedSet* to) {
    allow("hci/fc.cluster", from, to, udp(3343), "Heartbeat");
    allow("hci/fc.join", from, to, tcp(3343), "Join");
    allow("hci/fc.rpc", from, to, tcp(135), "RPC");
  }
  /// The lines of the file that say something of rules, from the service or the address on.
  std::vector<std::string> lines(const std::string& file, std::size_t flows) {
    const std::vector<flow::Flow> before = b.device.flows;
    flow::Optimiser optimiser(before);
    b.device.flows = optimiser.fewer({}).flows;
    EXPECT_EQ(b.device.flows.size(), flows);
    std::istringstream text(b.emit().at(file));
    b.device.flows = before;
    std::vector<std::string> out;
    for (std::string line; std::getline(text, line);) {
      if (line.find("hci/fc.") != std::string::npos) out.push_back(line);
    }
    return out;
  }

  gateway::Builder b;
};

using Lines = std::vector<std::string>;

TEST(RuleParts, OfIptables) {
  JoinedGateway g("iptables");
  const NamedSet* management = g.b.set("management", {"10.0.5.0/28"});
  g.clustering(management, g.b.cluster.servers);
  const Lines lines = g.lines("rules.v4", 1);
  const std::string of_all = "-A HCI-prod.management -p ";
  const std::string to_servers =
      " -m set --match-set HCI-prod.servers-v4 dst -m comment --comment ";
  EXPECT_EQ(lines, (Lines{of_all + "tcp -m multiport --dports 135,3343" + to_servers +
                              "\"hci/fc.join: Join; RPC (with rpc)\" -j ACCEPT",
                          of_all + "udp -m multiport --dports 3343" + to_servers +
                              "\"hci/fc.cluster: Heartbeat\" -j ACCEPT"}));
  EXPECT_EQ(led_back(g.b.emission, "HCI-prod.management hci/fc.cluster"),
            Addresses{"hci/fc.cluster"});
  EXPECT_EQ(led_back(g.b.emission, "HCI-prod.management hci/fc.join"),
            (Addresses{"hci/fc.join", "hci/fc.rpc"}));
  EXPECT_EQ(g.b.emission.artefacts.front().rules.size(), 3u);
}

// One more rule of the feature is said by the lines that it has packets in, and by no others.
TEST(RuleParts, OfIptablesChangeWithTheirOwnRules) {
  JoinedGateway g("iptables");
  const NamedSet* management = g.b.set("management", {"10.0.5.0/28"});
  g.clustering(management, g.b.cluster.servers);
  const Lines before = g.lines("rules.v4", 1);
  g.allow("hci/fc.a-more", management, g.b.cluster.servers, udp(3344), "More");
  const Lines after = g.lines("rules.v4", 1);
  ASSERT_EQ(after.size(), before.size());
  EXPECT_EQ(after[0], before[0]);
  EXPECT_NE(after[1].find("hci/fc.a-more: More; Heartbeat (with cluster)"), std::string::npos)
      << after[1];
}

// Each source has a chain, and each endpoint a set of its own.
TEST(RuleParts, OfIptablesByPeers) {
  JoinedGateway g("iptables");
  const NamedSet* jump = g.b.set("jump", {"10.0.5.0/28"});
  const NamedSet* ops = g.b.set("ops", {"10.0.6.0/28", "fd00:6::/64"});
  const NamedSet* arm = g.b.set("arm", {"arm.example", "eu.arm.example"});
  const NamedSet* graph = g.b.set("graph", {"graph.example"});
  for (const NamedSet* from : {jump, ops}) {
    const std::string of = "hci/fc." + from->name;
    g.allow((of + "-arm").c_str(), from, arm, tcp(443));
    g.allow((of + "-graph").c_str(), from, graph, tcp(443));
  }
  for (const std::string& line : g.lines("rules.v4", 1)) {
    const std::string from = line.find("HCI-prod.jump ") != std::string::npos ? "jump" : "ops";
    const std::string to = line.find("arm-dns4") != std::string::npos ? "arm" : "graph";
    EXPECT_NE(line.find("\"hci/fc." + from + "-" + to + ": Failover Clustering\""),
              std::string::npos)
        << line;
  }
  EXPECT_EQ(led_back(g.b.emission, "HCI-prod.jump hci/fc.jump-arm"), Addresses{"hci/fc.jump-arm"});
  EXPECT_EQ(g.b.emission.artefacts.front().rules.size(), 4u);
}

TEST(RuleParts, OfLogs) {
  for (const char* backend : {"iptables", "nftables"}) {
    JoinedGateway g(backend);
    const NamedSet* management = g.b.set("management", {"10.0.5.0/28"});
    g.add("hci/fc.no-rdp", Kind::deny, management, g.b.cluster.servers, tcp(3389)).log = true;
    g.add("hci/fc.no-nfs", Kind::deny, management, g.b.cluster.servers, udp(2049)).log = true;
    const bool iptables = g.b.target.backend == "iptables";
    const Lines lines = g.lines(iptables ? "rules.v4" : "ruleset.nft", 1);
    ASSERT_EQ(lines.size(), 4u);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const std::string rule = i < 2 ? "hci/fc.no-rdp" : "hci/fc.no-nfs";
      EXPECT_NE(lines[i].find(rule + ": Failover Clustering\""), std::string::npos) << lines[i];
      const bool log = lines[i].find("\"HCI-prod denied " + rule + "\"") != std::string::npos;
      EXPECT_EQ(log, i % 2 == 0) << lines[i];
    }
  }
}

TEST(RuleParts, OfNftables) {
  JoinedGateway g("nftables");
  g.clustering(g.b.set("management", {"10.0.5.0/28"}), g.b.cluster.servers);
  EXPECT_EQ(g.lines("ruleset.nft", 1),
            (Lines{"    tcp dport { 135, 3343 } ip daddr @v4.servers accept comment "
                   "\"hci/fc.join: Join; RPC (with rpc)\"",
                   "    udp dport 3343 ip daddr @v4.servers accept comment "
                   "\"hci/fc.cluster: Heartbeat\""}));
  EXPECT_EQ(led_back(g.b.emission, "hci/fc.cluster"), Addresses{"hci/fc.cluster"});
  EXPECT_EQ(led_back(g.b.emission, "hci/fc.join"), (Addresses{"hci/fc.join", "hci/fc.rpc"}));
  EXPECT_EQ(g.b.emission.artefacts.front().rules.size(), 3u);
}

// An element of a map is one port, or one range of them, between two prefixes.
TEST(RuleParts, OfElements) {
  JoinedGateway g("nftables");
  const NamedSet* management = g.b.set("management", {"10.0.5.0/28"});
  const NamedSet* dc = g.b.set("dc", {"10.2.0.10"});
  g.clustering(management, dc);
  EXPECT_EQ(
      g.lines("ruleset.nft", 1),
      (Lines{"      10.2.0.10 . tcp . 135 comment \"hci/fc.rpc: RPC\" : accept,",
             "      10.2.0.10 . tcp . 3343 comment \"hci/fc.join: Join\" : accept,",
             "      10.2.0.10 . udp . 3343 comment \"hci/fc.cluster: Heartbeat\" : accept,"}));
  // With a range of ports it is one rule.
  g.allow("hci/fc.dynamic", management, dc, tcp(49152, 65535), "Dynamic");
  EXPECT_EQ(g.lines("ruleset.nft", 1),
            (Lines{"      10.2.0.10 . udp . 3343 comment \"hci/fc.cluster: Heartbeat\" : accept,",
                   "    tcp dport { 135, 3343, 49152-65535 } ip daddr 10.2.0.10 accept comment "
                   "\"hci/fc.dynamic: Dynamic; Join; RPC (with join and rpc)\""}));
}

// More prefixes than a map has elements for are one rule's list, and more than one rule's
// packets.
TEST(RuleParts, OfListsOfPrefixes) {
  JoinedGateway g("nftables");
  const NamedSet* management = g.b.set("management", {"10.0.5.0/28"});
  const NamedSet* near = g.b.set("near", {"10.2.0.10"});
  const NamedSet* far = g.b.set("far", {"10.3.0.10", "10.3.0.20"});
  g.b.option("log", false);
  g.add("hci/fc.near", Kind::deny, management, near, tcp(445)).log = true;
  g.add("hci/fc.other", Kind::deny, management, g.b.set("other", {"10.2.0.99"}), tcp(445)).log =
      true;
  g.add("hci/fc.far", Kind::deny, management, far, tcp(445)).log = true;
  const Lines lines = g.lines("ruleset.nft", 1);
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_NE(lines[1].find("{ 10.2.0.10, 10.2.0.99 } goto refused comment \"hci/fc.near: Failover "
                          "Clustering (with other)\""),
            std::string::npos)
      << lines[1];
  EXPECT_NE(lines[3].find("@v4.far goto refused comment \"hci/fc.far: Failover Clustering\""),
            std::string::npos)
      << lines[3];
}

}  // namespace
}  // namespace hcipol::test::nsg
