// Proxy settings: the syntaxes of bypass lists, and the table in the script.
#include "backends/windows_firewall/proxy.h"

#include <gtest/gtest.h>

#include "tests/unit/backends/windows_firewall_builder.h"
#include "tests/unit/backends/windows_firewall_reader.h"

namespace hcipol::test::windows_firewall {
namespace {

using backends::windows_firewall::arc_bypass;
using backends::windows_firewall::Bypass;
using backends::windows_firewall::environment_bypass;
using backends::windows_firewall::windows_bypass;
using Texts = std::vector<std::string>;

net::Cidr cidr(const std::string& text) {
  return addresses({text}).cidrs().front();
}

Texts for_windows(const std::vector<std::string>& prefixes) {
  Bypass bypass;
  for (const std::string& text : prefixes) bypass.prefixes.push_back(cidr(text));
  std::vector<net::Cidr> unsaid;
  Texts out = windows_bypass(bypass, unsaid);
  for (const net::Cidr& prefix : unsaid) out.push_back("unsaid " + net::to_string(prefix));
  return out;
}

TEST(WindowsFirewallProxy, WindowsListsTakeWholeOctets) {
  EXPECT_EQ(for_windows({"10.0.0.0/8"}), Texts{"10.*"});
  EXPECT_EQ(for_windows({"10.1.0.0/16"}), Texts{"10.1.*"});
  EXPECT_EQ(for_windows({"10.1.2.0/24"}), Texts{"10.1.2.*"});
  EXPECT_EQ(for_windows({"10.1.2.3"}), Texts{"10.1.2.3"});
  EXPECT_EQ(for_windows({"10.1.2.4/30"}), (Texts{"10.1.2.4", "10.1.2.5", "10.1.2.6", "10.1.2.7"}));
  EXPECT_EQ(for_windows({"10.1.2.0/23"}), (Texts{"10.1.2.*", "10.1.3.*"}));
  EXPECT_EQ(for_windows({"255.255.255.254/31"}), (Texts{"255.255.255.254", "255.255.255.255"}));
  const Texts twelve = for_windows({"172.16.0.0/12"});
  ASSERT_EQ(twelve.size(), 16u);
  EXPECT_EQ(twelve.front(), "172.16.*");
  EXPECT_EQ(twelve.back(), "172.31.*");
  EXPECT_EQ(for_windows({"10.1.2.128/25"}).size(), 128u);
}

TEST(WindowsFirewallProxy, WindowsListsTakeAddressesOfIpv6InBracketsAndNoPrefixes) {
  EXPECT_EQ(for_windows({"fd00:5::1", "fd00:5::/64"}),
            (Texts{"[fd00:5::1]", "unsaid fd00:5::/64"}));
}

// Read the way Microsoft documents it: `*` is any text. Each address inside matches, none outside.
TEST(WindowsFirewallProxy, WindowsListsCoverAPrefixExactly) {
  for (const std::string text : {"10.20.30.64/27", "10.20.28.0/22", "192.0.2.128/25"}) {
    const Texts entries = for_windows({text});
    const net::AddressSet inside(cidr(text));
    for (std::uint64_t third = 0; third < 256; ++third) {
      for (std::uint64_t fourth = 0; fourth < 256; ++fourth) {
        const net::Address at{net::Family::ipv4, 0,
                              (cidr(text).network.low & 0xffff0000) | third << 8 | fourth};
        const std::string host = net::to_string(at);
        const bool matched = std::any_of(entries.begin(), entries.end(), [&](const auto& entry) {
          if (entry.back() != '*') return entry == host;
          return host.starts_with(std::string_view(entry).substr(0, entry.size() - 1));
        });
        ASSERT_EQ(matched, inside.contains(at)) << host << " of " << text;
      }
    }
  }
}

TEST(WindowsFirewallProxy, TheEnvironmentTakesPrefixesAndLeadingDots) {
  Bypass bypass;
  bypass.hosts = {"localhost", "e1", "localhost"};
  bypass.prefixes = {cidr("10.1.0.0/20"), cidr("10.0.0.1"), cidr("fd00:5::/64"), cidr("fd00::1")};
  bypass.names = {{"corp.example", true}, {"git.corp.example", false}};
  EXPECT_EQ(environment_bypass(bypass),
            (Texts{"localhost", "e1", "10.1.0.0/20", "10.0.0.1", "fd00:5::/64", "fd00::1",
                   ".corp.example", "git.corp.example"}));
}

TEST(WindowsFirewallProxy, TheAgentTakesServicesOfWhichEveryHostIsListed) {
  Bypass bypass;
  bypass.names = {{"management.azure.com", false}, {"login.microsoftonline.com", false}};
  EXPECT_EQ(arc_bypass(bypass), Texts{"ARM"});
  bypass.names.push_back({"windows.net", true});
  EXPECT_EQ(arc_bypass(bypass), (Texts{"AAD", "ARM"}));
  bypass.names = {{"his.arc.azure.com", true}, {"guestconfiguration.azure.com", true}};
  EXPECT_EQ(arc_bypass(bypass), Texts{"Arc"});
}

// ---- the table -------------------------------------------------------------------------------

TEST(WindowsFirewallProxy, TheScriptHasTheClustersProxy) {
  NEEDS_POWERSHELL_GRAMMAR();
  World world;
  world.server("e1", {"10.0.0.11", "fd00::11"});
  world.proxy({"10.0.9.10"}, tcp(9090));
  world.policy.proxies.back().bypass = {world.set("inside", {"10.1.2.0/24", "10.3.0.0/23"}),
                                        world.endpoint("corp", {"*.corp.example"})};
  const ParsedScript script(world.build().front().text);
  const Value& proxy = script.table("proxy");
  EXPECT_EQ(proxy.at("Settings").text, "Set");
  EXPECT_EQ(proxy.at("Server").text, "10.0.9.10:9090");
  EXPECT_EQ(proxy.texts("WindowsBypass"),
            (Texts{"localhost", "e1", "prod", "127.0.0.1", "10.0.0.11", "[fd00::11]", "10.1.2.*",
                   "10.3.0.*", "10.3.1.*", "*.corp.example"}));
  EXPECT_EQ(proxy.texts("EnvironmentBypass"),
            (Texts{"localhost", "e1", "prod", "127.0.0.1", "10.0.0.11", "fd00::11", "10.1.2.0/24",
                   "10.3.0.0/23", ".corp.example"}));
  EXPECT_EQ(proxy.texts("ArcBypass"), Texts{});
  EXPECT_EQ(world.codes(), Texts{});
}

std::string settings_of(World& world) {
  const ParsedScript script(world.build().front().text);
  return script.table("proxy").at("Settings").text;
}

TEST(WindowsFirewallProxy, AProxyThatWindowsCannotUseIsNoted) {
  NEEDS_POWERSHELL_GRAMMAR();
  const std::vector<std::pair<std::vector<std::string>, net::ServiceSet>> unusable{
      {{"10.0.9.10-10.0.9.11"}, tcp(9090)},
      {{"10.0.9.10", "10.0.9.20"}, tcp(9090)},
      {{"10.0.9.10"}, tcp(9090, 9091)},
      {{"10.0.9.10"}, tcp(9090) | tcp(8080)},
      {{"10.0.9.10"}, udp(9090)}};
  for (const auto& [where, service] : unusable) {
    World world;
    world.server("e1", {"10.0.0.11"});
    world.proxy(where, service);
    EXPECT_EQ(settings_of(world), "Ignored");
    EXPECT_EQ(world.codes(), Texts{"W0615"});
  }
  World several;
  several.server("e1", {"10.0.0.11"});
  several.proxy({"10.0.9.10"}, tcp(9090));
  several.proxy({"10.0.9.20"}, tcp(9090));
  EXPECT_EQ(settings_of(several), "Ignored");
  EXPECT_EQ(several.codes(), Texts{"W0615"});
}

TEST(WindowsFirewallProxy, TheOptionSwitchesItOff) {
  NEEDS_POWERSHELL_GRAMMAR();
  World world;
  world.server("e1", {"10.0.0.11"});
  EXPECT_EQ(settings_of(world), "None");
  world.proxy({"10.0.9.10"}, tcp(9090));
  EXPECT_EQ(settings_of(world), "Set");
  world.view.options["proxy_settings"] = sema::Value{false, {}};
  EXPECT_EQ(settings_of(world), "Ignored");
}

TEST(WindowsFirewallProxy, WhatAListCannotSayIsNoted) {
  World world;
  world.server("e1", {"10.0.0.11"});
  world.proxy({"10.0.9.10", "fd00:9::10"}, tcp(9090));
  world.policy.proxies.back().bypass = {world.set("inside", {"fd00:5::/64"}),
                                        world.endpoint("git", {"git.corp.example"})};
  world.build();
  EXPECT_EQ(world.codes(), (Texts{"W0615", "W0615"}));
  EXPECT_NE(world.messages().find("fd00:5::/64"), std::string::npos) << world.messages();
  EXPECT_NE(world.messages().find("`git.corp.example` for what lies below"), std::string::npos);
}

}  // namespace
}  // namespace hcipol::test::windows_firewall
