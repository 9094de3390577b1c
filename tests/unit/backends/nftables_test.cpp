// The nftables backend's files, names, limits and reports.
#include <gtest/gtest.h>

#include <set>

#include "gateway_builder.h"
#include "support/text.h"
#include "tests/support/line_diff.h"

namespace hcipol::test::nftables {
namespace {

using gateway::Builder;
using gateway::Kind;
using gateway::tcp;
using gateway::udp;
using net::ServiceSet;
using policy::NamedSet;

bool has_line(const std::string& text, const std::string& line) {
  const auto all = split(text, '\n');
  return std::find(all.begin(), all.end(), line) != all.end();
}

class Nftables : public ::testing::Test {
 protected:
  Nftables() {
    b.servers({"10.0.0.1", "10.0.0.2"});
    management = b.set("management", {"10.9.0.0/24"});
    portal = b.set("hci/portal", {"portal.example"});
  }

  std::string reported() { return b.reports().empty() ? "" : b.reports().front(); }
  /// The file without its head.
  std::string ruleset() {
    const std::string text = b.emit().at("ruleset.nft");
    return text.substr(text.find("\ntable inet ") + 1);
  }

  Builder b{"nftables"};
  const NamedSet* management = nullptr;
  const NamedSet* portal = nullptr;
};

TEST_F(Nftables, SmallPolicyAsWritten) {
  auto& rule = b.allow("hci/admin.winrm", management, b.cluster.servers, tcp(5985, 5986));
  rule.title = "WinRM";
  rule.origin.source = "ports.md";
  b.allow("hci/wsus", b.cluster.servers, b.set("wsus", {"10.7.0.7"}), tcp(8530, 8531));
  b.allow("hci/store", b.cluster.servers, portal, tcp(443));
  b.rule("hci/no-ntp", Kind::deny, {management}, {b.set("ntp", {"10.7.0.0/24"})}, udp(123));
  EXPECT_EQ(ruleset(), R"(table inet HCI-prod {
  set v4.others { type ipv4_addr; flags interval; }
  set v4.servers { type ipv4_addr; flags interval; }
  set dns4.hci-portal { type ipv4_addr; flags dynamic,timeout; timeout 86400s; size 1048576; }
  map allow.from4-24 { type ipv4_addr : verdict; flags interval; }
  map allow.servers.to4 { type ipv4_addr . inet_proto . inet_service : verdict; }
  map deny.from4-24 { type ipv4_addr : verdict; flags interval; }
  chain forward { type filter hook forward priority filter; policy accept; }
  chain ours { }
  chain others { }
  chain deny { }
  chain deny.management { }
  chain allow { }
  chain allow.management { }
  chain allow.servers { }
  chain denied { }
}
flush table inet HCI-prod
flush set inet HCI-prod v4.others
flush set inet HCI-prod v4.servers
flush map inet HCI-prod allow.from4-24
flush map inet HCI-prod allow.servers.to4
flush map inet HCI-prod deny.from4-24
table inet HCI-prod {
  set v4.others {
    type ipv4_addr; flags interval;
    elements = {
      10.9.0.0/24,
    }
  }
  set v4.servers {
    type ipv4_addr; flags interval;
    elements = {
      10.0.0.1,
      10.0.0.2,
    }
  }
  map allow.from4-24 {
    type ipv4_addr : verdict; flags interval;
    elements = {
      10.9.0.0/24 : jump allow.management,
    }
  }
  map allow.servers.to4 {
    type ipv4_addr . inet_proto . inet_service : verdict;
    elements = {
      10.7.0.7 . tcp . 8530 comment "hci/wsus" : accept,
      10.7.0.7 . tcp . 8531 comment "hci/wsus" : accept,
    }
  }
  map deny.from4-24 {
    type ipv4_addr : verdict; flags interval;
    elements = {
      10.9.0.0/24 : jump deny.management,
    }
  }
  chain forward {
    ip saddr @v4.servers goto ours
    ip daddr @v4.servers goto ours
    ip saddr @v4.others goto others
    ip daddr @v4.others goto others
  }
  chain ours {
    ct state established,related accept
    ct state invalid drop
    jump deny
    jump allow
    goto denied
  }
  chain others {
    ct state established,related accept
    ct state invalid return
    jump deny
    jump allow
  }
  chain deny {
    ip saddr vmap @deny.from4-24
  }
  chain deny.management {
    udp dport 123 ip daddr 10.7.0.0/24 goto denied comment "hci/no-ntp"
  }
  chain allow {
    ip saddr vmap @allow.from4-24
    ip saddr @v4.servers jump allow.servers
  }
  chain allow.management {
    tcp dport 5985-5986 ip daddr @v4.servers accept comment "hci/admin.winrm: WinRM [ports.md]"
  }
  chain allow.servers {
    ip daddr . meta l4proto . th dport vmap @allow.servers.to4
    tcp dport 443 ip daddr @dns4.hci-portal update @dns4.hci-portal { ip daddr } accept comment "hci/store"
  }
  chain denied {
    limit rate 10/minute burst 20 packets log prefix "HCI-prod denied" group 5
    meta l4proto tcp reject with tcp reset
    reject with icmpx admin-prohibited
  }
}
)");
  const auto& traces = b.emission.artefacts.front().rules;
  ASSERT_EQ(traces.size(), 4U);
  EXPECT_EQ(traces[1].id, "hci/admin.winrm");
  EXPECT_EQ(traces[1].rule, &rule);
}

TEST_F(Nftables, NoServersInAFamilyLeavesItAlone) {
  b.allow("hci/a", management, b.cluster.servers, tcp(1));
  const std::string text = b.emit().at("ruleset.nft");
  EXPECT_EQ(text.find("ip6 "), std::string::npos);
  EXPECT_NE(text.find("gives the servers no IPv6 address"), std::string::npos);
  EXPECT_EQ(text.find("gives the servers no IPv4 address"), std::string::npos);
}

TEST_F(Nftables, NamesAreLearntAndTheWideningIsSaidOnce) {
  b.rule("hci/a", Kind::allow, {b.cluster.servers, management}, {portal}, tcp(443));
  const auto files = b.emit();
  EXPECT_TRUE(
      has_line(files.at("dnsmasq.conf"), "nftset=/portal.example/4#inet#HCI-prod#dns4.hci-portal"));
  EXPECT_TRUE(has_line(files.at("dnsmasq-cache.conf"), "max-cache-ttl=3600"));
  EXPECT_EQ(files.at("ruleset.nft").find("dns6"), std::string::npos) << "no server has IPv6";
  const auto reports = b.reports();
  ASSERT_EQ(reports.size(), 2U);
  EXPECT_EQ(std::count(reports.begin(), reports.end(),
                       "W0611 rule `hci/a` is wider on nftables: dnsmasq takes a name with all "
                       "below it, so these match as well: *.portal.example"),
            1);
  EXPECT_EQ(b.emission.remarks.size(), 2U);
}

/// The gateways say the same of the same policy: what is wider is wider on both, in the same words.
TEST_F(Nftables, RemarksAreThoseOfIptables) {
  const auto remarks = [](const std::string& backend, const std::string& names) {
    Builder c(backend);
    c.option("names", names);
    c.option("default", std::string("return"));
    c.servers({"10.0.0.1", "10.0.0.2", "fd00::1"});
    auto* tag = c.set("tag", {"t.example"});
    tag->tag = "Storage";
    tag->tag_addresses = Builder::addresses({"20.0.0.0/16"});
    auto* known = c.set("known", {"k.example", "*.wild.example"});
    known->addresses = Builder::addresses({"20.9.0.0/16"});
    c.allow("hci/a", c.cluster.servers, tag, tcp(443));
    c.allow("hci/b", known, c.cluster.servers, tcp(443));
    c.rule("hci/c", Kind::deny, {c.cluster.servers}, {known}, tcp(80));
    c.emit();
    std::vector<std::pair<std::string, const policy::Rule*>> out;
    for (const auto& remark : c.emission.remarks) {
      // Which rule, by its place: the builders own rules of their own.
      const auto at = std::find_if(c.rules.begin(), c.rules.end(),
                                   [&](const auto& rule) { return &rule == remark.rule; });
      const std::string place = std::to_string(at - c.rules.begin());
      if (remark.rule != nullptr)
        out.emplace_back(place + std::string(remark.code) + remark.text, nullptr);
    }
    return out;
  };
  for (const char* names : {"dnsmasq", "addresses"}) {
    EXPECT_EQ(remarks("nftables", names), remarks("iptables", names));
    EXPECT_EQ(remarks("nftables", names).size(), 3U);
  }
}

TEST_F(Nftables, ADomainInTooManySetsIsALimit) {
  for (int i = 0; i < 34; ++i) {
    const std::string number = std::to_string(10 + i);
    b.allow("hci/r" + number, b.cluster.servers,
            b.set("a-set-of-" + number + "-xyz", {"d.example"}), tcp(1));
    const std::string snippet = b.emit().at("dnsmasq.conf");
    std::size_t longest = 0;
    for (const auto& line : split(snippet, '\n')) {
      if (line.starts_with("nftset=")) longest = std::max(longest, line.size());
    }
    EXPECT_EQ(b.reporter.has_errors(), longest > 1024) << longest;
  }
  ASSERT_TRUE(b.reporter.has_errors());
  EXPECT_EQ(reported().substr(0, 5), "E0613");
}

TEST_F(Nftables, NamesRefusedOrByTheirAddresses) {
  b.option("names", std::string("refuse"));
  b.allow("hci/a", b.cluster.servers, portal, tcp(443));
  b.emit();
  EXPECT_EQ(reported(),
            "E0612 nftables cannot express the host names of `hci/portal` (names = \"refuse\")");
  b.option("names", std::string("addresses"));
  NamedSet* arc = b.set("arc", {"arc.example"});
  arc->tag = "AzureArc";
  arc->tag_addresses = Builder::addresses({"20.0.0.0/16"});
  b.device.flows.clear();
  b.allow("hci/b", b.cluster.servers, arc, tcp(443));
  const std::string text = b.emit().at("ruleset.nft");
  // A set even for one prefix: a new file of tags must leave the rules as they are.
  EXPECT_TRUE(has_line(text, "  set v4.arc { type ipv4_addr; flags interval; }"));
  EXPECT_TRUE(has_line(text, "      20.0.0.0/16,"));
  EXPECT_EQ(reported().substr(0, 5), "W0611");
}

TEST_F(Nftables, OptionsAreChecked) {
  const auto fault = [&](const char* option, auto value) {
    b.view.options.clear();
    b.option(option, value);
    b.emit();
    return reported().substr(0, 5);
  };
  for (const std::string& name : std::vector<std::string>{"", "1x", "-x", "_x", "a b", "x\n", "a.B",
                                                          "ip", "prod-gw", std::string(33, 'H')}) {
    EXPECT_EQ(fault("table", name), "E0611") << name;
  }
  for (const char* name : {"X", "HCI-345678901234", "a_b", "HCI_1"}) {
    EXPECT_EQ(fault("table", std::string(name)), "") << name;
  }
  EXPECT_EQ(fault("names", std::string("dns")), "E0611");
  EXPECT_EQ(fault("default", std::string("accept")), "E0611");
  EXPECT_EQ(fault("default", std::string("return")), "W0615");
  EXPECT_EQ(fault("log_group", std::int64_t{65536}), "E0611");
  EXPECT_EQ(fault("log", false), "");
  EXPECT_EQ(b.emit().at("ruleset.nft").find("log prefix"), std::string::npos);
}

TEST_F(Nftables, LongAndOddClusterNamesGetTablesOfTheirOwn) {
  std::set<std::string> tables;
  const std::vector<std::string> names{"prod",
                                       "contoso-production-east-and-west-1",
                                       "contoso-production-east-and-west-2",
                                       "a.b",
                                       "a-b",
                                       "\xc3\xa4",
                                       "Prod"};
  for (const std::string& name : names) {
    b.cluster.name = name;
    const std::string text = ruleset();
    const std::string table = text.substr(11, text.find(' ', 11) - 11);
    EXPECT_LE(table.size(), 32U);
    tables.insert(table);
  }
  EXPECT_EQ(tables.size(), names.size());
}

TEST_F(Nftables, OneMoreRuleLeavesAllOtherLinesAlone) {
  const auto* inside = b.set("inside", {"10.9.0.5"});
  const auto* outside = b.set("outside", {"10.44.1.0/24"});
  for (int i = 0; i < 40; i += 2) {
    const auto* from = i % 4 == 0 ? management : i % 6 == 0 ? inside : b.cluster.servers;
    const auto* to = i % 3 == 0 ? portal : i % 5 == 0 ? outside : b.cluster.servers;
    b.rule("hci/r" + std::to_string(10 + i), i % 7 == 0 ? Kind::deny : Kind::allow, {from}, {to},
           tcp(static_cast<std::uint16_t>(i + 1)));
  }
  const auto before = b.emit();
  const std::vector<std::pair<const NamedSet*, const NamedSet*>> more{
      {management, b.set("new", {"new.example", "10.44.0.0/16"})},
      {b.set("host", {"10.9.0.6"}), outside},
      {b.set("literal", {"10.44.1.7"}), b.cluster.servers},
      {b.cluster.servers, b.set("next", {"10.44.2.0/24"})},
      {inside, b.any()}};
  for (const auto& [from, to] : more) {
    for (const auto& service : {udp(5), udp(5, 9), ServiceSet::any()}) {
      const auto flows = b.device.flows;
      b.allow("hci/r21", from, to, service);
      const auto after = b.emit();
      for (const auto& [path, text] : before) {
        EXPECT_EQ(line_changes(text, after.at(path)).removed, std::vector<std::string>{}) << path;
      }
      b.device.flows = flows;
    }
  }
}

TEST_F(Nftables, TheOrderOfSetsAndPointersDoesNotShow) {
  const auto build = [](bool reversed) {
    Builder c("nftables");
    c.servers({"10.0.0.1", "10.0.0.2"});
    for (int i = 0; i < 9; ++i) {
      const std::string n = std::to_string(reversed ? 8 - i : i);
      c.allow("hci/r" + n, c.set("from" + n, {"10.1." + n + ".1"}),
              c.set("to" + n, {n + ".example", "10.5.0." + n}), tcp(80));
    }
    return c.emit();
  };
  EXPECT_EQ(build(false), build(true));
}

/// Two names for one address: the map can lead to one chain only, so a rule leads to the other.
TEST_F(Nftables, ASecondSourceOfOnePrefixHasARuleOfItsOwn) {
  b.allow("hci/a", b.set("wac", {"10.9.0.5"}), b.cluster.servers, tcp(1));
  const std::string before = ruleset();
  NamedSet* literal = b.set("10.9.0.5", {"10.9.0.5"});
  literal->kind = NamedSet::Kind::literal;
  for (const auto* set : {b.device.flows[0].from[0]}) {
    const_cast<NamedSet*>(set)->kind = NamedSet::Kind::role;
  }
  b.allow("hci/b", literal, b.cluster.servers, tcp(2));
  const std::string after = ruleset();
  EXPECT_EQ(line_changes(before, after).removed, std::vector<std::string>{});
  EXPECT_TRUE(has_line(after, "      10.9.0.5 : jump allow.wac,"));
  EXPECT_TRUE(has_line(after, "    ip saddr 10.9.0.5 jump allow.10.9.0.5"));
}

TEST_F(Nftables, ALoggedRuleLogsWhatItAccepts) {
  b.option("table", std::string("HCI-prod"));
  auto& rule = b.allow("hci/" + std::string(200, 'r'), b.any(), b.cluster.servers, tcp(22));
  rule.log = true;
  const auto text = ruleset();
  const auto lines = split(text, '\n');
  const auto log = std::find_if(lines.begin(), lines.end(), [](const auto& line) {
    return line.find("\"HCI-prod allowed hci/rrr") != std::string::npos;
  });
  ASSERT_NE(log, lines.end());
  EXPECT_TRUE(log->starts_with("    tcp dport 22 ip daddr @v4.servers limit rate 10/minute"));
  EXPECT_TRUE((log + 1)->starts_with("    tcp dport 22 ip daddr @v4.servers accept comment "));
  const auto quote = log->find('"');
  EXPECT_EQ(log->find('"', quote + 1) - quote - 1, 127U);
}

}  // namespace
}  // namespace hcipol::test::nftables
