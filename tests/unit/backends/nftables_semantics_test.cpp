// Random device policies: what the kernel holds after a load, read as packets, against the flows.
#include <gtest/gtest.h>

#include "gateway_policy.h"
#include "nftables_reader.h"
#include "tests/support/gateway_kernel.h"

namespace hcipol::test::nftables {
namespace {

using gateway::Builder;
using gateway::Folder;
using gateway::Kind;
using gateway::RandomPolicy;
using gateway::Resolved;
using gateway::tcp;
using gateway::udp;
using policy::NamedSet;

const char* const head = "PATH=$PATH:/usr/sbin:/sbin\nset -e\n";

class NftablesKernel : public ::testing::Test {
 protected:
  void SetUp() override {
    way_ = gateway::nftables_namespace();
    if (way_.empty()) GTEST_SKIP() << "no network namespace with nft to be had";
  }

  /// Runs a script in a namespace of its own, in the folder.
  void run(const Folder& folder, const std::string& script) const {
    folder.write("script.sh", head + script);
    const auto [status, out] = folder.run(way_ + " sh script.sh");
    ASSERT_EQ(status, 0) << out << folder.text("ruleset.nft");
  }

  /// Checks, loads, learns, loads again: what the kernel holds then.
  RulesetReader load(const Folder& folder, const std::string& learnt,
                     const std::string& table = "HCI-prod") const {
    folder.write("learnt.nft", learnt);
    run(folder, R"sh(nft -c -f ruleset.nft
test -z "$(nft list ruleset)"
nft -f ruleset.nft
nft -f learnt.nft
nft -s list ruleset | sed 's/ expires [^,} ]*//' > once
nft -f ruleset.nft
nft -s list ruleset | sed 's/ expires [^,} ]*//' > twice
cmp once twice
nft -n -j list ruleset > ruleset.json
)sh");
    if (HasFatalFailure()) return RulesetReader(empty, "none");
    return RulesetReader(folder.text("ruleset.json"), table);
  }

  static constexpr const char* empty =
      R"({"nftables": [{"chain": {"family": "inet", "table": "none", "name": "x", "hook": "forward",
          "type": "filter", "policy": "accept", "prio": 0}}]})";

  std::string way_;
};

std::string learn_all(const RandomPolicy& policy, std::map<std::string, std::string>& files) {
  std::string out;
  for (const Resolved& one : policy.resolved) {
    out += gateway::learn(files["dnsmasq.conf"], one.name, one.address);
  }
  return out;
}

TEST_F(NftablesKernel, TheKernelHoldsWhatTheFlowsSay) {
  std::size_t asked = 0, accepted = 0;
  for (unsigned seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    RandomPolicy policy("nftables", seed, seed % 3 == 0 ? 200 : 0);
    auto files = policy.b.emit();
    ASSERT_FALSE(policy.b.reporter.has_errors()) << policy.b.reports().front();
    const Folder folder(files);
    const RulesetReader ruleset = load(folder, learn_all(policy, files));
    if (HasFatalFailure()) return;
    for (const ProbePacket& probe : policy.probes()) {
      const std::string expected = policy.expected(probe);
      ASSERT_EQ(ruleset.verdict(probe), expected)
          << net::to_string(probe.from) << " -> " << net::to_string(probe.to) << " protocol "
          << probe.protocol << " detail " << probe.detail << "\n"
          << files["ruleset.nft"];
      ++asked;
      accepted += expected == "ACCEPT" ? 1U : 0U;
    }
  }
  EXPECT_GT(accepted, asked / 10);
  EXPECT_LT(accepted, asked - asked / 10);
}

TEST_F(NftablesKernel, OtherTablesAreLeftAloneAndNothingIsLeftBehind) {
  RandomPolicy policy("nftables", 5);
  policy.b.allow("hci/z", policy.b.cluster.servers, policy.b.set("z", {"z.example"}), tcp(443));
  const Folder folder(policy.b.emit());
  folder.write(
      "others.nft",
      "table ip HCI-prod { chain forward { type filter hook forward priority 0; policy drop; }\n}\n"
      "table inet filter {\n  set v4.servers { type ipv4_addr; elements = { 192.0.2.1 } }\n"
      "  chain forward { type filter hook forward priority 0; policy drop; }\n}\n");
  run(folder,
      "nft -f others.nft\nnft list ruleset > before\nnft -f ruleset.nft\n"
      "nft list table ip HCI-prod > during\nnft list table inet filter >> during\n"
      "nft list table ip HCI-prod > expected\nnft list table inet filter >> expected\n"
      "nft -f ruleset.nft\nnft delete table inet HCI-prod\nnft list ruleset > after\n"
      "cmp before after\ncmp during expected\n");
}

TEST_F(NftablesKernel, AnotherPolicyReplacesTheRulesAndKeepsWhatWasLearnt) {
  Builder b("nftables");
  b.servers({"10.0.0.1", "10.0.0.2"});
  const auto* portal = b.set("hci/portal", {"portal.example"});
  b.allow("hci/a", b.cluster.servers, portal, tcp(443));
  b.allow("hci/b", b.cluster.servers, b.set("x", {"198.51.100.1"}), tcp(80));
  b.allow("hci/c", b.set("m", {"10.9.0.0/24", "10.9.9.0/24"}), b.cluster.servers, tcp(22));
  const std::string before = b.emit().at("ruleset.nft");
  b.device.flows.erase(b.device.flows.begin() + 1, b.device.flows.end());
  const std::string after = b.emit().at("ruleset.nft");
  ASSERT_NE(before, after);
  const Folder folder({{"before.nft", before}, {"ruleset.nft", after}});
  run(folder,
      "nft -f before.nft\nnft add element inet HCI-prod dns4.hci-portal '{ 203.0.113.1 }'\n"
      "nft -f ruleset.nft\nnft -n -j list ruleset > ruleset.json\n"
      // In one step without what is left behind, as the head of the file says.
      "(echo 'table inet HCI-prod'; echo 'delete table inet HCI-prod'; cat ruleset.nft) | nft -f "
      "-\n"
      "nft list ruleset > clean\nnft delete table inet HCI-prod\nnft -f ruleset.nft\n"
      "nft list ruleset > fresh\ncmp clean fresh\n");
  if (HasFatalFailure()) return;
  const RulesetReader ruleset(folder.text("ruleset.json"), "HCI-prod");
  const auto verdict = [&](const char* from, const char* to, unsigned port) {
    return ruleset.verdict(
        {*net::parse_address(from), *net::parse_address(to), 6, port, "NEW", 64});
  };
  EXPECT_EQ(verdict("10.0.0.1", "203.0.113.1", 443), "ACCEPT") << "learnt before";
  EXPECT_EQ(verdict("10.0.0.1", "203.0.113.2", 443), "REJECT");
  EXPECT_EQ(verdict("10.0.0.1", "198.51.100.1", 80), "REJECT") << "no longer allowed";
  EXPECT_EQ(verdict("10.9.0.1", "10.0.0.1", 22), "REJECT") << "no longer allowed";
}

TEST_F(NftablesKernel, OnlyTheServersTrafficIsTouched) {
  Builder b("nftables");
  b.servers({"10.0.0.1", "10.0.0.2"});
  b.allow("hci/web", b.set("proxy", {"10.8.0.8"}), b.set("web", {"192.0.2.0/24"}), tcp(443));
  const Folder folder(b.emit());
  const RulesetReader ruleset = load(folder, "");
  if (HasFatalFailure()) return;
  const auto verdict = [&](const char* from, const char* to, const std::string& state) {
    return ruleset.verdict({*net::parse_address(from), *net::parse_address(to), 6, 443, state, 64});
  };
  EXPECT_EQ(verdict("10.0.0.1", "192.0.2.1", "NEW"), "REJECT");
  EXPECT_EQ(verdict("10.0.0.1", "192.0.2.1", "ESTABLISHED"), "ACCEPT");
  EXPECT_EQ(verdict("192.0.2.1", "10.0.0.1", "RELATED"), "ACCEPT");
  EXPECT_EQ(verdict("192.0.2.1", "10.0.0.1", "INVALID"), "DROP");
  EXPECT_EQ(verdict("10.8.0.8", "192.0.2.1", "NEW"), "ACCEPT");
  EXPECT_EQ(verdict("10.8.0.8", "192.0.3.1", "NEW"), "");
  EXPECT_EQ(verdict("192.0.2.1", "10.8.0.8", "ESTABLISHED"), "ACCEPT");
  EXPECT_EQ(verdict("10.8.0.8", "192.0.2.1", "INVALID"), "");
  for (const char* state : {"NEW", "ESTABLISHED", "INVALID"}) {
    EXPECT_EQ(verdict("172.16.0.1", "192.0.2.1", state), "") << "not ours";
    EXPECT_EQ(verdict("fd00::1", "fd00::2", state), "") << "not ours";
  }
}

TEST_F(NftablesKernel, NeighbourDiscoverySurvivesOnABridgeAndNowhereElse) {
  Builder b("nftables");
  b.servers({"fd00::1", "fd00::2", "10.0.0.1"});
  const Folder folder(b.emit());
  const RulesetReader ruleset = load(folder, "");
  if (HasFatalFailure()) return;
  for (const unsigned type : {132U, 133U, 134U, 135U, 136U, 137U, 128U}) {
    ProbePacket packet{*net::parse_address("fd00::1"),
                       *net::parse_address("fd00::2"),
                       58,
                       type * 256,
                       "UNTRACKED",
                       255};
    EXPECT_EQ(ruleset.verdict(packet), type > 132 && type < 137 ? "ACCEPT" : "REJECT");
    packet.hop_limit = 254;
    EXPECT_EQ(ruleset.verdict(packet), "REJECT");
  }
}

TEST_F(NftablesKernel, HostileTextStaysText) {
  Builder b("nftables");
  b.servers({"10.0.0.1", "10.0.0.3"});
  const std::string hostile =
      "\"\\\"\n}}\nflush ruleset\r\n'`$(id)$x\xe2\x80\x9c\xe2\x80\x99 #> '@ ; --> ]]> \x01\x7f"
      "\xe2\x80\xaex\xe2\x81\xa6\xc2\x85\xe2\x80\xa8\xff \\";
  for (const bool log : {false, true}) {
    for (std::size_t i = 0; i < 3; ++i) {
      const auto kind = std::array{Kind::allow, Kind::deny, Kind::exception}[i];
      const auto* from = b.set(hostile + std::to_string(i), {"10.3.0.0/24", "10.5.0.0/24"});
      const auto* to = b.set(hostile, {"192.0.2." + std::to_string(i)});
      auto& rule = b.rule((log ? "hci/x$x" : "hci/y$x") + hostile, kind, {from},
                          {b.cluster.servers, to}, tcp(443));
      rule.title = rule.owner = rule.reason = rule.origin.source = hostile + hostile;
      rule.log = log;
    }
  }
  b.cluster.name = hostile;
  b.option("table", std::string("HCI-prod"));
  auto files = b.emit();
  const Folder folder(files);
  const RulesetReader ruleset = load(folder, "");
  if (HasFatalFailure()) return;
  std::size_t comments = 0, prefixes = 0;
  for (const auto& [name, chain] : ruleset.chains()) {
    for (const json& rule : chain) {
      comments += rule.contains("comment") ? 1U : 0U;
      for (const json& statement : rule.at("expr")) {
        if (statement.contains("log") && statement.at("log").at("prefix") != "HCI-prod denied") {
          ++prefixes;
        }
      }
    }
  }
  EXPECT_GE(comments, 6U);
  EXPECT_GE(prefixes, 3U);
  for (const auto& [path, text] : files) {
    EXPECT_EQ(text.find("\xe2\x80\xae"), std::string::npos) << path;
    EXPECT_EQ(text.find('\r'), std::string::npos) << path;
    EXPECT_EQ(text.find("\nflush ruleset"), std::string::npos) << path;
  }
}

TEST_F(NftablesKernel, LimitsOfCommentsPrefixesAndNamesHold) {
  Builder b("nftables");
  b.servers({"10.0.0.1", "10.0.0.3"});
  std::string umlauts = "x";
  for (int i = 0; i < 100; ++i) umlauts += "\xc3\xa4";
  for (const std::string& text : {std::string(300, 'a'), umlauts, "x" + umlauts}) {
    const auto* from = b.set("from " + text, {"10.3.0.0/24", "10.5.0.0/24"});
    auto& logged = b.allow("hci/l" + text, from, b.cluster.servers, tcp(1));
    logged.log = true;
    b.allow("hci/p" + text, from, b.set("to " + text, {"192.0.2.7"}), tcp(2)).title = text;
    b.allow("hci/n" + text, b.cluster.servers, b.set("names " + text, {"a.example"}), tcp(3));
  }
  b.option("table", std::string("H" + std::string(31, 'x')));
  const auto files = b.emit();
  ASSERT_FALSE(b.reporter.has_errors());
  load(Folder(files), "", "H" + std::string(31, 'x'));
}

/// Every name that the option takes is one that nft takes, the words of its language included.
TEST_F(NftablesKernel, TablesOfAllAcceptedNamesLoad) {
  for (const char* name : {"X", "a_", "HCI-prod", "ip_", "Ip", "inet_x", "tableX", "Set-1"}) {
    Builder b("nftables");
    b.servers({"10.0.0.1", "10.0.0.3"});
    b.option("table", std::string(name));
    b.allow("hci/n", b.cluster.servers, b.set("set", {"a.example"}), tcp(3));
    auto files = b.emit();
    ASSERT_FALSE(b.reporter.has_errors()) << name;
    load(Folder(files), gateway::learn(files["dnsmasq.conf"], "a.example", "192.0.2.1"), name);
    if (HasFatalFailure()) return;
  }
}

/// Sets called like words of nft, like numbers, and like what the backend names itself.
TEST_F(NftablesKernel, NamesOfSetsAreAnyText) {
  Builder b("nftables");
  b.servers({"10.0.0.1", "10.0.0.2"});
  const std::vector<std::string> names{"ip",     "10.0.7.0/27", "others", "servers.to4",
                                       "denied", "from4-32",    "pairs4", "\xc3\xa4"};
  std::uint16_t port = 1;
  for (const std::string& name : names) {
    const std::string third = std::to_string(port);
    b.allow("hci/a" + third, b.set(name, {"10.1." + third + ".0/24", "10.1." + third + "0.9"}),
            b.cluster.servers, tcp(port));
    b.allow("hci/b" + third, b.cluster.servers,
            b.set(name, {"10.2." + third + ".1", third + ".example"}), tcp(port));
    ++port;
  }
  b.allow("hci/c", b.set("p", {"10.8.0.8"}), b.set("q", {"10.8.0.9"}), tcp(9));
  const auto files = b.emit();
  ASSERT_FALSE(b.reporter.has_errors()) << b.reports().front();
  const RulesetReader ruleset = load(Folder(files), "");
  if (HasFatalFailure()) return;
  for (std::uint16_t i = 1; i < port; ++i) {
    const std::string third = std::to_string(i);
    const auto verdict = [&](const std::string& from, const std::string& to, unsigned asked) {
      return ruleset.verdict(
          {*net::parse_address(from), *net::parse_address(to), 6, asked, "NEW", 64});
    };
    EXPECT_EQ(verdict("10.1." + third + ".7", "10.0.0.2", i), "ACCEPT");
    EXPECT_EQ(verdict("10.0.0.1", "10.2." + third + ".1", i), "ACCEPT");
    EXPECT_EQ(verdict("10.1." + third + ".7", "10.0.0.2", i + 1U), "REJECT");
  }
}

/// However many rules there are, a packet meets few: what is not in a map would cost 40 ns each.
TEST_F(NftablesKernel, ThePathStaysShort) {
  Builder b("nftables");
  b.servers({"10.0.0.1", "10.0.0.2", "fd00::1"});
  for (unsigned i = 0; i < 1000; ++i) {
    const std::string n = std::to_string(i);
    const std::string tail = std::to_string(i / 250) + "." + std::to_string(i % 250 + 1);
    const auto* one = b.set("one" + n, {"192.168." + tail});
    const auto port = static_cast<std::uint16_t>(i + 1);
    switch (i % 4) {
      case 0: b.allow("hci/r" + n, b.cluster.servers, one, tcp(port)); break;
      case 1: b.allow("hci/r" + n, one, b.cluster.servers, tcp(port, 65535)); break;
      case 2: b.allow("hci/r" + n, one, b.set("to" + n, {"172.16." + tail}), udp(port)); break;
      default:
        b.rule("hci/r" + n, Kind::deny, {b.cluster.servers}, {b.set("net" + n, {"172.20." + tail})},
               tcp(port));
    }
  }
  const Folder folder(b.emit());
  const RulesetReader ruleset = load(folder, "");
  if (HasFatalFailure()) return;
  const auto ask = [&](const std::string& from, const std::string& to, unsigned protocol,
                       unsigned port) {
    const ProbePacket packet{
        *net::parse_address(from), *net::parse_address(to), protocol, port, "NEW", 64};
    EXPECT_LE(ruleset.steps(packet), 20U) << from << " -> " << to;
    return ruleset.verdict(packet);
  };
  EXPECT_EQ(ask("10.0.0.1", "192.168.3.51", 6, 801), "ACCEPT");
  EXPECT_EQ(ask("192.168.3.52", "10.0.0.2", 6, 802), "ACCEPT");
  EXPECT_EQ(ask("192.168.3.53", "172.16.3.53", 17, 803), "ACCEPT");
  EXPECT_EQ(ask("10.0.0.1", "172.20.3.54", 6, 804), "REJECT");
  EXPECT_EQ(ask("10.0.0.1", "192.168.3.51", 6, 802), "REJECT");
  EXPECT_EQ(ask("192.168.3.53", "172.16.3.53", 6, 803), "");
}

TEST_F(NftablesKernel, BigSetsAndManyPortsLoad) {
  Builder b("nftables");
  b.servers({"10.0.0.1", "10.0.0.3", "fd00::1"});
  std::vector<std::string> many;
  for (unsigned i = 0; i < 70000; ++i) {
    many.push_back(net::to_string(net::Address{net::Family::ipv4, 0, 0x14000000U + i * 2}));
  }
  net::ServiceSet ports;
  for (std::uint16_t port = 1; port < 2000; port = static_cast<std::uint16_t>(port + 3)) {
    ports = ports | tcp(port) | udp(port, static_cast<std::uint16_t>(port + 1));
  }
  b.allow("hci/big", b.cluster.servers, b.set("big", many), ports);
  const Folder folder(b.emit());
  run(folder, "nft -f ruleset.nft\nnft -f ruleset.nft\n");
}

}  // namespace
}  // namespace hcipol::test::nftables
