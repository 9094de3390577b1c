// The form of the scripts for Windows Firewall: PowerShell's grammar, quoting, names, limits.
#include "backends/windows_firewall/windows_firewall.h"

#include <gtest/gtest.h>

#include <set>

#include "backends/windows_firewall/script_text.h"
#include "tests/unit/backends/windows_firewall_builder.h"
#include "tests/unit/backends/windows_firewall_reader.h"

namespace hcipol::test::windows_firewall {
namespace {

using Kind = policy::Rule::Kind;
using Codes = std::vector<std::string>;

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> out{""};
  for (const char c : text) {
    if (c == '\n') {
      out.emplace_back();
    } else {
      out.back() += c;
    }
  }
  return out;
}

// A server with both families and a flow of each kind and direction.
void populate(World& world, const std::string& title, const std::string& note) {
  auto& host = world.server("e1", {"10.0.0.11", "fd00::11"});
  const auto* own = host.node->set;
  const auto* far = world.set("management", {"10.0.5.10", "10.0.5.20-10.0.5.22", "fd00:5::/64"});
  for (const Kind kind : {Kind::exception, Kind::deny, Kind::allow}) {
    auto& rule = world.rule("main/x.r" + std::to_string(static_cast<int>(kind)), kind);
    rule.title = title;
    rule.note = note;
    rule.owner = note;
    rule.reason = note;
    rule.origin.source = note;
    rule.origin.feature_title = title;
    host.inbound.push_back(World::flow(rule, far, own, tcp(135) | tcp(5000, 5099)));
    host.outbound.push_back(World::flow(rule, own, far, udp(53)));
  }
}

// ---- text --------------------------------------------------------------------------------------

TEST(WindowsFirewallText, PlainIsOneLineOfVisibleText) {
  using backends::windows_firewall::plain;
  EXPECT_EQ(plain("a\nb\tc\x01"
                  "d",
                  100),
            "a b c d");
  EXPECT_EQ(plain("a|b", 100), "a/b");
  EXPECT_EQ(plain("a\xe2\x80\xae"
                  "b\xe2\x80\x8b"
                  "c",
                  100),
            "a b c");  // U+202E, U+200B
  EXPECT_EQ(plain("Z\xc3\xbcrich", 2), "Z\xc3\xbc");
  EXPECT_EQ(plain("bad \xff byte", 100), "bad   byte");
}

TEST(WindowsFirewallText, EscapedIsWhatRegexUnescapeReads) {
  using backends::windows_firewall::escaped;
  EXPECT_EQ(escaped("Z\xc3\xbcrich"), "Z\\u00FCrich");
  EXPECT_EQ(escaped("\xe2\x80\x99"), "\\u2019");
  EXPECT_EQ(escaped("a\\u0041"), "a\\\\u0041");
  EXPECT_EQ(escaped("\xf0\x9f\x98\x80"), "\\uD83D\\uDE00");  // U+1F600
}

TEST(WindowsFirewallText, QuotedDoublesQuotes) {
  const auto quoted = [](std::string_view text) {
    std::string out;
    backends::windows_firewall::append_quoted(out, text);
    return out;
  };
  EXPECT_EQ(quoted("Node's $x `n"), "'Node''s $x `n'");
  EXPECT_THROW(quoted("\xe2\x80\x99"), std::logic_error);
  EXPECT_THROW(quoted("a\nb"), std::logic_error);
}

// ---- form --------------------------------------------------------------------------------------

TEST(WindowsFirewall, ScriptIsAsciiWithTidyLines) {
  World world;
  populate(world, "Z\xc3\xbcrich \xe2\x80\x98x\xe2\x80\x99", "\xf0\x9f\x98\x80 two\nlines");
  const auto artefacts = world.build();
  ASSERT_EQ(artefacts.size(), 1u);
  EXPECT_EQ(artefacts.front().path, "e1.ps1");
  EXPECT_TRUE(artefacts.front().text.ends_with("\n"));
  for (const std::string& line : lines(artefacts.front().text)) {
    EXPECT_FALSE(line.ends_with(" ")) << line;
    for (const char c : line) ASSERT_TRUE(c >= 0x20 && c <= 0x7e) << line;
  }
}

TEST(WindowsFirewall, ScriptIsPowerShellAndItsTablesAreRead) {
  NEEDS_POWERSHELL_GRAMMAR();
  World world;
  populate(world, "It's a title", "note");
  const auto artefacts = world.build();
  const ParsedScript script(artefacts.front().text);
  EXPECT_EQ(script.table("policy").at("Server").text, "e1");
  EXPECT_EQ(script.table("policy").at("Group").text, "hcipolc:prod");
  EXPECT_EQ(script.table("policy").at("Profile").text, "Any");
  EXPECT_EQ(script.table("policy").texts("Address"), (Codes{"10.0.0.11", "fd00::11"}));
  const auto& rules = script.table("rules").list;
  ASSERT_EQ(rules.size(), 6u);
  ASSERT_EQ(artefacts.front().rules.size(), 6u);
  for (std::size_t i = 0; i < rules.size(); ++i) {
    EXPECT_EQ(rules[i].at("Name").text, artefacts.front().rules[i].id);
    EXPECT_EQ(rules[i].at("DisplayName").text.substr(0, 12), "It's a title");
  }
  EXPECT_EQ(rules[0].texts("LocalPort"), (Codes{"135", "5000-5099"}));
  EXPECT_EQ(rules[0].texts("RemotePort"), Codes{});
  EXPECT_EQ(rules[3].texts("RemotePort"), Codes{"53"});
  EXPECT_EQ(rules[3].texts("LocalPort"), Codes{});
  EXPECT_EQ(rules[0].texts("RemoteAddress"),
            (Codes{"10.0.5.10", "10.0.5.20-10.0.5.22", "fd00:5::/64"}));
  EXPECT_EQ(rules[1].at("Action").text, "Block");
}

TEST(WindowsFirewall, HostileTextStaysInsideItsStrings) {
  NEEDS_POWERSHELL_GRAMMAR();
  World harmless;
  populate(harmless, "title", "note");
  const std::string shape = ParsedScript(harmless.build().front().text).shape();
  const std::vector<std::string> hostile{"'; Remove-NetFirewallRule; '",
                                         "'",
                                         "''",
                                         "\"$(Get-Date)\"",
                                         "`'`n",
                                         "#> <#",
                                         "\n'@\n$x = 1\n",
                                         "@'\nx\n'@",
                                         "--> ]]>",
                                         "$env:PATH",
                                         "%SystemRoot%",
                                         "{0} {1}",
                                         "a|b",
                                         ")\n)\n}",
                                         "\\",
                                         "\\'",
                                         "\xe2\x80\x98",
                                         "\xe2\x80\x99; x \xe2\x80\x99",
                                         "\xe2\x80\x9a",
                                         "\xe2\x80\x9b",
                                         "\xe2\x80\x9c$x\xe2\x80\x9d",
                                         "\xe2\x80\x9e",
                                         "\xe2\x80\xae reversed",
                                         "\xc2\x85next line",
                                         "\xe2\x80\xa8line\xe2\x80\xa9paragraph",
                                         "\x01\x02\x1b[31m",
                                         "\xff\xfe",
                                         "\r\nexit 1\r\n"};
  for (const std::string& text : hostile) {
    World world;
    populate(world, text, text);
    const ParsedScript script(world.build().front().text);
    EXPECT_EQ(script.shape(), shape) << text;
    for (const Value& rule : script.table("rules").list) {
      EXPECT_EQ(rule.at("Description").text.find('|'), std::string::npos);
    }
  }
}

TEST(WindowsFirewall, HostileNamesStayInsideToo) {
  NEEDS_POWERSHELL_GRAMMAR();
  World harmless;
  harmless.server("e1", {"10.0.0.1"});
  const std::string shape = ParsedScript(harmless.build().front().text).shape();
  World world;
  world.policy.name = "p\n'; exit; #>\xe2\x80\x99";
  world.cluster.name = "c' ; exit * [x]";
  world.server("e'1\n..\\x", {"10.0.0.1"});
  const auto artefacts = world.build();
  const ParsedScript script(artefacts.front().text);
  EXPECT_EQ(script.shape(), shape);
  for (const char c : artefacts.front().path) {
    EXPECT_TRUE(std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.') << c;
  }
  EXPECT_EQ(script.table("policy").at("Group").text.find_first_of("*?[]|"), std::string::npos);
}

TEST(WindowsFirewall, EngineIsTheSameInEveryScript) {
  World full;
  populate(full, "title", "note");
  World empty;
  empty.server("other", {"10.9.9.9"});
  const auto engine = [](const std::string& text) {
    return text.substr(text.find("# ---- the engine, comparing"));
  };
  EXPECT_EQ(engine(full.build().front().text), engine(empty.build().front().text));
}

// NetSecurity's cmdlets do not inherit the script's $ErrorActionPreference: without -ErrorAction a
// failure would not reach the engine's rollback.
TEST(WindowsFirewall, EveryFirewallCmdletStopsOnErrors) {
  NEEDS_POWERSHELL_GRAMMAR();
  World world;
  world.server("e1", {"10.0.0.1"});
  std::set<std::string> seen;
  for (const std::string& command : ParsedScript(world.build().front().text).commands()) {
    const std::string name = command.substr(0, command.find(' '));
    if (name.find("-NetFirewall") == std::string::npos) continue;
    seen.insert(name);
    EXPECT_TRUE(command.find("-ErrorAction ") != std::string::npos ||
                command.find("@common") != std::string::npos)
        << command;
    // Without a selector it would remove every rule of the server.
    if (name == "Remove-NetFirewallRule") {
      // The table always has a Name: the tests that run the engine refuse an empty one.
      EXPECT_TRUE(command.find("@parameters ") != std::string::npos ||
                  command.find("-Name ") != std::string::npos)
          << command;
    }
  }
  EXPECT_TRUE(seen.contains("New-NetFirewallRule"));
  EXPECT_TRUE(seen.contains("Remove-NetFirewallRule"));
  EXPECT_TRUE(seen.contains("Get-NetFirewallAddressFilter"));
}

// ---- names and stability -----------------------------------------------------------------------

TEST(WindowsFirewall, NamesFollowContent) {
  const auto name = [](std::uint16_t port, const std::string& note) {
    World world;
    auto& host = world.server("e1", {"10.0.0.11"});
    auto& rule = world.rule("hci/failover-clustering.rpc");
    rule.note = note;
    host.inbound.push_back(
        World::flow(rule, world.set("m", {"10.0.5.1"}), host.node->set, tcp(port)));
    return world.build().front().rules.at(0).id;
  };
  EXPECT_EQ(name(135, "x"), name(135, "x"));
  EXPECT_NE(name(135, "x"), name(136, "x"));
  EXPECT_NE(name(135, "x"), name(135, "y"));
  const std::string prefix = "hcipolc-prod-hci-failover-clustering.rpc-in-";
  EXPECT_EQ(name(135, "x").substr(0, prefix.size()), prefix);
  EXPECT_EQ(name(135, "x").size(), prefix.size() + 8);
}

TEST(WindowsFirewall, LongNamesFit) {
  World world;
  auto& host = world.server("e1", {"10.0.0.11"});
  auto& rule = world.rule("main/" + std::string(600, 'x'));
  host.inbound.push_back(World::flow(rule, world.set("m", {"10.0.5.1"}), host.node->set, tcp(1)));
  EXPECT_LE(world.build().front().rules.at(0).id.size(), 511u);
}

TEST(WindowsFirewall, AddingARuleChangesNoOtherLine) {
  const auto build = [](bool more) {
    World world;
    populate(world, "title", "note");
    auto& host = world.device.hosts.front();
    if (more) {
      auto& rule = world.rule("aaa/first");
      host.inbound.insert(host.inbound.begin() + 2,
                          World::flow(rule, world.set("m", {"10.0.5.1"}), host.node->set, tcp(1)));
    }
    return lines(world.build().front().text);
  };
  const auto before = build(false);
  const auto after = build(true);
  ASSERT_GT(after.size(), before.size());
  std::size_t i = 0;
  while (before[i] == after[i]) ++i;
  const std::size_t added = after.size() - before.size();
  EXPECT_TRUE(std::equal(before.begin() + static_cast<std::ptrdiff_t>(i), before.end(),
                         after.begin() + static_cast<std::ptrdiff_t>(i + added)));
}

TEST(WindowsFirewall, ServersWithOneFileNameClash) {
  World world;
  world.server("node", {"10.0.0.1"});
  world.server("Node", {"10.0.0.2"});
  world.build();
  EXPECT_EQ(world.codes(), Codes{"E0614"});
}

// ---- addresses ---------------------------------------------------------------------------------

TEST(WindowsFirewall, LongListsBecomeRulesOfAtMostAThousand) {
  NEEDS_POWERSHELL_GRAMMAR();
  World world;
  auto& host = world.server("e1", {"10.0.0.11", "fd00::11"});
  std::vector<std::string> texts;
  for (int i = 0; i < 2500; ++i) {
    texts.push_back("20." + std::to_string(i / 100) + "." + std::to_string(i % 100 * 2) + ".0/24");
  }
  for (int i = 0; i < 1200; ++i) texts.push_back("2001:db8:" + std::to_string(i * 2) + "::/48");
  const auto* far = world.set("tag", texts);
  host.outbound.push_back(World::flow(world.rule("hci/x"), host.node->set, far, tcp(443)));
  const ParsedScript script(world.build().front().text);
  const auto& rules = script.table("rules").list;
  EXPECT_EQ(rules.size(), 5u);
  std::vector<std::string> all;
  std::set<std::string> names;
  for (const Value& rule : rules) {
    const auto some = rule.texts("RemoteAddress");
    EXPECT_LE(some.size(), 1000u);
    all.insert(all.end(), some.begin(), some.end());
    names.insert(rule.at("Name").text);
  }
  EXPECT_EQ(names.size(), rules.size());
  EXPECT_EQ(addresses(all), far->set.addresses);
  EXPECT_NO_THROW(WindowsRules(script.table("rules")));
}

TEST(WindowsFirewall, ASharedListIsWrittenOnce) {
  NEEDS_POWERSHELL_GRAMMAR();
  World world;
  auto& host = world.server("e1", {"10.0.0.11"});
  std::vector<std::string> texts;
  for (int i = 0; i < 40; ++i) texts.push_back("10.1." + std::to_string(i * 2) + ".0/24");
  const auto* far = world.set("management", texts);
  host.inbound.push_back(World::flow(world.rule("hci/a"), far, host.node->set, tcp(1) | udp(1)));
  host.inbound.push_back(World::flow(world.rule("hci/b"), far, host.node->set, tcp(2)));
  const ParsedScript script(world.build().front().text);
  EXPECT_EQ(script.table("addresses").map.size(), 1u);
  EXPECT_EQ(script.table("addresses").map.begin()->first.substr(0, 11), "management-");
  for (const Value& rule : script.table("rules").list) {
    EXPECT_EQ(rule.texts("RemoteAddress").size(), 40u);
  }
}

TEST(WindowsFirewall, TooManyLocalAddressesAreReported) {
  World world;
  std::vector<std::string> texts;
  for (int i = 0; i < 1001; ++i) {
    texts.push_back("10." + std::to_string(i / 100) + ".0." + std::to_string(i % 100 * 2));
  }
  auto& host = world.server("e1", texts);
  host.inbound.push_back(
      World::flow(world.rule("hci/a"), world.set("m", {"10.99.0.1"}), host.node->set, tcp(1)));
  world.build();
  EXPECT_EQ(world.codes(), Codes{"E0613"});
}

// ---- options and notes -------------------------------------------------------------------------

TEST(WindowsFirewallOptions, GroupAndProfileAreUsed) {
  NEEDS_POWERSHELL_GRAMMAR();
  World world;
  world.option("group", "Contoso's HCI");
  world.option("profile", Codes{"Private", "Domain"});
  world.server("e1", {"10.0.0.11"});
  const ParsedScript script(world.build().front().text);
  EXPECT_EQ(script.table("policy").at("Group").text, "Contoso's HCI");
  EXPECT_EQ(script.table("policy").at("Profile").text, "Domain, Private");
  EXPECT_TRUE(world.codes().empty());
}

TEST(WindowsFirewallOptions, BadValuesAreErrors) {
  for (const char* group : {"", "a|b", "a*", "[x]", "@file,-1", "a\nb", "Z\xc3\xbcrich"}) {
    World world;
    world.option("group", group);
    world.build();
    EXPECT_EQ(world.codes(), Codes{"E0611"}) << group;
  }
  for (const Codes& profile : {Codes{"domain"}, Codes{"Any", "Domain"}, Codes{"NotApplicable"}}) {
    World world;
    world.option("profile", profile);
    world.build();
    EXPECT_EQ(world.codes(), Codes{"E0611"}) << profile.front();
  }
  World world;
  world.option("names", "fqdn");
  world.build();
  EXPECT_EQ(world.codes(), Codes{"E0611"});
}

TEST(WindowsFirewall, NotesStandOncePerDevice) {
  World world;
  world.device.hosts.reserve(2);
  auto& rule = world.rule("hci/x");
  rule.log = true;
  for (const char* each : {"1", "2"}) {
    auto& host = world.server(std::string("e") + each, {std::string("10.0.0.1") + each});
    host.outbound.push_back(World::flow(rule, host.node->set, world.any(), tcp(443)));
  }
  world.build();
  EXPECT_EQ(world.codes(), (Codes{"W0615", "W0615"}));  // default outbound action, log
  EXPECT_EQ(world.remarks.size(), 2u);
}

TEST(WindowsFirewall, DenyAloneNeedsNoNoteAboutAllows) {
  World world;
  auto& host = world.server("e1", {"10.0.0.11"});
  host.outbound.push_back(
      World::flow(world.rule("hci/x", Kind::deny), host.node->set, world.any(), tcp(443)));
  world.build();
  EXPECT_TRUE(world.codes().empty()) << world.messages();
}

}  // namespace
}  // namespace hcipol::test::windows_firewall
