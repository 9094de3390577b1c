// Random device policies: the artefacts, read by another reader and by the kernel, against the
// flows.
#include <gtest/gtest.h>

#include "gateway_policy.h"
#include "iptables_reader.h"
#include "tests/support/gateway_kernel.h"

namespace hcipol::test::iptables {
namespace {

using gateway::Builder;
using gateway::Folder;
using gateway::Kind;
using gateway::ProbePacket;
using gateway::RandomPolicy;
using gateway::Resolved;
using gateway::tcp;
using gateway::udp;

/// What another reader of the same files makes of the probes.
void compare(RandomPolicy& policy, const std::string& rules4, const std::string& rules6,
             const SetReader& sets) {
  RulesReader v4, v6;
  v4.read(rules4);
  v6.read(rules6);
  const std::string base = "HCI-prod";
  for (const ProbePacket& probe : policy.probes()) {
    const bool ipv6 = probe.from.family == net::Family::ipv6;
    ASSERT_EQ((ipv6 ? v6 : v4).verdict(base, probe, sets), policy.expected(probe))
        << net::to_string(probe.from) << " -> " << net::to_string(probe.to) << " protocol "
        << probe.protocol << " detail " << probe.detail << "\n"
        << (ipv6 ? rules6 : rules4);
  }
}

SetReader sets_of(const RandomPolicy& policy, std::map<std::string, std::string>& files) {
  SetReader sets;
  sets.read(files["ipset"]);
  for (const Resolved& one : policy.resolved) {
    sets.resolve(files["dnsmasq.conf"], one.name, one.address);
  }
  return sets;
}

TEST(IptablesSemantics, RulesSayWhatTheFlowsSay) {
  for (unsigned seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(seed);
    RandomPolicy policy("iptables", seed, seed % 3 == 0 ? 200 : 0);
    auto files = policy.b.emit();
    ASSERT_FALSE(policy.b.reporter.has_errors()) << policy.b.reports().front();
    compare(policy, files["rules.v4"], files["rules.v6"], sets_of(policy, files));
    if (HasFatalFailure()) return;
  }
}

TEST(IptablesSemantics, OnlyTheServersTrafficIsTouched) {
  Builder b("iptables");
  b.servers({"10.0.0.1", "10.0.0.2"});
  const auto* proxy = b.set("proxy", {"10.8.0.8"});
  b.allow("hci/web", proxy, b.set("web", {"192.0.2.0/24"}), tcp(443));
  auto files = b.emit();
  RulesReader rules;
  rules.read(files["rules.v4"]);
  SetReader sets;
  sets.read(files["ipset"]);
  const auto verdict = [&](const char* from, const char* to, const std::string& state) {
    return rules.verdict(
        "HCI-prod", {*net::parse_address(from), *net::parse_address(to), 6, 443, state, 64}, sets);
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
  }
}

// Two sources that are every address only together are two rules of some addresses, neither of
// which decides on names that somebody has an unknown address of.
TEST(IptablesSemantics, AddressesThatAreEveryoneOnlyTogetherAreProved) {
  for (const char* backend : {"iptables", "nftables"}) {
    for (const char* rest : {"return", "drop"}) {
      SCOPED_TRACE(std::string(backend) + " " + rest);
      Builder b(backend);
      b.option("default", std::string(rest));
      b.servers({"10.0.1.1", "fd00::11"});
      auto* most = b.set("any except one", {});
      most->set.addresses = net::AddressSet::all() - Builder::addresses({"10.0.0.2"});
      const auto* few = b.set("ops", {"10.0.0.0/30"});
      const auto* web = b.set("web", {"b.example.com"});
      b.allow("hci/most", most, web, tcp(80) | udp(80));
      b.allow("hci/few", few, web, tcp(80) | udp(80));
      b.allow("hci/few back", web, few, tcp(80) | udp(80));
      EXPECT_FALSE(b.emit().empty());
    }
  }
}

TEST(IptablesSemantics, NeighbourDiscoverySurvivesOnABridgeAndNowhereElse) {
  Builder b("iptables");
  b.servers({"fd00::1", "fd00::2"});
  auto files = b.emit();
  RulesReader rules;
  rules.read(files["rules.v6"]);
  SetReader sets;
  sets.read(files["ipset"]);
  for (const unsigned type : {133U, 134U, 135U, 136U, 137U, 128U}) {
    ProbePacket packet{*net::parse_address("fd00::1"),
                       *net::parse_address("fd00::2"),
                       58,
                       type * 256,
                       "UNTRACKED",
                       255};
    EXPECT_EQ(rules.verdict("HCI-prod", packet, sets),
              type > 132 && type < 137 ? "ACCEPT" : "REJECT");
    packet.hop_limit = 254;
    EXPECT_EQ(rules.verdict("HCI-prod", packet, sets), "REJECT");
  }
  EXPECT_EQ(files["rules.v4"].find("hl-eq 255 -j"), std::string::npos);
}

/// Loads twice, saves, and gives what the kernel has.
const char* const load_script = R"(
PATH=$PATH:/usr/sbin:/sbin
unset XTABLES_LOCKFILE; export XTABLES_LOCKFILE=$PWD/lock
set -e
touch ipset
for round in 1 2; do
  ipset restore < ipset
  iptables-$V-restore --noflush --test < rules.v4
  ip6tables-$V-restore --noflush --test < rules.v6
  iptables-$V-restore -w 10 --noflush < rules.v4
  ip6tables-$V-restore -w 10 --noflush < rules.v6
  iptables-$V -w 10 -C FORWARD -j HCI-prod 2>/dev/null || iptables-$V -w 10 -I FORWARD 1 -j HCI-prod
done
ipset save | sort > saved.ipset
iptables-$V-save -t filter | grep -v '^:[A-Z]* ' > saved.v4
ip6tables-$V-save -t filter | grep -v '^:[A-Z]* ' > saved.v6
)";

class IptablesKernel : public ::testing::Test {
 protected:
  void SetUp() override {
    way_ = gateway::iptables_namespace();
    if (way_.empty()) GTEST_SKIP() << "no network namespace with iptables and ipset to be had";
  }

  void load(const Folder& folder, const std::string& variant) const {
    folder.write("load.sh", load_script);
    const auto [status, out] = folder.run("V=" + variant + " " + way_ + " sh load.sh");
    ASSERT_EQ(status, 0) << variant << ": " << out << folder.text("rules.v4");
  }

  /// The kernel's rules without the hook, as a restore file of their own.
  static std::string without_hook(const std::string& saved) {
    const std::string hook = "-A FORWARD -j HCI-prod\n";
    const auto at = saved.find(hook);
    if (at == std::string::npos) return saved;
    EXPECT_EQ(saved.find(hook, at + 1), std::string::npos) << "hooked twice";
    return saved.substr(0, at) + saved.substr(at + hook.size());
  }

  std::string way_;
};

/// Per chain the words that must come through the kernel unchanged.
std::multiset<std::string> essence(const std::string& text) {
  RulesReader reader;
  reader.read(text);
  std::multiset<std::string> out;
  for (const auto& [chain, lines] : reader.chains()) {
    for (const auto& words : lines) {
      std::string line = chain;
      for (std::size_t i = 0; i + 1 < words.size(); ++i) {
        const auto& word = words[i];
        if (word == "--comment" || word == "--nflog-prefix" || word == "-j" || word == "-g" ||
            word == "--match-set" || word == "--dports") {
          line += "|" + words[i + 1];
        }
      }
      out.insert(line);
    }
  }
  return out;
}

TEST_F(IptablesKernel, TheKernelHoldsWhatTheFlowsSay) {
  for (const std::string variant : {"nft", "legacy"}) {
    for (unsigned seed = 1000; seed < 1004; ++seed) {
      SCOPED_TRACE(variant + " " + std::to_string(seed));
      RandomPolicy policy("iptables", seed, seed % 3 == 0 ? 200 : 0);
      auto files = policy.b.emit();
      const Folder folder(files);
      load(folder, variant);
      if (HasFatalFailure()) return;
      const std::string v4 = without_hook(folder.text("saved.v4"));
      EXPECT_EQ(essence(v4), essence(files["rules.v4"]));
      EXPECT_EQ(essence(folder.text("saved.v6")), essence(files["rules.v6"]));
      // The sets as the kernel has them, learnt ones filled by the snippet.
      std::string saved = folder.text("saved.ipset");
      std::string creates, adds;
      std::istringstream lines(saved);
      for (std::string line; std::getline(lines, line);) {
        (line.rfind("create", 0) == 0 ? creates : adds) += line + "\n";
      }
      files["ipset"] = creates + adds;
      compare(policy, v4, folder.text("saved.v6"), sets_of(policy, files));
      if (HasFatalFailure()) return;
    }
  }
}

TEST_F(IptablesKernel, HostileTextStaysText) {
  Builder b("iptables");
  b.servers({"10.0.0.1", "10.0.0.3"});
  const std::string hostile =
      "\"\\\"\n-A FORWARD -j ACCEPT\r\n'`$(id)\xe2\x80\x9c\xe2\x80\x99 #> '@ --> ]]> \x01\x7f"
      "\xe2\x80\xaex\xe2\x81\xa6\xc2\x85\xe2\x80\xa8\xff \\";
  for (int i = 0; i < 3; ++i) {
    const auto kind =
        std::array{Kind::allow, Kind::deny, Kind::exception}[static_cast<std::size_t>(i)];
    const auto* from = b.set(hostile + std::to_string(i), {"10.3.0.0/24", "10.5.0.0/24"});
    auto& rule = b.rule("hci/x" + hostile, kind, {from}, {b.cluster.servers}, tcp(443));
    rule.title = rule.owner = rule.reason = rule.origin.source = hostile + hostile;
    rule.log = true;
  }
  b.cluster.name = hostile;
  b.option("chain", std::string("HCI-prod"));
  auto files = b.emit();
  for (const std::string variant : {"nft", "legacy"}) {
    const Folder folder(files);
    load(folder, variant);
    if (HasFatalFailure()) return;
    const std::string saved = without_hook(folder.text("saved.v4"));
    EXPECT_EQ(essence(saved), essence(files["rules.v4"]));
    EXPECT_EQ(saved.find("-A FORWARD -j ACCEPT\n"), std::string::npos);
  }
  for (const auto& [path, text] : files) {
    EXPECT_EQ(text.find("\xe2\x80\xae"), std::string::npos) << path;
    EXPECT_EQ(text.find('\r'), std::string::npos) << path;
  }
}

TEST_F(IptablesKernel, BigSetsAndManyPortsLoad) {
  Builder b("iptables");
  b.servers({"10.0.0.1", "10.0.0.3", "fd00::1"});
  std::vector<std::string> many;
  for (unsigned i = 0; i < 70000; ++i) {
    many.push_back(net::to_string(net::Address{net::Family::ipv4, 0, 0x14000000U + i * 2}));
  }
  const auto* big = b.set("big", many);
  net::ServiceSet ports;
  for (std::uint16_t port = 1; port < 2000; port = static_cast<std::uint16_t>(port + 3)) {
    ports = ports | tcp(port) | udp(port, static_cast<std::uint16_t>(port + 1));
  }
  b.allow("hci/big", b.cluster.servers, big, ports);
  const Folder folder(b.emit());
  load(folder, "nft");
  load(folder, "legacy");
}

TEST_F(IptablesKernel, DnsmasqAcceptsTheSnippet) {
  RandomPolicy policy("iptables", 7);
  policy.b.allow("hci/z", policy.b.cluster.servers, policy.b.set("names", {"*.a.example"}),
                 tcp(443));
  const auto files = policy.b.emit();
  const Folder folder(files);
  if (folder.run("PATH=$PATH:/usr/sbin; command -v dnsmasq").first != 0)
    GTEST_SKIP() << "no dnsmasq";
  const auto [status, out] = folder.run(
      "PATH=$PATH:/usr/sbin; cat dnsmasq.conf dnsmasq-cache.conf > all; dnsmasq --test -C "
      "$PWD/all");
  EXPECT_EQ(status, 0) << out;
}

}  // namespace
}  // namespace hcipol::test::iptables
