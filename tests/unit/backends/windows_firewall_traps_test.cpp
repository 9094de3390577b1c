// The limits and traps of Windows Firewall (platforms/windows-firewall.md), a test for each, named
// after it: those that a policy runs into. windows_firewall_run_traps_test.cpp has those that a
// script meets when it runs.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <regex>

#include "tests/unit/backends/windows_firewall_builder.h"
#include "tests/unit/backends/windows_firewall_reader.h"

namespace hcipol::test::windows_firewall {
namespace {

using TrapKind = policy::Rule::Kind;
using TrapTexts = std::vector<std::string>;

/// A server and its script.
struct WindowsTrap {
  World world;
  flow::HostFlows& host = world.server("e1", {"10.0.0.11", "fd00::11"});

  policy::Rule& in(const TrapTexts& from, net::ServiceSet service, TrapKind kind = TrapKind::allow,
                   const std::string& rule = "hci/x") {
    return in(world.set(rule, from), std::move(service), kind, rule);
  }
  policy::Rule& in(const policy::NamedSet* from, net::ServiceSet service,
                   TrapKind kind = TrapKind::allow, const std::string& rule = "hci/x") {
    auto& made = world.rule(rule, kind);
    host.inbound.push_back(World::flow(made, from, host.node->set, std::move(service)));
    return made;
  }
  policy::Rule& out(const policy::NamedSet* to, net::ServiceSet service,
                    TrapKind kind = TrapKind::allow, const std::string& rule = "hci/x") {
    auto& made = world.rule(rule, kind);
    host.outbound.push_back(World::flow(made, host.node->set, to, std::move(service)));
    return made;
  }
  ParsedScript script() { return ParsedScript(world.build().front().text); }
  std::vector<Value> rules() { return script().table("rules").list; }
  bool says(const std::string& code) {
    const auto codes = world.codes();
    return std::find(codes.begin(), codes.end(), code) != codes.end();
  }
};

// ---- 1.1, 4: parameters ------------------------------------------------------------------------

// The source document's `-Direction Outbound -LocalPort 443` matches no client.
TEST(WindowsFirewallTrap, OutboundPortIsTheRemotePort) {
  NEEDS_POWERSHELL_GRAMMAR();
  WindowsTrap trap;
  trap.out(trap.world.any(), tcp(443));
  trap.in({"10.0.5.1"}, tcp(443), TrapKind::allow, "hci/y");
  const auto rules = trap.rules();
  ASSERT_EQ(rules.size(), 2u);
  for (const Value& rule : rules) {
    const bool inbound = rule.at("Direction").text == "Inbound";
    EXPECT_EQ(rule.texts(inbound ? "LocalPort" : "RemotePort"), TrapTexts{"443"});
    EXPECT_FALSE(rule.map.contains(inbound ? "RemotePort" : "LocalPort"));
  }
}

TEST(WindowsFirewallTrap, NamesAreShortAndWithoutBarsAndWildcards) {
  NEEDS_POWERSHELL_GRAMMAR();
  WindowsTrap trap;
  trap.in({"10.0.5.1"}, tcp(1), TrapKind::allow, "hci/" + std::string(600, 'x') + "[*]?|");
  const std::string name = trap.rules().at(0).at("Name").text;
  EXPECT_LE(name.size(), 511u);
  EXPECT_EQ(name.find_first_of("|*?[]`"), std::string::npos) << name;
}

TEST(WindowsFirewallTrap, DisplayNameIsNeverEmptyOrAll) {
  NEEDS_POWERSHELL_GRAMMAR();
  for (const char* title : {"", "All", "ALL", " ", "|"}) {
    WindowsTrap trap;
    auto& rule = trap.in({"10.0.5.1"}, tcp(1));
    rule.title = rule.origin.feature_title = title;
    const std::string shown = trap.rules().at(0).at("DisplayName").text;
    EXPECT_FALSE(std::regex_match(shown, std::regex("\\s*(all)?\\s*", std::regex::icase)));
    EXPECT_EQ(shown.find('|'), std::string::npos) << shown;
  }
}

TEST(WindowsFirewallTrap, TextsHaveLessThanTenThousandCharactersAndNoBar) {
  NEEDS_POWERSHELL_GRAMMAR();
  WindowsTrap trap;
  auto& rule = trap.in({"10.0.5.1"}, tcp(1));
  const std::string text = std::string(20'000, 'n') + "|" + std::string(20'000, 'm');
  rule.title = rule.note = rule.owner = rule.reason = rule.origin.source = text;
  rule.origin.feature_title = "a|b";
  const auto made = trap.rules().at(0);
  for (const char* field : {"DisplayName", "Description"}) {
    EXPECT_LT(made.at(field).text.size(), 10'000u);
    EXPECT_EQ(made.at(field).text.find('|'), std::string::npos);
  }
}

// "@file.dll,-id" is a text of Windows' own.
TEST(WindowsFirewallTrap, GroupIsNoResourceString) {
  for (const char* group : {"@FirewallAPI.dll,-28502", "a|b", "hci*"}) {
    WindowsTrap trap;
    trap.world.option("group", group);
    trap.world.build();
    EXPECT_TRUE(trap.says("E0611")) << group;
  }
}

TEST(WindowsFirewallTrap, OnlyFourProtocolsHavePortsOrTypes) {
  NEEDS_POWERSHELL_GRAMMAR();
  WindowsTrap trap;
  trap.in({"10.0.5.1"}, net::ServiceSet::whole(50) | net::ServiceSet::whole(132) | tcp(1));
  for (const Value& rule : trap.rules()) {
    const std::string& protocol = rule.at("Protocol").text;
    const bool has = rule.map.contains("LocalPort") || rule.map.contains("IcmpType");
    EXPECT_EQ(has, protocol == "TCP") << protocol;
  }
}

// RPC, RPCEPMap, Teredo and the like are for inbound rules of some protocols only.
TEST(WindowsFirewallTrap, PortsAreNumbers) {
  NEEDS_POWERSHELL_GRAMMAR();
  WindowsTrap trap;
  trap.in({"10.0.5.1"}, tcp(135) | tcp(5000, 5099) | tcp(0, 0) | tcp(65535, 65535));
  trap.out(trap.world.any(), udp(3544), TrapKind::allow, "hci/y");
  for (const Value& rule : trap.rules()) {
    for (const char* field : {"LocalPort", "RemotePort"}) {
      for (const std::string& text : rule.texts(field)) {
        EXPECT_TRUE(std::regex_match(text, std::regex("[0-9]+(-[0-9]+)?"))) << text;
      }
    }
  }
}

// Whether the cmdlets take `8:*` is not known.
TEST(WindowsFirewallTrap, IcmpTypesAreWrittenWithoutACode) {
  NEEDS_POWERSHELL_GRAMMAR();
  WindowsTrap trap;
  trap.in({"10.0.5.1"}, net::ServiceSet::icmp_type(net::protocol::icmp, 8));
  EXPECT_EQ(trap.rules().at(0).texts("IcmpType"), TrapTexts{"8"});
}

// 0x80070057, 0xD000000D: no host names, no mask of nothing, no `::` and no `::1`.
TEST(WindowsFirewallTrap, AddressesThatTheCmdletsRefuse) {
  NEEDS_POWERSHELL_GRAMMAR();
  for (const TrapTexts& from :
       {TrapTexts{"0.0.0.0/0"}, TrapTexts{"::/0"}, TrapTexts{"0.0.0.0/0", "::/0"},
        TrapTexts{"::-::ffff"}, TrapTexts{"::1", "::2"}, TrapTexts{"0.0.0.0/0", "fd00:5::/64"}}) {
    WindowsTrap trap;
    trap.in(from, tcp(1));
    const auto script = trap.script();
    // Throws for an address that Windows refuses.
    const WindowsRules rules(script.table("rules"));
    const auto& list = script.table("rules").list;
    ASSERT_FALSE(list.empty());
    for (const Value& rule : list) {
      for (const std::string& text : rule.texts("RemoteAddress")) {
        EXPECT_EQ(text.find("/0"), std::string::npos) << text;
        EXPECT_TRUE(std::regex_match(text, std::regex("Any|[0-9a-f.:/-]+"))) << text;
      }
    }
  }
}

// Keywords are for remote addresses only, and the rest may be `Any`.
TEST(WindowsFirewallTrap, LocalAddressesAreTheServersOwn) {
  NEEDS_POWERSHELL_GRAMMAR();
  WindowsTrap trap;
  trap.in(trap.world.any(), tcp(1));
  EXPECT_EQ(trap.rules().at(0).texts("LocalAddress"), (TrapTexts{"10.0.0.11", "fd00::11"}));
}

// ---- 1.3: what beats what ----------------------------------------------------------------------

// An exception of a deny is taken out of it: a block rule would beat an allow rule for it.
TEST(WindowsFirewallTrap, BlockBeatsEveryAllow) {
  NEEDS_POWERSHELL_GRAMMAR();
  WindowsTrap trap;
  trap.in({"10.0.5.1"}, tcp(3389), TrapKind::deny, "hci/deny");
  trap.in({"10.0.5.0/28"}, tcp(3389), TrapKind::allow, "hci/allow");
  const auto script = trap.script();
  const WindowsRules rules(script.table("rules"));
  const auto packet = [](const std::string& remote) {
    return WindowsPacket{true, bytes_of("10.0.0.11"), bytes_of(remote), 6, 3389};
  };
  EXPECT_EQ(rules.verdict(packet("10.0.5.1")), "Block");
  EXPECT_EQ(rules.verdict(packet("10.0.5.2")), "Allow");
  EXPECT_EQ(rules.verdict(packet("10.0.6.1")), "Default");
}

// The end of a policy is the default action of the profile; as a rule it would block everything.
TEST(WindowsFirewallTrap, TheEndOfThePolicyIsNoBlockRule) {
  NEEDS_POWERSHELL_GRAMMAR();
  WindowsTrap trap;
  trap.world.option("lock_down", true);
  trap.in({"10.0.5.1"}, tcp(1));
  trap.out(trap.world.any(), tcp(443), TrapKind::allow, "hci/y");
  const auto script = trap.script();
  for (const Value& rule : script.table("rules").list) EXPECT_EQ(rule.at("Action").text, "Allow");
  EXPECT_EQ(script.table("policy").at("Outbound").text, "Block");
}

TEST(WindowsFirewallTrap, AnOutboundAllowChangesNothingByItself) {
  WindowsTrap trap;
  trap.out(trap.world.any(), tcp(443));
  trap.world.build();
  EXPECT_NE(trap.world.messages().find("change nothing while"), std::string::npos);
}

// Cards of a cluster's storage often are in the Public profile.
TEST(WindowsFirewallTrap, RulesAreForEveryProfile) {
  NEEDS_POWERSHELL_GRAMMAR();
  WindowsTrap trap;
  trap.in({"10.0.5.1"}, tcp(1));
  EXPECT_EQ(trap.script().table("policy").at("Profile").text, "Any");
}

TEST(WindowsFirewallTrap, RepliesNeedNoRule) {
  NEEDS_POWERSHELL_GRAMMAR();
  WindowsTrap trap;
  trap.in({"10.0.5.1"}, tcp(1));
  const auto rules = trap.rules();
  ASSERT_EQ(rules.size(), 1u);
  EXPECT_EQ(rules[0].at("Direction").text, "Inbound");
}

TEST(WindowsFirewallTrap, AThousandAddressesInARule) {
  NEEDS_POWERSHELL_GRAMMAR();
  for (const int count : {1000, 1001}) {
    WindowsTrap trap;
    TrapTexts from;
    for (int i = 0; i < count; ++i)
      from.push_back(fmt::format("20.{}.{}.0/24", i / 100, i % 100 * 2));
    trap.in(from, tcp(1));
    std::size_t all = 0;
    for (const Value& rule : trap.rules()) {
      EXPECT_LE(rule.texts("RemoteAddress").size(), 1000u);
      all += rule.texts("RemoteAddress").size();
    }
    EXPECT_EQ(all, static_cast<std::size_t>(count));
  }
}

TEST(WindowsFirewallTrap, AThousandPortsInARule) {
  for (const unsigned count : {1000u, 1001u}) {
    net::ServiceSet service;
    for (unsigned i = 0; i < count; ++i) {
      service = service | tcp(static_cast<std::uint16_t>(10 + 2 * i));
    }
    WindowsTrap trap;
    trap.in({"10.0.5.1"}, service);
    trap.world.build();
    EXPECT_EQ(trap.world.codes(), count == 1000 ? TrapTexts{} : TrapTexts{"E0613"});
  }
}

TEST(WindowsFirewallTrap, AThousandHostNamesInARule) {
  for (const int count : {1000, 1001}) {
    WindowsTrap trap;
    trap.world.option("names", "dynamic-keywords");
    TrapTexts names;
    for (int i = 0; i < count; ++i) names.push_back(fmt::format("h{}.example", i));
    trap.out(trap.world.endpoint("far", names), tcp(443));
    trap.world.build();
    EXPECT_EQ(trap.says("E0613"), count > 1000);
  }
}

TEST(WindowsFirewallTrap, AThousandRulesSlowTheStart) {
  for (const unsigned count : {1000u, 1001u}) {
    WindowsTrap trap;
    for (unsigned i = 0; i < count; ++i) {
      trap.in({"10.0.5.1"}, tcp(static_cast<std::uint16_t>(i)), TrapKind::allow,
              fmt::format("hci/r{}", i));
    }
    trap.world.build();
    EXPECT_EQ(trap.world.codes(), count == 1000 ? TrapTexts{} : TrapTexts{"W0615"});
  }
}

TEST(WindowsFirewallTrap, PrefixesAreAsFewAsCanBe) {
  NEEDS_POWERSHELL_GRAMMAR();
  WindowsTrap trap;
  trap.in({"10.1.0.0/25", "10.1.0.128/25", "10.1.1.0/24", "10.1.0.7"}, tcp(1));
  EXPECT_EQ(trap.rules().at(0).texts("RemoteAddress"), TrapTexts{"10.1.0.0/23"});
}

TEST(WindowsFirewallTrap, RulesKnowNoHostNames) {
  NEEDS_POWERSHELL_GRAMMAR();
  WindowsTrap trap;
  trap.out(trap.world.endpoint("far", {"*.blob.core.windows.net"}), tcp(443));
  EXPECT_TRUE(trap.rules().empty());
  EXPECT_TRUE(trap.says("W0614"));
}

TEST(WindowsFirewallTrap, NamesAreResolvedForOutboundRulesOnly) {
  WindowsTrap trap;
  trap.world.option("names", "dynamic-keywords");
  trap.in(trap.world.endpoint("far", {"a.example"}), tcp(443));
  const auto artefacts = trap.world.build();
  EXPECT_TRUE(trap.world.reporter.has_errors() || trap.says("W0614")) << trap.world.messages();
}

TEST(WindowsFirewallTrap, DynamicKeywordsAreBracedGuids) {
  NEEDS_POWERSHELL_GRAMMAR();
  WindowsTrap trap;
  trap.world.option("names", "dynamic-keywords");
  trap.out(trap.world.endpoint("far", {"*.a.example"}), tcp(443));
  const auto script = trap.script();
  const std::string& id = script.table("keywords").list.at(0).at("Id").text;
  EXPECT_TRUE(std::regex_match(id, std::regex("\\{[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\\}")));
  EXPECT_EQ(script.table("rules").list.at(0).texts("RemoteDynamicKeywordAddresses"), TrapTexts{id});
}

// An empty list would be Any.
TEST(WindowsFirewallTrap, AnEmptyTagIsNotEveryAddress) {
  NEEDS_POWERSHELL_GRAMMAR();
  for (const char* option : {"addresses", "dynamic-keywords"}) {
    WindowsTrap trap;
    trap.world.option("service_tags", option);
    trap.out(trap.world.tag("Nothing", {}), tcp(443));
    const auto artefacts = trap.world.build();
    if (artefacts.empty()) continue;
    const ParsedScript script(artefacts.front().text);
    for (const Value& rule : script.table("rules").list) {
      EXPECT_NE(rule.texts("RemoteAddress"), TrapTexts{"Any"}) << option;
      EXPECT_FALSE(rule.texts("RemoteAddress").empty() &&
                   rule.texts("RemoteDynamicKeywordAddresses").empty())
          << option;
    }
    EXPECT_TRUE(trap.world.reporter.has_errors() || trap.says("W0614")) << trap.world.messages();
  }
}

TEST(WindowsFirewallTrap, WindowsOwnRulesLetEveryAddressIn) {
  WindowsTrap trap;
  trap.world.option("builtin", true);
  trap.in({"10.0.5.1"}, tcp(445));
  trap.world.build();
  EXPECT_TRUE(trap.says("W0611"));
}

// There is none for WinRM over TLS, nor for Storage Replica.
TEST(WindowsFirewallTrap, NoRuleOfWindowsOwnForPort5986) {
  NEEDS_POWERSHELL_GRAMMAR();
  WindowsTrap trap;
  trap.world.option("builtin", true);
  trap.in({"10.0.5.1"}, tcp(5986));
  const auto script = trap.script();
  EXPECT_TRUE(script.table("builtin").list.empty());
  EXPECT_EQ(script.table("rules").list.at(0).texts("LocalPort"), TrapTexts{"5986"});
}

// U+2018 to U+201E are quotes, U+2013 to U+2015 dashes, and U+0085 ends a line.
TEST(WindowsFirewallTrap, UnicodeHasQuotesDashesAndLineEnds) {
  NEEDS_POWERSHELL_GRAMMAR();
  WindowsTrap plain;
  plain.in({"10.0.5.1"}, tcp(1)).note = "note";
  const std::string shape = plain.script().shape();
  for (const char* note : {"\xe2\x80\x98",
                           "\xe2\x80\x99",
                           "\xe2\x80\x9a",
                           "\xe2\x80\x9b",
                           "\xe2\x80\x9c",
                           "\xe2\x80\x9d",
                           "\xe2\x80\x9e",
                           "\xe2\x80\x93",
                           "\xe2\x80\x94",
                           "\xc2\x85",
                           "\xe2\x80\xa8",
                           "\xe2\x80\xae",
                           "'",
                           "\"",
                           "`",
                           "$(calc)",
                           "#>",
                           "\n'@",
                           "\r\n",
                           "\xc2\xa0"}) {
    WindowsTrap trap;
    trap.in({"10.0.5.1"}, tcp(1)).note = std::string("note ") + note + " Remove-Item x";
    const std::string text = trap.world.build().front().text;
    EXPECT_EQ(ParsedScript(text).shape(), shape) << note;
    EXPECT_TRUE(std::all_of(text.begin(), text.end(), [](char c) {
      return (c >= 0x20 && c < 0x7f) || c == '\n';
    })) << note;
  }
}

// `@(5000-5100)` is -100.
TEST(WindowsFirewallTrap, ARangeOfPortsIsAString) {
  WindowsTrap trap;
  trap.in({"10.0.5.1"}, tcp(5000, 5100));
  EXPECT_NE(trap.world.build().front().text.find("LocalPort     = @('5000-5100')"),
            std::string::npos);
}

}  // namespace
}  // namespace hcipol::test::windows_firewall
