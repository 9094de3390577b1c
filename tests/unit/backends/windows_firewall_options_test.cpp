// What the target of Windows Firewall may ask for beside rules, and what a rule of Windows can
// hold.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <regex>

#include "tests/support/repository.h"
#include "tests/unit/backends/windows_firewall_builder.h"
#include "tests/unit/backends/windows_firewall_reader.h"

namespace hcipol::test::windows_firewall {
namespace {

using Kind = policy::Rule::Kind;
using Codes = std::vector<std::string>;

/// A server with one inbound rule from the management's addresses.
struct Inbound {
  World world;

  explicit Inbound(net::ServiceSet service, Kind kind = Kind::allow) {
    auto& host = world.server("e1", {"10.0.0.11", "fd00::11"});
    host.inbound.push_back(World::flow(world.rule("hci/x", kind),
                                       world.set("m", {"10.0.5.0/28", "fd00:5::/64"}),
                                       host.node->set, std::move(service)));
  }
};

Codes names_of(const Value& list) {
  Codes out;
  for (const Value& each : list.list) out.push_back(each.at("Name").text);
  return out;
}

TEST(WindowsFirewallBuiltin, IsOffUnlessAskedFor) {
  NEEDS_POWERSHELL_GRAMMAR();
  Inbound one(tcp(445));
  const ParsedScript script(one.world.build().front().text);
  EXPECT_TRUE(script.table("builtin").list.empty());
  EXPECT_EQ(script.table("rules").list.size(), 1u);
  EXPECT_TRUE(one.world.codes().empty());
}

TEST(WindowsFirewallBuiltin, StandsForTheRuleAndIsReportedAsWider) {
  NEEDS_POWERSHELL_GRAMMAR();
  Inbound one(tcp(445));
  one.world.option("builtin", true);
  const auto artefacts = one.world.build();
  const ParsedScript script(artefacts.front().text);
  ASSERT_EQ(names_of(script.table("builtin")), Codes{"FPS-SMB-In-TCP"});
  EXPECT_EQ(script.table("builtin").list[0].at("Protocol").text, "TCP");
  EXPECT_EQ(script.table("builtin").list[0].texts("LocalPort"), Codes{"445"});
  EXPECT_TRUE(script.table("rules").list.empty());
  ASSERT_EQ(artefacts.front().rules.size(), 1u);
  EXPECT_EQ(artefacts.front().rules[0].id, "FPS-SMB-In-TCP");
  EXPECT_EQ(one.world.codes(), (Codes{"W0611", "W0615"}));
  ASSERT_FALSE(one.world.remarks.empty());
  const backends::Remark& remark = one.world.remarks.front();
  EXPECT_EQ(
      remark.text,
      "Windows' own rule FPS-SMB-In-TCP stands for it and lets tcp/445 in from every address");
  ASSERT_EQ(remark.wider.size(), 1u);
  EXPECT_EQ(remark.wider[0].on, "tcp/445");
  EXPECT_EQ(remark.wider[0].from, (Codes{"0.0.0.0/0", "::/0"}));
}

// A port has Windows' own rule or one of the policy, and a range stays whole.
TEST(WindowsFirewallBuiltin, TakesItsPortsOutOfRules) {
  NEEDS_POWERSHELL_GRAMMAR();
  Inbound one(tcp(445) | tcp(5985, 5986) | tcp(9182) | udp(3343) |
              net::ServiceSet::icmp_type(net::protocol::icmp, 8) |
              net::ServiceSet::icmp_type(net::protocol::icmp, 3));
  one.world.option("builtin", true);
  const ParsedScript script(one.world.build().front().text);
  EXPECT_EQ(names_of(script.table("builtin")),
            (Codes{"FPS-ICMP4-ERQ-In", "FPS-SMB-In-TCP", "FailoverClustering-NetFt-UDP-In"}));
  const auto& rules = script.table("rules").list;
  ASSERT_EQ(rules.size(), 2u);
  EXPECT_EQ(rules[0].texts("IcmpType"), Codes{"3"});
  EXPECT_EQ(rules[1].texts("LocalPort"), (Codes{"5985-5986", "9182"}));
}

// That of WinRM is for Domain and Private on servers: in the place of a rule for Public, Apply
// would find it unsuitable and stop.
TEST(WindowsFirewallBuiltin, OfWinRmStandsForNoRuleInPublic) {
  NEEDS_POWERSHELL_GRAMMAR();
  const std::vector<std::pair<Codes, bool>> cases{{{}, false},
                                                  {{"Any"}, false},
                                                  {{"Domain", "Public"}, false},
                                                  {{"Public"}, false},
                                                  {{"Domain", "Private"}, true},
                                                  {{"Domain"}, true}};
  for (const auto& [profiles, stands] : cases) {
    Inbound one(tcp(5985) | tcp(445));
    one.world.option("builtin", true);
    if (!profiles.empty()) one.world.option("profile", profiles);
    const ParsedScript script(one.world.build().front().text);
    const Codes both{"FPS-SMB-In-TCP", "WINRM-HTTP-In-TCP"};
    EXPECT_EQ(names_of(script.table("builtin")), stands ? both : Codes{"FPS-SMB-In-TCP"});
    EXPECT_EQ(script.table("rules").list.size(), stands ? 0u : 1u);
  }
}

// No packet tells: the rule lets them in, and is not there for the profile.
TEST(WindowsFirewallBuiltin, OfWinRmInPublicIsFoundInTheScript) {
  Inbound one(tcp(5985));
  one.world.option("builtin", true);
  one.world.option("profile", Codes{"Domain"});
  const auto backend = backends::windows_firewall::backend();
  backends::EmitContext context(one.world.reporter, one.world.device);
  backends::Emission emission = backend.emit(one.world.device, context);
  EXPECT_EQ(backends::difference(backend, one.world.device, emission).value_or(""), "");
  one.world.option("profile", Codes{"Any"});
  std::string& text = emission.artefacts[0].text;
  text = std::regex_replace(text, std::regex("(Profile    = ')Domain"), "$1Any");
  const auto found = backends::difference(backend, one.world.device, emission).value_or("");
  EXPECT_NE(found.find("not for the profile Public"), std::string::npos) << found;
}

TEST(WindowsFirewallBuiltin, StandsForNoDenyNoExceptionAndNoWholeProtocol) {
  NEEDS_POWERSHELL_GRAMMAR();
  for (const Kind kind : {Kind::deny, Kind::exception}) {
    Inbound one(tcp(445), kind);
    one.world.option("builtin", true);
    const ParsedScript script(one.world.build().front().text);
    EXPECT_TRUE(script.table("builtin").list.empty());
    EXPECT_EQ(script.table("rules").list.size(), 1u);
  }
  Inbound whole(tcp(0, 65535) | net::ServiceSet::whole(net::protocol::icmp));
  whole.world.option("builtin", true);
  const ParsedScript script(whole.world.build().front().text);
  EXPECT_TRUE(script.table("builtin").list.empty());
  EXPECT_EQ(script.table("rules").list.size(), 2u);
}

TEST(WindowsFirewallBuiltin, IsNamedOnceForSeveralRules) {
  NEEDS_POWERSHELL_GRAMMAR();
  World world;
  world.option("builtin", true);
  auto& host = world.server("e1", {"10.0.0.11"});
  for (const char* rule : {"hci/a", "hci/b"}) {
    host.inbound.push_back(
        World::flow(world.rule(rule), world.set(rule, {"10.0.5.1"}), host.node->set, tcp(445)));
  }
  const auto artefacts = world.build();
  EXPECT_EQ(ParsedScript(artefacts.front().text).table("builtin").list.size(), 1u);
  EXPECT_EQ(artefacts.front().rules.size(), 2u);
  EXPECT_EQ(world.codes(), (Codes{"W0611", "W0611", "W0615"}));
}

TEST(WindowsFirewallLockDown, IsSaidInTheScriptAndToPeople) {
  NEEDS_POWERSHELL_GRAMMAR();
  for (const bool on : {false, true}) {
    World world;
    world.option("lock_down", on);
    auto& host = world.server("e1", {"10.0.0.11"});
    host.outbound.push_back(
        World::flow(world.rule("hci/x"), host.node->set, world.any(), tcp(443)));
    const ParsedScript script(world.build().front().text);
    EXPECT_EQ(script.table("policy").at("Outbound").text, on ? "Block" : "Unchanged");
    EXPECT_EQ(world.codes(), Codes{"W0615"});
    EXPECT_EQ(world.messages().find("sets the default outbound action") != std::string::npos, on);
    EXPECT_EQ(world.messages().find("change nothing while") != std::string::npos, !on);
  }
}

TEST(WindowsFirewallTags, AreObjectsThatRulesReferTo) {
  NEEDS_POWERSHELL_GRAMMAR();
  World world;
  world.option("service_tags", "dynamic-keywords");
  auto& host = world.server("e1", {"10.0.0.11", "fd00::11"});
  // More than a rule could hold, in both families.
  Codes prefixes{"2001:db8::/48"};
  for (int i = 0; i < 1500; ++i) {
    prefixes.push_back(fmt::format("203.{}.{}.0/25", i / 250, i % 250));
  }
  auto* tag = world.tag("AzureMonitor", prefixes);
  for (const std::uint16_t port : {std::uint16_t{443}, std::uint16_t{444}}) {
    host.outbound.push_back(
        World::flow(world.rule("hci/x" + std::to_string(port)), host.node->set, tag, tcp(port)));
  }
  const auto artefacts = world.build();
  const ParsedScript script(artefacts.front().text);
  const auto& keywords = script.table("keywords").list;
  ASSERT_EQ(keywords.size(), 1u);
  EXPECT_EQ(keywords[0].at("Keyword").text, "AzureMonitor");
  EXPECT_EQ(addresses(keywords[0].texts("Addresses")), tag->tag_addresses);
  const auto& rules = script.table("rules").list;
  ASSERT_EQ(rules.size(), 2u);
  for (const Value& rule : rules) {
    EXPECT_EQ(rule.texts("RemoteDynamicKeywordAddresses"), Codes{keywords[0].at("Id").text});
    EXPECT_FALSE(rule.map.contains("RemoteAddress"));
    EXPECT_EQ(rule.texts("LocalAddress"), (Codes{"10.0.0.11", "fd00::11"}));
  }
  EXPECT_NE(world.messages().find("Windows Server 2022"), std::string::npos);
}

// Windows refers to dynamic keywords in remote addresses of outbound rules.
TEST(WindowsFirewallTags, StayAddressesInInboundRules) {
  NEEDS_POWERSHELL_GRAMMAR();
  World world;
  world.option("service_tags", "dynamic-keywords");
  auto& host = world.server("e1", {"10.0.0.11"});
  host.inbound.push_back(World::flow(world.rule("hci/x"),
                                     world.tag("AzureMonitor", {"203.0.113.0/25"}), host.node->set,
                                     tcp(443)));
  const ParsedScript script(world.build().front().text);
  EXPECT_TRUE(script.table("keywords").list.empty());
  EXPECT_EQ(script.table("rules").list.at(0).texts("RemoteAddress"), Codes{"203.0.113.0/25"});
}

// A tag beside addresses, and one of a family that the server does not have.
TEST(WindowsFirewallTags, AreRulesOfTheirOwn) {
  NEEDS_POWERSHELL_GRAMMAR();
  World world;
  world.option("service_tags", "dynamic-keywords");
  auto& host = world.server("e1", {"10.0.0.11"});
  host.outbound.push_back(World::flow(world.rule("hci/x"), host.node->set,
                                      world.tag("A", {"203.0.113.0/25"}), tcp(443)));
  host.outbound.back().to.push_back(world.set("b", {"198.51.100.7"}));
  host.outbound.push_back(World::flow(world.rule("hci/y"), host.node->set,
                                      world.tag("B", {"2001:db8::/48"}), tcp(443)));
  const ParsedScript script(world.build().front().text);
  ASSERT_EQ(script.table("rules").list.size(), 2u);
  EXPECT_EQ(script.table("rules").list[0].texts("RemoteAddress"), Codes{"198.51.100.7"});
  EXPECT_EQ(script.table("rules").list[1].texts("RemoteDynamicKeywordAddresses").size(), 1u);
}

TEST(WindowsFirewallTags, BadValuesAreErrors) {
  World world;
  world.option("service_tags", "edl");
  world.build();
  EXPECT_EQ(world.codes(), Codes{"E0611"});
}

// ---- the page ----------------------------------------------------------------------------------

TEST(WindowsFirewallPage, NamesEveryOptionModeAndParameter) {
  const auto files = files_below("backends/windows_firewall");
  const std::string& page = files.at("backends/windows_firewall/README.md");
  for (const sema::OptionSpec& option : backends::windows_firewall::backend().options) {
    EXPECT_NE(page.find(fmt::format("\n| `{}` | ", option.name)), std::string::npos) << option.name;
  }
  const std::string& head = files.at("backends/windows_firewall/head.ps1");
  const std::regex parameter(R"(\n    \[(?:string|switch)\] \$(\w+))");
  int count = 0;
  for (std::sregex_iterator it(head.begin(), head.end(), parameter), end; it != end;
       ++it, ++count) {
    EXPECT_NE(page.find("-" + (*it)[1].str()), std::string::npos) << (*it)[1];
    EXPECT_NE(head.find(".PARAMETER " + (*it)[1].str()), std::string::npos) << (*it)[1];
  }
  EXPECT_EQ(count, 6);
  for (const char* mode : {"Apply", "Remove", "Restore"}) {
    EXPECT_NE(page.find(fmt::format(".ps1 -Mode {}", mode)), std::string::npos) << mode;
  }
}

// An exception ends by the server's clock, and the proof knows when.
TEST(WindowsFirewallUntil, AnExceptionEndsWithItsLastDay) {
  NEEDS_POWERSHELL_GRAMMAR();
  World world;
  auto& host = world.server("e1", {"10.0.0.11"});
  const auto exception = [&](const std::string& name, const char* day, const char* from) {
    auto& rule = world.rule("main/" + name, Kind::exception);
    rule.expires = parse_date(day);
    host.inbound.push_back(World::flow(rule, world.set(name, {from}), host.node->set, tcp(445)));
  };
  exception("one", "2030-06-30", "192.0.2.1");
  exception("two", "2031-01-31", "192.0.2.2");
  auto& rule = world.rule("main/for-ever");
  rule.expires = std::nullopt;
  host.inbound.push_back(
      World::flow(rule, world.set("three", {"192.0.2.3"}), host.node->set, tcp(445)));
  const backends::Backend row = backends::windows_firewall::backend();
  backends::EmitContext context(world.reporter, world.device);
  const backends::Emission emission = row.emit(world.device, context);
  const std::string& script = emission.artefacts.front().text;
  Codes ends;
  const ParsedScript parsed(script);
  for (const Value& each : parsed.table("rules").list) {
    ends.push_back(each.map.contains("Until") ? each.at("Until").text : "");
  }
  EXPECT_EQ(ends, (Codes{"2030-06-30", "2031-01-31", ""}));

  const auto difference_with = [&](const std::string& from, const std::string& to) {
    backends::Emission changed = emission;
    std::string& text = changed.artefacts.front().text;
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    return backends::difference(row, world.device, changed).value_or("");
  };
  EXPECT_EQ(difference_with("= '2030-06-30'", "= '2030-06-30'"), "");
  EXPECT_EQ(difference_with("= '2030-06-30'", "= '2030-07-01'"),
            "e1.ps1, what ends on 2030-06-30: 192.0.2.1 -> 10.0.0.11 on tcp/445 does not pass and "
            "should");
  EXPECT_EQ(difference_with("= '2030-06-30'", "= '2030-06-29'"),
            "e1.ps1, what ends on 2030-06-29: 192.0.2.1 -> 10.0.0.11 on tcp/445 passes and should "
            "not");
  // Of one exception the other's end.
  EXPECT_NE(difference_with("= '2030-06-30'", "= '2031-01-31'"), "");
  EXPECT_NE(difference_with("        Until         = '2031-01-31'\n", ""), "");
  // What the engine would not compare as a day, and what it would not end.
  EXPECT_NE(difference_with("= '2030-06-30'", "= '2030-6-30'"), "");
  EXPECT_NE(difference_with("Until         = '2030-06-30'", "Until         = @('2030-06-30')"), "");
  EXPECT_NE(difference_with("= 'Allow'\n        Until", "= 'Block'\n        Until"), "");
}

// New-NetFirewallRule refuses them (0xD000000D), and `0.0.0.0/0` is the mask that it has not.
TEST(WindowsFirewallAddresses, ThoseThatWindowsRefusesAreNeverWritten) {
  NEEDS_POWERSHELL_GRAMMAR();
  World world;
  auto& host = world.server("e1", {"10.0.0.11", "fd00::11"});
  const auto* far = world.set("m", {"0.0.0.0/0", "::-2001::"});
  host.inbound.push_back(World::flow(world.rule("hci/x"), far, host.node->set, tcp(1)));
  const ParsedScript script(world.build().front().text);
  ASSERT_EQ(script.table("rules").list.size(), 2u);
  EXPECT_EQ(script.table("rules").list[0].texts("RemoteAddress"), Codes{"Any"});
  EXPECT_EQ(script.table("rules").list[0].texts("LocalAddress"), Codes{"10.0.0.11"});
  EXPECT_EQ(script.table("rules").list[1].texts("RemoteAddress"), Codes{"::2-2001::"});
}

// The engine takes away what has the group and the cluster's prefix: `hcipolc-prod-` is also that
// of the rules of `prod-dr`.
TEST(WindowsFirewallGroup, ClustersOfWhichOneNameBeginsTheOtherDoNotShareIt) {
  const auto codes = [](const std::string& other, const std::string& group, const char* backend) {
    Inbound one(tcp(445));
    World& world = one.world;
    world.option("group", "Our Servers");
    policy::Target target = world.target;
    target.backend = backend;
    world.policy.clusters.emplace_back().name = other;
    policy::TargetView view;
    view.target = &target;
    if (!group.empty()) view.options["group"] = sema::Value{group, {}};
    world.policy.views.push_back({view});
    world.build();
    return world.codes();
  };
  for (const char* other : {"prod-dr", "PROD-x", "Prod"}) {
    EXPECT_EQ(codes(other, "our servers", "windows-firewall"), Codes{"E0611"}) << other;
    EXPECT_EQ(codes(other, "theirs", "windows-firewall"), Codes{}) << other;
    EXPECT_EQ(codes(other, "", "windows-firewall"), Codes{}) << other;
    EXPECT_EQ(codes(other, "our servers", "nftables"), Codes{}) << other;
  }
  for (const char* other : {"product", "pro", "dr-prod", "lab"}) {
    EXPECT_EQ(codes(other, "our servers", "windows-firewall"), Codes{}) << other;
  }
}

}  // namespace
}  // namespace hcipol::test::windows_firewall
