// Random device policies: the artefacts, read by another reader and by the kernel, against the
// flows.
#include <gtest/gtest.h>

#include <random>

#include "iptables_builder.h"
#include "iptables_kernel.h"
#include "iptables_reader.h"

namespace hcipol::test::iptables {
namespace {

struct Resolved {
  std::string name, address;
};

/// A policy of random flows between overlapping sets, with what its names resolve to.
class RandomPolicy {
 public:
  explicit RandomPolicy(unsigned seed) : random_(seed) {
    b.servers({"10.0.0.1", "10.0.0.2", "10.0.0.9", "10.1.0.0/30", "fd00::1", "fd00::2"});
    pool_ = {b.cluster.servers,
             b.any(),
             b.set("node1", {"10.0.0.1", "fd00::1"}),
             b.set("management", {"10.9.0.0/24", "10.9.2.4/30", "fd09::/64"}),
             b.set("hci/portal", {"portal.example", "*.cdn.example"}),
             b.set("a.cdn", {"a.cdn.example", "192.0.2.7"}),
             b.set("proxy", {"10.8.0.8"}),
             b.set("two", {"198.51.100.0/31", "10.0.0.2", "2001:db8::/127", "2001:db8::8"}),
             b.set("v6 only", {"fd00::2", "fd09::5"}),
             b.set("wide", {"10.0.0.0/9", "fc00::/8"}),
             b.set("a role whose name is longer than any chain may be", {"10.9.0.7", "10.9.0.9"})};
    const std::vector<std::string> rests{"reject", "drop", "return"};
    rest = rests[pick(3)];
    b.option("default", rest);
    const std::size_t count = 1 + pick(12);
    for (std::size_t i = 0; i < count; ++i) add(i);
    resolved = {{"portal.example", "203.0.113.1"},   {"x.cdn.example", "203.0.113.2"},
                {"a.cdn.example", "203.0.113.3"},    {"b.a.cdn.example", "203.0.113.4"},
                {"portal.example", "2001:db8:1::1"}, {"a.cdn.example", "2001:db8:1::3"},
                {"cdn.example.org", "203.0.113.9"}};
  }

  /// Whether the device has `packet` in the union: by address, or by a name that led there. dnsmasq
  /// widens a name to all below it, which the rules are warned about.
  bool has(const std::vector<const NamedSet*>& sets, const net::Address& address) const {
    for (const NamedSet* set : sets) {
      if (set->set.addresses.contains(address)) return true;
      for (const Resolved& one : resolved) {
        if (net::parse_address(one.address) != address || set->set.names.others()) continue;
        for (const auto& pattern : set->set.names.patterns()) {
          if (one.name == pattern.name || one.name.ends_with("." + pattern.name)) return true;
        }
      }
    }
    return false;
  }

  std::string expected(const ProbePacket& packet) const {
    const bool v6 = packet.from.family == net::Family::ipv6;
    const std::string denied = rest == "drop" ? "DROP" : "REJECT";
    const auto number = static_cast<std::uint8_t>(packet.protocol);
    const std::uint32_t point = packet.protocol * 65536 + packet.detail;
    for (const flow::Flow& flow : b.device.flows) {
      // Of "any" and "any but" the other family's ICMP is a part; by itself nobody asks for it.
      const bool other_icmp = number == (v6 ? 1 : 58) && !flow.service.contains_whole(2);
      const auto ranges = flow.service.ranges();
      const bool service = std::any_of(ranges.begin(), ranges.end(), [&](const auto& range) {
        return range.first <= point && point <= range.last;
      });
      if (!service || other_icmp || !has(flow.from, packet.from) || !has(flow.to, packet.to))
        continue;
      return flow.kind == Kind::deny ? denied : "ACCEPT";
    }
    const auto& servers = b.cluster.servers->set.addresses;
    if (!servers.contains(packet.from) && !servers.contains(packet.to)) return "";
    return rest == "return" ? "" : denied;
  }

  /// Ends of ranges and their neighbours, for both families.
  std::vector<ProbePacket> probes() {
    std::map<net::Family, std::vector<net::Address>> points;
    for (const NamedSet* set : pool_) {
      for (const auto& range : set->set.addresses.ranges()) {
        for (const auto& end : {std::optional(range.first), std::optional(range.last),
                                net::previous(range.first), net::next(range.last)}) {
          if (end) points[end->family].push_back(*end);
        }
      }
    }
    for (const Resolved& one : resolved) {
      const auto address = net::parse_address(one.address).value();
      points[address.family].push_back(address);
    }
    std::vector<std::pair<unsigned, unsigned>> details{
        {47, 0}, {1, 0x0800}, {58, 0x8000}, {132, 5}};
    for (const flow::Flow& flow : b.device.flows) {
      for (const auto& range : flow.service.ranges()) {
        for (const std::uint32_t at : {range.first, range.last, range.first - 1, range.last + 1}) {
          details.emplace_back(at / 65536 % 256, at % 65536);
        }
      }
    }
    std::vector<ProbePacket> out;
    for (unsigned i = 0; i < 400; ++i) {
      const auto& some = points[pick(3) == 0 ? net::Family::ipv6 : net::Family::ipv4];
      const auto& [protocol, detail] = details[pick(details.size())];
      if (protocol == 0) continue;
      out.push_back(
          {some[pick(some.size())], some[pick(some.size())], protocol, detail, "NEW", 64});
    }
    return out;
  }

  Builder b;
  std::string rest;
  std::vector<Resolved> resolved;

 private:
  std::size_t pick(std::size_t n) { return random_() % n; }

  net::ServiceSet service() {
    net::ServiceSet ports;
    switch (pick(7)) {
      case 0: return net::ServiceSet::any();
      case 1: return net::ServiceSet::icmp_type(1, 8) | net::ServiceSet::icmp_type(58, 128);
      case 2: return net::ServiceSet::whole(47) | tcp(0, 1023);
      case 3: return net::ServiceSet::any() - tcp(100, 200);
      case 4:
        return net::ServiceSet::of({{65536 + 3 * 256 + 4, 65536 + 5 * 256 + 1}}) | udp(1, 65534);
      default: break;
    }
    const std::size_t count = 1 + pick(40);
    for (std::size_t i = 0; i < count; ++i) {
      const auto first = static_cast<std::uint16_t>(pick(60000) + 1);
      const auto last = static_cast<std::uint16_t>(first + pick(2) * pick(50));
      ports = ports | (pick(3) == 0 ? udp(first, last) : tcp(first, last));
    }
    return ports;
  }

  void add(std::size_t i) {
    const std::array kinds{Kind::exception, Kind::deny, Kind::allow, Kind::allow, Kind::allow};
    std::vector<const NamedSet*> from{pool_[pick(pool_.size())]};
    std::vector<const NamedSet*> to{pool_[pick(pool_.size())]};
    if (pick(2) == 0) from.push_back(pool_[pick(pool_.size())]);
    if (pick(2) == 0) to.push_back(pool_[pick(pool_.size())]);
    auto& rule =
        b.rule("hci/rule-" + std::to_string(i), kinds[pick(kinds.size())], from, to, service());
    rule.log = pick(4) == 0;
    rule.title = "a \"title\" with \\ and\nlines";
  }

  std::mt19937 random_;
  std::vector<const NamedSet*> pool_;
};

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
    RandomPolicy policy(seed);
    auto files = policy.b.emit();
    ASSERT_FALSE(policy.b.reporter.has_errors()) << policy.b.reports().front();
    compare(policy, files["rules.v4"], files["rules.v6"], sets_of(policy, files));
    if (HasFatalFailure()) return;
  }
}

TEST(IptablesSemantics, OnlyTheServersTrafficIsTouched) {
  Builder b;
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

TEST(IptablesSemantics, NeighbourDiscoverySurvivesOnABridgeAndNowhereElse) {
  Builder b;
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
    way_ = namespace_command();
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
      RandomPolicy policy(seed);
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
  Builder b;
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
  Builder b;
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
  RandomPolicy policy(7);
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
