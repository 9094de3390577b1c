// The limits and traps of iptables, ipset, nftables and dnsmasq: each with a policy that runs into
// it. tests/unit/backends/gateway_traps_list_test.cpp lists those that other files have.
#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <sstream>

#include "gateway_builder.h"
#include "iptables_reader.h"
#include "tests/support/gateway_kernel.h"

namespace hcipol::test::gateway {
namespace {

using Texts = std::map<std::string, std::string>;

/// What loads the files, and for iptables which of both variants.
struct Tools {
  const char* name;
  const char* backend;
  const char* variant;
};

class GatewayTrap : public testing::TestWithParam<Tools> {
 protected:
  void SetUp() override {
    way_ = is_iptables() ? iptables_namespace() : nftables_namespace();
    if (way_.empty()) GTEST_SKIP() << "no network namespace with the device's tools to be had";
  }
  static bool is_iptables() { return GetParam().backend == std::string("iptables"); }

  /// Tools of one variant come first on the path; everything apply.sh writes lies in the folder.
  static std::string head() {
    const std::string variant = GetParam().variant;
    std::string out =
        "set -e\nPATH=$PATH:/usr/sbin:/sbin\nmkdir -p root/etc/dnsmasq.d tools\n"
        "export HCIPOLC_ROOT=$PWD/root XTABLES_LOCKFILE=$PWD/lock\n";
    if (!variant.empty()) {
      out +=
          "for t in iptables ip6tables; do for p in '' -save -restore; do\n"
          "ln -sf \"$(command -v $t-" +
          variant + "$p)\" tools/$t$p\ndone; done\nPATH=$PWD/tools:$PATH\n";
    }
    return out + "export PATH\n";
  }
  /// Of a script in a namespace of its own, beside the files.
  std::pair<int, std::string> run(const Folder& folder, const std::string& script) const {
    folder.write("script.sh", head() + script);
    return folder.run(way_ + " sh script.sh");
  }
  /// What the kernel says that it holds after the files are loaded.
  std::string loaded(const Builder& b, const Texts& files,
                     const std::string& commands = "check 'apply --yes' status") const {
    EXPECT_FALSE(b.reporter.has_errors()) << b.reports().front();
    const Folder folder(files);
    const auto [status, out] =
        run(folder, "for c in " + commands + "; do sh apply.sh $c; done\n" +
                        (is_iptables() ? "iptables-save >held\nip6tables-save >>held\n"
                                       : "nft list ruleset >held\n"));
    EXPECT_EQ(status, 0) << out.substr(0, 4000);
    return folder.text("held");
  }

 private:
  std::string way_;
};

std::set<std::string> comments_and_prefixes(const std::string& text) {
  static const std::regex quoted(R"re((?:comment|prefix) ("(?:[^"\\]|\\.)*"))re");
  std::set<std::string> out;
  for (std::sregex_iterator at(text.begin(), text.end(), quoted), end; at != end; ++at) {
    out.insert((*at)[1]);
  }
  return out;
}

// A comment over 255 bytes and a prefix over 63 are cut in silence; nft refuses them over 128, 127.
TEST_P(GatewayTrap, NoTextIsCutByTheKernel) {
  Builder b(GetParam().backend);
  b.servers({"10.0.0.1", "10.0.0.3"});
  std::string umlauts = "x ";
  for (int i = 0; i < 200; ++i) umlauts += "\xc3\xa4";
  std::uint16_t port = 0;
  for (const std::string& text : {std::string(400, 'a') + " b", umlauts, " x" + umlauts}) {
    auto& rule = b.allow("a rule " + text, b.set("from " + text, {"10.3.0.0/24", "10.5.0.0/24"}),
                         b.cluster.servers, tcp(++port));
    rule.title = rule.origin.source = text;
    rule.log = true;
  }
  const Texts files = b.emit();
  std::string written;
  for (const char* file : {"rules.v4", "rules.v6", "ruleset.nft"}) {
    const auto found = files.find(file);
    if (found != files.end()) written += found->second;
  }
  const auto texts = comments_and_prefixes(written);
  EXPECT_GE(texts.size(), 7U);
  EXPECT_EQ(comments_and_prefixes(loaded(b, files)), texts);
}

// ipset takes no /0 for hash:net; nft no interval that meets another.
TEST_P(GatewayTrap, SetsOfEveryAddressAndOfTheFirstAndLastLoad) {
  Builder b(GetParam().backend);
  b.servers({"10.0.0.1", "10.0.0.3", "fd00::1"});
  const auto* halves = b.set("halves", {"0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1"});
  const auto* ends = b.set(
      "ends", {"0.0.0.0", "255.255.255.255", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"});
  const auto* all_but = b.set("all but", {"0.0.0.0/2", "64.0.0.0/3", "128.0.0.0/1"});
  b.allow("m/a.halves", halves, b.cluster.servers, tcp(1));
  b.allow("m/a.ends", ends, b.cluster.servers, tcp(2));
  b.allow("m/a.to-ends", b.cluster.servers, ends, tcp(3));
  b.allow("m/a.all-but", all_but, halves, tcp(4));
  loaded(b, b.emit());
}

// More than 2,000 sets in one namespace.
TEST_P(GatewayTrap, ManySetsLoad) {
  Builder b(GetParam().backend);
  b.servers({"10.0.0.1", "10.0.0.3"});
  std::vector<const policy::NamedSet*> sets;
  for (unsigned i = 0; i < 2100; ++i) {
    const std::string third = std::to_string(i / 250) + "." + std::to_string(i % 250 + 1);
    sets.push_back(b.set("pair " + std::to_string(i), {"172.16." + third, "172.20." + third}));
  }
  b.rule("m/pairs", Kind::allow, {b.cluster.servers}, sets, udp(53));
  const Texts files = b.emit();
  EXPECT_NE(files.at(is_iptables() ? "ipset" : "ruleset.nft").find("pair-2099"), std::string::npos);
  // Each command would load them once more; this one does it twice, and reads back what is there.
  loaded(b, files, "'apply --yes'");
}

// nft: "conflicting intervals" and "File exists". iptables: no more than 15 chains below a hook.
TEST_P(GatewayTrap, PrefixesWithinPrefixesLoad) {
  Builder b(GetParam().backend);
  b.servers({"10.0.0.1", "10.0.0.2"});
  std::vector<std::string> nested;
  for (unsigned length = 8; length <= 32; ++length) {
    const std::string n = std::to_string(length);
    const net::Address last = net::parse_address("10.255.255.255").value();
    nested.push_back(net::to_string(net::Cidr{net::first_of(last, length), length}));
    const auto* one = b.set("at " + n, {nested.back()});
    b.allow("m/a." + n, one, b.cluster.servers, tcp(443));
    b.allow("m/b." + n, b.cluster.servers, one, tcp(443));
    b.rule("m/c." + n, Kind::deny, {one}, {one}, udp(static_cast<std::uint16_t>(length)));
  }
  b.allow("m/d", b.set("all of them", nested), b.cluster.servers, tcp(444));
  loaded(b, b.emit());
}

// 15 slots of multiport, of which a range takes two; lists of ports in nft.
TEST_P(GatewayTrap, PortsOfAnyNumberLoad) {
  Builder b(GetParam().backend);
  b.servers({"10.0.0.1", "10.0.0.3"});
  net::ServiceSet ports = tcp(65535);
  for (std::uint16_t port = 1; port < 400; port = static_cast<std::uint16_t>(port + 5)) {
    ports = ports | tcp(port) |
            tcp(static_cast<std::uint16_t>(port + 2), static_cast<std::uint16_t>(port + 3)) |
            udp(port);
  }
  b.allow("m/a", b.set("one", {"10.1.0.1"}), b.cluster.servers, ports);
  b.allow("m/b", b.cluster.servers, b.set("two", {"10.1.0.1", "10.1.0.3"}), ports);
  loaded(b, b.emit());
}

// The tools differ in what they take at the end of a file, and take no CRLF and no BOM.
TEST_P(GatewayTrap, FilesAreLinesThatEnd) {
  Builder b(GetParam().backend);
  b.servers({"10.0.0.1", "10.0.0.3"});
  auto& rule = b.allow("m/a\r\nb", b.set("one\r\ntwo", {"10.1.0.1", "10.1.0.3", "www.example.com"}),
                       b.cluster.servers, tcp(1));
  rule.title = rule.origin.source = "\xef\xbb\xbfone\r\ntwo";
  for (const auto& [path, text] : b.emit()) {
    EXPECT_TRUE(text.ends_with('\n')) << path;
    EXPECT_FALSE(text.starts_with('\xef')) << path;
    EXPECT_EQ(text.find('\r'), std::string::npos) << path;
    if (path.starts_with("rules.")) {
      EXPECT_TRUE(text.ends_with("\nCOMMIT\n")) << path;
    }
  }
}

// dnsmasq fills hash:ip, and nothing with ports; with intervals it would make ranges that nobody
// asked for. `/*.d/` never matches, `//` and `/#/` match every name. An answer from its cache fills
// nothing, so what it has learnt must live longer.
TEST_P(GatewayTrap, LearntSetsAreSuchThatDnsmasqFillsThem) {
  Builder b(GetParam().backend);
  b.servers({"10.0.0.1", "10.0.0.3", "fd00::1"});
  b.allow("m/a", b.cluster.servers, b.set("pattern", {"*.cdn.example.com"}), tcp(443));
  b.allow("m/b", b.cluster.servers, b.set("mixed", {"www.example.com", "10.7.0.0/24"}), udp(53));
  const Texts files = b.emit();
  loaded(b, files);
  std::istringstream names(files.at("dnsmasq.conf"));
  unsigned count = 0;
  for (std::string line; std::getline(names, line);) {
    if (line.starts_with("#")) continue;
    ++count;
    EXPECT_EQ(line.find("//"), std::string::npos) << line;
    EXPECT_EQ(line.find("/#/"), std::string::npos) << line;
    EXPECT_EQ(line.find('*'), std::string::npos) << line;
    EXPECT_LE(line.size(), 1024U);
  }
  EXPECT_EQ(count, 2U);
  const std::string& sets = files.at(is_iptables() ? "ipset" : "ruleset.nft");
  std::smatch life, cache;
  ASSERT_TRUE(std::regex_search(sets, life, std::regex("timeout ([0-9]+)")));
  ASSERT_TRUE(std::regex_search(files.at("dnsmasq-cache.conf"), cache,
                                std::regex("max-cache-ttl=([0-9]+)")));
  EXPECT_GT(std::stoi(life[1]), std::stoi(cache[1]));
  static const std::regex learnt_by_iptables(R"(create \S+-dns[46] hash:ip .* timeout .*)");
  static const std::regex by_hand_in_iptables(R"(create \S+-v[46](-n)? hash:net .*)");
  static const std::regex learnt_by_nft(
      R"(  set dns[46]\.\S+ \{ type ipv[46]_addr; flags dynamic,timeout; .*)");
  std::istringstream lines(sets);
  unsigned learnt = 0;
  for (std::string line; std::getline(lines, line);) {
    EXPECT_EQ(line.find("auto-merge"), std::string::npos);
    if (is_iptables() && line.starts_with("create ")) {
      const bool is_learnt = std::regex_match(line, learnt_by_iptables);
      learnt += is_learnt ? 1U : 0U;
      EXPECT_TRUE(is_learnt || std::regex_match(line, by_hand_in_iptables)) << line;
    } else if (line.starts_with("  set dns") && line.ends_with(" }")) {
      ++learnt;
      EXPECT_TRUE(std::regex_match(line, learnt_by_nft)) << line;
    }
  }
  EXPECT_EQ(learnt, 4U);
}

INSTANTIATE_TEST_SUITE_P(Devices, GatewayTrap,
                         testing::Values(Tools{"iptables_nft", "iptables", "nft"},
                                         Tools{"iptables_legacy", "iptables", "legacy"},
                                         Tools{"nftables", "nftables", ""}),
                         [](const auto& one) { return std::string(one.param.name); });

// ---- of iptables alone

class IptablesTrap : public GatewayTrap {
 protected:
  static Builder& small(Builder& b) {
    b.servers({"10.0.0.1", "10.0.0.3", "fd00::1"});
    b.allow("m/a", b.set("one", {"10.1.0.1", "fd09::1"}), b.cluster.servers, tcp(1));
    return b;
  }
};

// "Parameter too long!" from 1,024 bytes on, "Parser cannot handle more arguments" from 252 words.
TEST_P(IptablesTrap, LinesAreShortHoweverMuchARuleSays) {
  Builder b("iptables");
  b.servers({"10.0.0.1", "10.0.0.3"});
  net::ServiceSet ports;
  for (std::uint16_t port = 10001; port < 12000; port = static_cast<std::uint16_t>(port + 2)) {
    ports = ports | tcp(port);
  }
  auto& rule = b.allow(std::string(2000, 'r'), b.set(std::string(2000, 's'), {"www.example.com"}),
                       b.set(std::string(2000, 't'), {"example.com"}), ports);
  rule.title = std::string(2000, 'u') + std::string(400, ' ') + "v";
  rule.log = true;
  iptables::RulesReader reader;
  reader.read(b.emit().at("rules.v4"));
  std::size_t lines = 0;
  for (const auto& [chain, all] : reader.chains()) {
    for (const auto& words : all) {
      ++lines;
      EXPECT_LE(words.size(), 100U);
      for (const auto& word : words) EXPECT_LE(word.size(), 1023U);
    }
  }
  EXPECT_GE(lines, 1000U / 15);
}

// `-m udp --dport` asks for service names, rule by rule.
TEST_P(IptablesTrap, UdpPortsAreMatchedByMultiport) {
  Builder b("iptables");
  b.servers({"10.0.0.1", "10.0.0.3"});
  b.allow("m/a", b.cluster.servers, b.set("one", {"10.1.0.1"}), udp(53));
  b.allow("m/b", b.cluster.servers, b.set("two", {"10.1.0.3"}), udp(53, 60));
  const std::string v4 = b.emit().at("rules.v4");
  EXPECT_EQ(v4.find("-m udp"), std::string::npos);
  EXPECT_NE(v4.find("-p udp -m multiport --dports 53 "), std::string::npos);
  EXPECT_NE(v4.find("-p udp -m multiport --dports 53:60 "), std::string::npos);
}

// Without `-w` a lock that somebody has is the error 4.
TEST_P(IptablesTrap, ABusyLockIsWaitedFor) {
  Builder b("iptables");
  const Folder folder(small(b).emit());
  const auto [status, out] = run(folder,
                                 "touch lock\nflock lock sleep 2 &\nsleep 0.3\n"
                                 "sh apply.sh apply --yes\niptables-save -t filter\nwait\n");
  EXPECT_EQ(status, 0) << out;
  EXPECT_NE(out.find("-A FORWARD -j HCI-prod"), std::string::npos) << out;
}

// A machine that was started without IPv6 has no ip6tables that works.
TEST_P(IptablesTrap, WithoutIpv6OnlyIpv4IsLoaded) {
  Builder b("iptables");
  Texts files = small(b).emit();
  std::string& script = files.at("apply.sh");
  const std::string there = "/proc/net/if_inet6";
  ASSERT_EQ(script.find(there), script.rfind(there));
  script.replace(script.find(there), there.size(), "/proc/net/no_inet6");
  const Folder folder(files);
  const auto [status, out] =
      run(folder,
          "for t in ip6tables ip6tables-save ip6tables-restore; do\n"
          "rm tools/$t\nprintf '#!/bin/sh\\nexit 3\\n' >tools/$t\nchmod +x tools/$t\ndone\n"
          "for c in check 'apply --yes' status remove; do sh apply.sh $c; done\n");
  EXPECT_EQ(status, 0) << out;
}

INSTANTIATE_TEST_SUITE_P(Variants, IptablesTrap,
                         testing::Values(Tools{"nft", "iptables", "nft"},
                                         Tools{"legacy", "iptables", "legacy"}),
                         [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace hcipol::test::gateway
