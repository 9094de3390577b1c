// The iptables backend's files, names, limits and reports.
#include <gtest/gtest.h>

#include <sstream>

#include "backends/common/text.h"
#include "backends/iptables/print.h"
#include "backends/iptables/services.h"
#include "gateway_builder.h"
#include "iptables_reader.h"

namespace hcipol::test::iptables {
namespace {

using gateway::Builder;
using gateway::Kind;
using gateway::tcp;
using gateway::udp;
using net::ServiceSet;
using policy::NamedSet;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

bool has_line(const std::string& text, const std::string& line) {
  const auto all = lines_of(text);
  return std::find(all.begin(), all.end(), line) != all.end();
}

/// Lines of `before` that are missing in `after`.
std::vector<std::string> lost(const std::string& before, const std::string& after) {
  std::vector<std::string> out;
  for (const std::string& line : lines_of(before)) {
    if (!has_line(after, line)) out.push_back(line);
  }
  return out;
}

/// Two servers, a management network and an endpoint by name.
class Iptables : public ::testing::Test {
 protected:
  Iptables() {
    b.servers({"10.0.0.1", "10.0.0.2"});
    management = b.set("management", {"10.9.0.0/24"});
    portal = b.set("hci/portal", {"portal.example"});
  }

  std::string reported() { return b.reports().empty() ? "" : b.reports().front(); }

  Builder b{"iptables"};
  const NamedSet* management = nullptr;
  const NamedSet* portal = nullptr;
};

TEST_F(Iptables, SmallPolicyAsWritten) {
  auto& rule = b.allow("hci/admin.winrm", management, b.cluster.servers, tcp(5985, 5986));
  rule.title = "WinRM";
  rule.origin.source = "ports.md";
  const auto files = b.emit();
  const std::string& v4 = files.at("rules.v4");
  const auto from = v4.find("*filter\n");
  ASSERT_NE(from, std::string::npos);
  EXPECT_EQ(v4.substr(from), R"(*filter
:HCI-prod - [0:0]
:HCI-prod.ours - [0:0]
:HCI-prod.flows - [0:0]
:HCI-prod.management - [0:0]
:HCI-prod.denied - [0:0]
-A HCI-prod -m set --match-set HCI-prod.servers-v4 src -g HCI-prod.ours
-A HCI-prod -m set --match-set HCI-prod.servers-v4 dst -g HCI-prod.ours
-A HCI-prod.ours -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A HCI-prod.ours -m conntrack --ctstate INVALID -j DROP
-A HCI-prod.ours -j HCI-prod.flows
-A HCI-prod.ours -g HCI-prod.denied
-A HCI-prod.flows -s 10.9.0.0/24 -j HCI-prod.management
-A HCI-prod.management -p tcp -m tcp --dport 5985:5986 -m set --match-set HCI-prod.servers-v4 dst -m comment --comment "hci/admin.winrm: WinRM [ports.md]" -j ACCEPT
-A HCI-prod.denied -m limit --limit 10/min --limit-burst 20 -j NFLOG --nflog-prefix "HCI-prod denied" --nflog-group 5
-A HCI-prod.denied -p tcp -j REJECT --reject-with tcp-reset
-A HCI-prod.denied -j REJECT --reject-with icmp-admin-prohibited
COMMIT
)");
  EXPECT_TRUE(has_line(v4,
                       "#   iptables -w 10 -C FORWARD -j HCI-prod || iptables -w 10 -I FORWARD 1 "
                       "-j HCI-prod"));
  EXPECT_EQ(files.count("dnsmasq.conf"), 0U);
  EXPECT_TRUE(b.reports().empty()) << reported();
  ASSERT_EQ(b.emission.artefacts.front().rules.size(), 1U);
  EXPECT_EQ(b.emission.artefacts.front().rules.front().id, "HCI-prod.management hci/admin.winrm");
  EXPECT_EQ(b.emission.artefacts.front().rules.front().rule, &rule);
}

TEST_F(Iptables, NoServersInAFamilyLeavesItAlone) {
  b.allow("hci/a", management, b.cluster.servers, tcp(1));
  const std::string v6 = b.emit().at("rules.v6");
  EXPECT_EQ(v6.substr(v6.find("*filter")), "*filter\n:HCI-prod - [0:0]\nCOMMIT\n");
  EXPECT_NE(v6.find("no address of this family"), std::string::npos);
}

TEST_F(Iptables, ListsAreFilledBesideAndSwapped) {
  b.allow("hci/a", management, b.cluster.servers, tcp(1));
  const std::string sets = b.emit().at("ipset");
  EXPECT_EQ(sets.substr(sets.find("create")),
            "create HCI-prod.servers-v4 hash:net family inet maxelem 1048576 -exist\n"
            "create HCI-prod.servers-v4-n hash:net family inet maxelem 1048576 -exist\n"
            "flush HCI-prod.servers-v4-n\n"
            "add HCI-prod.servers-v4-n 10.0.0.1\n"
            "add HCI-prod.servers-v4-n 10.0.0.2\n"
            "swap HCI-prod.servers-v4-n HCI-prod.servers-v4\n"
            "destroy HCI-prod.servers-v4-n\n");
}

TEST_F(Iptables, NamesAreLearntAndTheWideningIsSaidOnce) {
  b.rule("hci/a", Kind::allow, {b.cluster.servers, management}, {portal}, tcp(443));
  const auto files = b.emit();
  EXPECT_TRUE(has_line(files.at("dnsmasq.conf"), "ipset=/portal.example/HCI-prod.hci-portal-dns4"));
  EXPECT_TRUE(
      has_line(files.at("ipset"),
               "create HCI-prod.hci-portal-dns4 hash:ip family inet maxelem 1048576 timeout "
               "86400 -exist"));
  EXPECT_TRUE(has_line(files.at("dnsmasq-cache.conf"), "max-cache-ttl=3600"));
  EXPECT_EQ(files.at("ipset").find("dns6"), std::string::npos) << "no server has IPv6";
  const auto reports = b.reports();
  ASSERT_EQ(reports.size(), 2U);
  EXPECT_EQ(std::count_if(reports.begin(), reports.end(),
                          [](const auto& text) {
                            return text ==
                                   "W0611 rule `hci/a` is wider on iptables: dnsmasq takes a name "
                                   "with all below it, so these match as well: *.portal.example";
                          }),
            1);
  EXPECT_EQ(b.emission.remarks.size(), 2U);
}

TEST_F(Iptables, ANameWithAllBelowItIsNotWider) {
  b.allow("hci/a", b.cluster.servers, b.set("x", {"x.example", "*.x.example"}), tcp(443));
  const auto files = b.emit();
  EXPECT_TRUE(has_line(files.at("dnsmasq.conf"), "ipset=/x.example/HCI-prod.x-dns4"));
  ASSERT_EQ(b.reports().size(), 1U);
  EXPECT_EQ(b.reports().front().substr(0, 5), "W0615");
}

TEST_F(Iptables, ALongerDomainRepeatsTheSetsOfItsParents) {
  b.allow("hci/a", b.cluster.servers, b.set("wild", {"*.x.example"}), tcp(443));
  b.allow("hci/b", b.cluster.servers, b.set("one", {"a.b.x.example", "other.example"}), tcp(80));
  const std::string snippet = b.emit().at("dnsmasq.conf");
  EXPECT_TRUE(has_line(snippet, "ipset=/x.example/HCI-prod.wild-dns4"));
  EXPECT_TRUE(has_line(snippet, "ipset=/a.b.x.example/HCI-prod.one-dns4,HCI-prod.wild-dns4"));
  EXPECT_TRUE(has_line(snippet, "ipset=/other.example/HCI-prod.one-dns4"));
}

TEST_F(Iptables, ADomainInTooManySetsIsALimit) {
  // "ipset=/d.example/" and 30 bytes for a set: 33 sets fit in 1024, 34 do not.
  for (int i = 0; i < 34; ++i) {
    const std::string number = std::to_string(10 + i);
    b.allow("hci/r" + number, b.cluster.servers,
            b.set("set-name-" + number + "-abc", {"d.example"}), tcp(1));
    const std::string snippet = b.emit().at("dnsmasq.conf");
    std::size_t longest = 0;
    for (const auto& line : lines_of(snippet)) {
      if (line.rfind("ipset=", 0) == 0) longest = std::max(longest, line.size());
    }
    EXPECT_EQ(b.reporter.has_errors(), longest > 1024) << longest;
  }
  ASSERT_TRUE(b.reporter.has_errors());
  EXPECT_EQ(reported().substr(0, 5), "E0613");
}

TEST_F(Iptables, NamesRefused) {
  b.option("names", std::string("refuse"));
  b.allow("hci/a", b.cluster.servers, portal, tcp(443));
  b.emit();
  EXPECT_EQ(reported(),
            "E0612 iptables cannot express the host names of `hci/portal` (names = \"refuse\")");
}

TEST_F(Iptables, NamesByTheirAddresses) {
  b.option("names", std::string("addresses"));
  NamedSet* arc = b.set("arc", {"arc.example"});
  arc->tag = "AzureArc";
  b.allow("hci/a", b.cluster.servers, arc, tcp(443));
  b.emit();
  EXPECT_EQ(reported(), "E0615 rule `hci/a` needs the addresses behind the service tag `AzureArc`");
  arc->tag_addresses = Builder::addresses({"20.0.0.0/16"});
  const auto files = b.emit();
  // A set even for one prefix: a new file of tags must leave the rules as they are.
  EXPECT_NE(files.at("ipset").find(".arc-v4-n 20.0.0.0/16\n"), std::string::npos);
  EXPECT_EQ(files.at("rules.v4").find("20.0.0.0/16"), std::string::npos);
  EXPECT_EQ(reported(),
            "W0611 rule `hci/a` is wider on iptables: `arc` is matched by every address of the "
            "service tag AzureArc");
  b.allow("hci/b", b.cluster.servers, portal, tcp(443));
  b.emit();
  EXPECT_EQ(b.reporter.errors(), 1U);
}

TEST_F(Iptables, ServiceTagsAreTheirPrefixes) {
  NamedSet* tag = b.set("storage", {});
  tag->tag = "Storage";
  tag->set.names = net::DomainSet(NamedSet::tag_name("Storage"));
  b.allow("hci/a", b.cluster.servers, tag, tcp(443));
  b.emit();
  EXPECT_EQ(reported(), "E0615 rule `hci/a` needs the addresses behind the service tag `Storage`");
  tag->tag_addresses = Builder::addresses({"20.0.0.0/16", "20.2.0.0/16"});
  const auto files = b.emit();
  EXPECT_TRUE(b.reports().empty()) << reported();
  EXPECT_TRUE(has_line(files.at("ipset"), "add HCI-prod.storage-v4-n 20.2.0.0/16"));
}

TEST_F(Iptables, NameSetsWithExceptionsAreRefused) {
  NamedSet* some = b.set("some", {});
  some->set.names = net::DomainSet::of({*net::parse_pattern("*.x.example")}) -
                    net::DomainSet(*net::parse_pattern("a.x.example"));
  b.allow("hci/a", b.cluster.servers, some, tcp(443));
  NamedSet* rest = b.any();
  rest->set.names = net::DomainSet::all() - some->set.names;
  b.allow("hci/b", b.cluster.servers, rest, tcp(443));
  b.emit();
  EXPECT_EQ(b.reporter.errors(), 2U);
  for (const auto& text : b.reports()) EXPECT_EQ(text.substr(0, 5), "E0612") << text;
}

TEST_F(Iptables, ADenyByNameIsOnlyAsGoodAsTheLookUps) {
  b.rule("hci/a", Kind::deny, {b.cluster.servers}, {portal}, ServiceSet::any());
  b.emit();
  EXPECT_EQ(b.emission.remarks.front().code, "W0614");
}

TEST_F(Iptables, OptionsAreChecked) {
  const auto fault = [&](const char* option, auto value) {
    b.view.options.clear();
    b.option(option, value);
    b.emit();
    return reported().substr(0, 5);
  };
  for (const char* name :
       {"", "1x", "-x", "!x", "LOG", "ACCEPT", "a b", "x\n", "a.b", "HCI-345678901234x"}) {
    EXPECT_EQ(fault("chain", std::string(name)), "E0611") << name;
  }
  for (const char* name : {"x", "HCI-345678901234", "log", "HCI_1"}) {
    EXPECT_EQ(fault("chain", std::string(name)), "") << name;
  }
  EXPECT_EQ(fault("names", std::string("dns")), "E0611");
  EXPECT_EQ(fault("default", std::string("accept")), "E0611");
  EXPECT_EQ(fault("default", std::string("return")), "W0615");
  EXPECT_EQ(fault("log_group", std::int64_t{65536}), "E0611");
  EXPECT_EQ(fault("log_group", std::int64_t{-1}), "E0611");
  EXPECT_EQ(fault("log", false), "");
}

TEST_F(Iptables, LongAndOddClusterNamesGetChainsOfTheirOwn) {
  std::set<std::string> bases;
  const std::vector<std::string> names{
      "prod", "contoso-production-east", "contoso-production-west", "a.b", "a-b", "\xc3\xa4",
      "Prod"};
  for (const std::string& name : names) {
    b.cluster.name = name;
    const std::string text = b.emit().at("rules.v4");
    const auto at = text.find("\n:") + 2;
    const std::string base = text.substr(at, text.find(' ', at) - at);
    EXPECT_LE(base.size(), 16U);
    bases.insert(base);
  }
  EXPECT_EQ(bases.size(), names.size());
}

TEST_F(Iptables, NamesThatWouldMeetAreToldApartByHash) {
  for (const char* name : {"hci/x", "hci-x", "flows", "ours"}) {
    b.allow(std::string("hci/r-") + name, b.set(name, {"10.7.0.0/24", "10.7.2.0/24"}),
            b.set(name, {"10.7.4.0/24", "10.7.7.0/24"}), tcp(1));
  }
  const auto files = b.emit();
  EXPECT_FALSE(b.reporter.has_errors());
  RulesReader rules;
  rules.read(files.at("rules.v4"));  // throws if a chain stands twice or is too long
  EXPECT_EQ(rules.chains().size(), 4U + 1U + 4U);
  SetReader sets;
  sets.read(files.at("ipset"));
  EXPECT_EQ(sets.members().size(), 1U + 8U);
}

TEST_F(Iptables, OneMoreRuleLeavesAllOtherLinesAlone) {
  for (int i = 0; i < 30; i += 2) {
    b.allow("hci/r" + std::to_string(10 + i), i % 4 == 0 ? management : b.cluster.servers,
            i % 3 == 0 ? portal : b.cluster.servers, tcp(static_cast<std::uint16_t>(i + 1)));
  }
  const auto before = b.emit();
  b.allow("hci/r21", management, b.set("new", {"new.example", "10.44.0.0/16"}), udp(5, 9));
  const auto after = b.emit();
  for (const auto& [path, text] : before) {
    EXPECT_EQ(lost(text, after.at(path)), std::vector<std::string>{}) << path;
  }
  EXPECT_EQ(lines_of(after.at("rules.v4")).size(), lines_of(before.at("rules.v4")).size() + 2);
}

TEST_F(Iptables, TheOrderOfSetsAndPointersDoesNotShow) {
  const auto build = [](bool reversed) {
    Builder c("iptables");
    c.servers({"10.0.0.1", "10.0.0.2"});
    for (int i = 0; i < 9; ++i) {
      const std::string n = std::to_string(reversed ? 8 - i : i);
      c.allow("hci/r" + n, c.set("from" + n, {"10.1." + n + ".1", "10.1." + n + ".9"}),
              c.set("to" + n, {n + ".example"}), tcp(80));
    }
    return c.emit();
  };
  EXPECT_EQ(build(false), build(true));
}

TEST(IptablesServices, SplitsPortsAtFifteenSlots) {
  ServiceSet set;
  for (std::uint16_t i = 0; i < 14; ++i) set = set | tcp(static_cast<std::uint16_t>(10 + 2 * i));
  set = set | tcp(100, 101) | udp(53);
  std::string fault;
  const auto lines = backends::iptables::lines_of(set, net::Family::ipv4, fault);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0].ports.size(), 14U) << "the range would be the 15th and 16th slot";
  EXPECT_EQ(lines[1].ports.size(), 1U);
  EXPECT_EQ(lines[2].protocol, net::protocol::udp);
  EXPECT_EQ(fault, "");
}

TEST(IptablesServices, WhatMeansAnyToIptablesIsRefused) {
  const auto fault = [](const ServiceSet& set, net::Family family = net::Family::ipv4) {
    std::string text;
    backends::iptables::lines_of(set, family, text);
    return text;
  };
  EXPECT_NE(fault(ServiceSet::whole(0)), "");
  EXPECT_NE(fault(ServiceSet::icmp_type(1, 255)), "");
  EXPECT_EQ(fault(ServiceSet::icmp_type(1, 254)), "");
  EXPECT_EQ(fault(ServiceSet::icmp_type(58, 255), net::Family::ipv6), "");
  EXPECT_EQ(fault(ServiceSet::any()), "");
  EXPECT_EQ(fault(ServiceSet::any() - tcp(445)), "");
  EXPECT_NE(fault(ServiceSet::any() - tcp(445) - udp(9)), "") << "protocol 0 is among the others";
}

TEST(IptablesServices, IcmpBelongsToOneFamily) {
  std::string fault;
  const auto both = ServiceSet::icmp_type(1, 8) | ServiceSet::whole(58);
  const auto v4 = backends::iptables::lines_of(both, net::Family::ipv4, fault);
  const auto v6 = backends::iptables::lines_of(both, net::Family::ipv6, fault);
  ASSERT_EQ(v4.size(), 1U);
  ASSERT_EQ(v6.size(), 1U);
  EXPECT_EQ(v4[0].protocol, 1);
  EXPECT_EQ(v4[0].type, 8);
  EXPECT_EQ(v6[0].protocol, 58);
  EXPECT_FALSE(v6[0].type.has_value());
}

std::string quoted(const std::string& text, std::size_t bytes) {
  std::string out;
  backends::iptables::put_quoted(out, backends::readable(text, bytes));
  return out;
}

TEST(IptablesPrint, QuotedWordsStayOneWordWithinTheirLimit) {
  const std::string word = "a\"b\\c\nd\te'f#$(g)";
  const auto read = RulesReader::split("x " + quoted(word, 255) + " y");
  ASSERT_EQ(read.size(), 3U);
  EXPECT_EQ(read[1], "a\"b\\c d e'f#$(g)");
  const std::string umlauts = [] {
    std::string out = "x";
    for (int i = 0; i < 200; ++i) out += "\xc3\xa4";
    return out;
  }();
  EXPECT_EQ(RulesReader::split(quoted(umlauts, 255))[0].size(), 255U);
  EXPECT_EQ(RulesReader::split(quoted(umlauts, 254))[0].size(), 253U);
}

TEST(IptablesPrint, ALoggedRuleLogsWhatItAccepts) {
  Builder b{"iptables"};
  b.servers({"10.0.0.1"});
  auto& rule = b.allow("hci/" + std::string(80, 'r'), b.any(), b.cluster.servers, tcp(22));
  rule.log = true;
  const auto lines = lines_of(b.emit().at("rules.v4"));
  const auto log = std::find_if(lines.begin(), lines.end(), [](const auto& line) {
    return line.find("HCI-prod.any") != std::string::npos &&
           line.find("NFLOG") != std::string::npos;
  });
  ASSERT_NE(log, lines.end());
  const auto words = RulesReader::split(*log);
  const auto prefix = std::find(words.begin(), words.end(), "--nflog-prefix") + 1;
  EXPECT_LE(prefix->size(), 63U);
  EXPECT_EQ(prefix->rfind("HCI-prod allowed hci/rrr", 0), 0U);
  EXPECT_NE((log + 1)->find("-j ACCEPT"), std::string::npos);
}

}  // namespace
}  // namespace hcipol::test::iptables
