// What tells the rules of one script apart in Windows' consoles, which show display names and
// neither names nor, in most lists, what a rule matches.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <regex>

#include "tests/unit/backends/windows_firewall_builder.h"

namespace hcipol::test::windows_firewall {
namespace {

using DisplayNames = std::vector<std::string>;

/// A server and one rule, "main/x.y" with the title "Title".
struct Shown {
  World world;
  flow::HostFlows& host = world.server("e1", {"10.0.0.11", "10.0.0.12", "fd00::11"});
  policy::Rule* rule = &world.rule("main/x.y");

  Shown() { rule->title = "Title"; }
  void in(const policy::NamedSet* from, net::ServiceSet service,
          const policy::NamedSet* to = nullptr) {
    host.inbound.push_back(
        World::flow(*rule, from, to == nullptr ? host.node->set : to, std::move(service)));
  }
  void out(const policy::NamedSet* to, net::ServiceSet service) {
    host.outbound.push_back(World::flow(*rule, host.node->set, to, std::move(service)));
  }
  /// As the file has them, without what all of them have: "Title: " and " (main/x.y)".
  DisplayNames names() {
    const std::string text = world.build().front().text;
    DisplayNames out;
    const std::regex line("        DisplayName   = 'Title: (.*) \\(main/x\\.y\\)'\n");
    for (std::sregex_iterator at(text.begin(), text.end(), line), end; at != end; ++at) {
      out.push_back((*at)[1]);
    }
    return out;
  }
};

TEST(WindowsFirewallDisplayName, SaysProtocolPortsAndPeers) {
  Shown shown;
  const auto* far = shown.world.set("management", {"10.0.5.0/28", "fd00:5::/64"});
  shown.in(far, tcp(135) | tcp(5000, 5099) | udp(53) | net::ServiceSet::whole(47) |
                    net::ServiceSet::icmp_type(net::protocol::icmp, 8) |
                    net::ServiceSet::whole(net::protocol::icmpv6));
  shown.out(far, tcp(0, 65535));
  shown.out(shown.world.any(), net::ServiceSet::any());
  EXPECT_EQ(shown.names(),
            (DisplayNames{"ICMPv4 8 from management", "TCP 135, 5000-5099 from management",
                          "UDP 53 from management", "IP protocol 47 from management",
                          "ICMPv6 from management", "TCP to management", "every protocol to any"}));
}

TEST(WindowsFirewallDisplayName, SaysSomeOfManyPorts) {
  Shown shown;
  net::ServiceSet nine, ten;
  for (std::uint16_t i = 1; i <= 10; ++i) {
    if (i < 10) nine = nine | tcp(static_cast<std::uint16_t>(i * 2));
    ten = ten | tcp(static_cast<std::uint16_t>(i * 2));
  }
  shown.in(shown.world.any(), nine);
  shown.in(shown.world.set("m", {"10.0.5.1"}), ten);
  EXPECT_EQ(shown.names(), (DisplayNames{"TCP 2, 4, 6, 8, 10, 12, 14, 16, 18 from any",
                                         "TCP 2, 4, 6, 8, 10, 12, 14, 16 and 2 more from m"}));
}

TEST(WindowsFirewallDisplayName, SaysFamiliesThatNeedRulesOfTheirOwn) {
  Shown shown;
  shown.in(shown.world.set("half", {"0.0.0.0/0", "fd00:5::/64"}), tcp(1));
  shown.in(shown.world.set("four", {"10.0.5.0/28"}), tcp(1));
  EXPECT_EQ(shown.names(),
            (DisplayNames{"TCP 1 from half, IPv4", "TCP 1 from half, IPv6", "TCP 1 from four"}));
}

// Of one peer with both families a deny may leave one to some addresses of the server each.
TEST(WindowsFirewallDisplayName, SaysTheFamilyThatIsLeftOfBoth) {
  Shown shown;
  const auto* far = shown.world.set("both", {"10.0.5.0/28", "fd00:5::/64"});
  shown.in(far, tcp(1), shown.world.set("four", {"10.0.0.11-10.0.0.12"}));
  shown.in(far, tcp(1), shown.world.set("six", {"fd00::11"}));
  shown.in(far, net::ServiceSet::whole(net::protocol::icmpv6));
  EXPECT_EQ(shown.names(),
            (DisplayNames{"TCP 1 from both, IPv4", "TCP 1 from both, IPv6", "ICMPv6 from both"}));
}

TEST(WindowsFirewallDisplayName, SaysOnWhichAddressesIfNotOnAll) {
  Shown shown;
  const auto* far = shown.world.any();
  shown.in(far, tcp(1), shown.world.set("one", {"10.0.0.12"}));
  shown.in(far, tcp(2), shown.world.set("four", {"10.0.0.11-10.0.0.12"}));
  shown.in(far, net::ServiceSet::icmp_type(net::protocol::icmp, 8));
  EXPECT_EQ(shown.names(), (DisplayNames{"TCP 1 from any, IPv4 at 10.0.0.12",
                                         "TCP 2 from any, IPv4", "ICMPv4 8 from any"}));
}

TEST(WindowsFirewallDisplayName, SaysWhatNamesAreMatchedBy) {
  Shown shown;
  shown.world.option("names", "dynamic-keywords");
  shown.world.option("service_tags", "dynamic-keywords");
  auto* far = shown.world.endpoint("hci/arm", {"management.azure.com"});
  far->set.addresses = addresses({"20.1.2.3"});
  shown.out(far, tcp(443));
  shown.out(shown.world.tag("AzureCloud", {"4.150.232.0/30"}), tcp(443));
  EXPECT_EQ(shown.names(), (DisplayNames{"TCP 443 to hci/arm", "TCP 443 to hci/arm, by name",
                                         "TCP 443 to tag-AzureCloud, by service tag, IPv4"}));
}

std::vector<std::string> many_addresses(unsigned first, unsigned count) {
  std::vector<std::string> out;
  for (unsigned i = first; i < first + count; ++i) {
    out.push_back(fmt::format("10.{}.{}.1", i / 250, i % 250));
  }
  return out;
}

TEST(WindowsFirewallDisplayName, SaysWhereAPartOfALongListBegins) {
  Shown shown;
  shown.in(shown.world.set("many", many_addresses(0, 1001)), tcp(1));
  EXPECT_EQ(shown.names(), (DisplayNames{"TCP 1 from many, addresses from 10.0.0.1 on",
                                         "TCP 1 from many, addresses from 10.4.0.1 on"}));
}

// A new file of tags, with other addresses, must leave names and display names alone.
TEST(WindowsFirewallDisplayName, SaysWhichOfATagsAddressesWithoutThem) {
  const auto tables = [](unsigned first) {
    Shown shown;
    shown.world.option("names", "service-tags");
    shown.out(shown.world.tag("AzureMonitor", many_addresses(first, 1500)), tcp(443));
    EXPECT_EQ(shown.names(), (DisplayNames{"TCP 443 to tag-AzureMonitor, addresses 1-1000",
                                           "TCP 443 to tag-AzureMonitor, addresses 1001-2000"}));
    const std::string text = shown.world.build().front().text;
    const std::size_t at = text.find("\n$rules = @(");
    return text.substr(at, text.find("\n)\n", at) - at);
  };
  EXPECT_EQ(tables(0), tables(5));
}

// Names of sets are of any length; two long ones that differ at their ends still differ.
TEST(WindowsFirewallDisplayName, IsOfBoundedLength) {
  Shown shown;
  for (const char end : {'x', 'y'}) {
    shown.in(shown.world.set(std::string(5000, 'n') + end, {fmt::format("10.0.5.{}", int{end})}),
             tcp(1));
  }
  const DisplayNames names = shown.names();
  ASSERT_EQ(names.size(), 2u);
  EXPECT_NE(names[0], names[1]);
  EXPECT_TRUE(std::regex_match(names[0], std::regex("TCP 1 from n{110}\\.\\.\\. [0-9a-f]{6}")))
      << names[0];
}

TEST(WindowsFirewallDisplayName, BeginsWithTheAddressOfARuleWithoutTitle) {
  Shown shown;
  shown.rule->title.clear();
  shown.in(shown.world.any(), tcp(1));
  EXPECT_NE(shown.world.build().front().text.find("= 'main/x.y: TCP 1 from any'\n"),
            std::string::npos);
}

// The display name is a part of what the name is made of.
TEST(WindowsFirewallDisplayName, ChangesTheNameWithIt) {
  const auto name = [](const std::string& peers) {
    Shown shown;
    shown.in(shown.world.set(peers, {"10.0.5.1"}), tcp(1));
    return shown.world.build().front().rules.front().id;
  };
  EXPECT_EQ(name("management"), name("management"));
  EXPECT_NE(name("management"), name("administrators"));
}

}  // namespace
}  // namespace hcipol::test::windows_firewall
