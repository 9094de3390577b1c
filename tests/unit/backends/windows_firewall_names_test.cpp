// Host names on Windows Firewall: reported, given by addresses or tags, or resolved by Windows.
#include <gtest/gtest.h>

#include "tests/unit/backends/windows_firewall_builder.h"
#include "tests/unit/backends/windows_firewall_reader.h"

namespace hcipol::test::windows_firewall {
namespace {

using Kind = policy::Rule::Kind;
using Codes = std::vector<std::string>;

// Two servers, each with a flow to the same endpoint.
struct Names {
  World world;
  policy::NamedSet* endpoint = nullptr;
  policy::Rule* rule = nullptr;

  explicit Names(const std::string& mode, Kind kind = Kind::allow) {
    endpoint = world.endpoint("hci/arm", {"management.azure.com", "*.blob.core.windows.net"});
    rule = &world.rule("hci/registration.arm", kind);
    if (!mode.empty()) world.option("names", mode);
  }
  std::vector<backends::Artefact> build() {
    world.device.hosts.reserve(2);
    for (const char* each : {"1", "2"}) {
      auto& host = world.server(std::string("e") + each, {std::string("10.0.0.1") + each});
      host.outbound.push_back(World::flow(*rule, host.node->set, endpoint, tcp(443)));
    }
    return world.build();
  }
};

TEST(WindowsFirewallNames, AreReportedOnceAndLeftOut) {
  Names names("");
  const auto artefacts = names.build();
  EXPECT_EQ(names.world.codes(), Codes{"W0614"});
  EXPECT_EQ(names.world.remarks.size(), 1u);
  for (const auto& artefact : artefacts) {
    EXPECT_TRUE(artefact.rules.empty());
    EXPECT_NE(artefact.text.find("#   hci/registration.arm: *.blob.core.windows.net, "
                                 "management.azure.com\n"),
              std::string::npos);
  }
}

TEST(WindowsFirewallNames, AddressesOfTheEndpointStandForThem) {
  Names names("");
  names.endpoint->addresses = addresses({"20.1.2.3"});
  const auto artefacts = names.build();
  EXPECT_EQ(names.world.codes(), (Codes{"W0611", "W0615"}));
  EXPECT_EQ(artefacts.front().rules.size(), 1u);
  EXPECT_NE(artefacts.front().text.find("RemoteAddress = @('20.1.2.3')"), std::string::npos);
}

TEST(WindowsFirewallNames, ServiceTagsStandForThemIfAsked) {
  Names names("service-tags");
  names.endpoint->tag = "AzureResourceManager";
  names.endpoint->tag_addresses = addresses({"4.150.232.0/30"});
  const auto artefacts = names.build();
  EXPECT_EQ(names.world.codes(), (Codes{"W0611", "W0615"}));
  // Beside the rules even though it is short: a new file of tags must leave the rules as they are.
  EXPECT_NE(artefacts.front().text.find(" = @(\n        '4.150.232.0/30'\n    )\n}\n"),
            std::string::npos);
  EXPECT_NE(artefacts.front().text.find("RemoteAddress = $addresses['"), std::string::npos);
}

TEST(WindowsFirewallNames, ServiceTagsWithoutDataAreAnError) {
  Names names("service-tags");
  names.endpoint->tag = "AzureResourceManager";
  names.build();
  EXPECT_EQ(names.world.codes(), Codes{"E0615"});
}

TEST(WindowsFirewallNames, ServiceTagsCannotHelpWithoutATag) {
  Names names("service-tags");
  names.build();
  EXPECT_EQ(names.world.codes(), Codes{"W0614"});
}

TEST(WindowsFirewallNames, AnEndpointThatIsATagNeedsNoOption) {
  Names names("");
  names.endpoint->tag = "AzureCloud";
  names.endpoint->set.names = net::DomainSet(policy::NamedSet::tag_name("AzureCloud"));
  names.endpoint->tag_addresses = addresses({"4.150.232.0/30"});
  const auto artefacts = names.build();
  EXPECT_EQ(names.world.codes(), Codes{"W0615"});
  EXPECT_EQ(artefacts.front().rules.size(), 1u);
}

TEST(WindowsFirewallNames, AnEndpointThatIsATagIsReportedWithoutData) {
  for (const auto& [mode, code] :
       {std::pair{"", "W0614"}, {"service-tags", "E0615"}, {"dynamic-keywords", "E0615"}}) {
    Names names(mode);
    names.endpoint->tag = "AzureCloud";
    names.endpoint->set.names = net::DomainSet(policy::NamedSet::tag_name("AzureCloud"));
    names.build();
    EXPECT_EQ(names.world.codes(), Codes{code}) << mode;
  }
}

TEST(WindowsFirewallNames, WindowsResolvesThemIfAsked) {
  NEEDS_POWERSHELL_GRAMMAR();
  Names names("dynamic-keywords");
  const auto artefacts = names.build();
  EXPECT_EQ(names.world.codes(), (Codes{"W0615", "W0615"}));
  const ParsedScript script(artefacts.front().text);
  const auto& keywords = script.table("keywords").list;
  ASSERT_EQ(keywords.size(), 2u);
  Codes ids;
  for (const Value& keyword : keywords) {
    const std::string& id = keyword.at("Id").text;
    ids.push_back(id);
    ASSERT_EQ(id.size(), 38u);
    EXPECT_EQ(id.find_first_not_of("0123456789abcdef-{}"), std::string::npos);
    EXPECT_EQ(id[15], '8') << "RFC 9562: version 8";
    EXPECT_NE(std::string("89ab").find(id[20]), std::string::npos) << "RFC 9562: variant 10";
  }
  EXPECT_EQ(keywords[0].at("Keyword").text, "*.blob.core.windows.net");
  EXPECT_EQ(keywords[1].at("Keyword").text, "management.azure.com");
  const auto& rules = script.table("rules").list;
  ASSERT_EQ(rules.size(), 1u);
  EXPECT_EQ(rules[0].texts("RemoteDynamicKeywordAddresses"), ids);
  EXPECT_FALSE(rules[0].map.contains("RemoteAddress"));
  EXPECT_EQ(ParsedScript(artefacts.back().text).table("keywords").list[0].at("Id").text, ids[0]);
}

TEST(WindowsFirewallNames, CannotBeASource) {
  for (const char* mode : {"", "service-tags", "dynamic-keywords"}) {
    World world;
    if (*mode != '\0') world.option("names", mode);
    auto& host = world.server("e1", {"10.0.0.11"});
    host.inbound.push_back(World::flow(world.rule("hci/x"), world.endpoint("far", {"a.example"}),
                                       host.node->set, tcp(443)));
    world.build();
    EXPECT_EQ(world.codes(), Codes{"E0612"}) << mode;
  }
}

// "Any name except a.example", what is left of a deny after an exception for the name.
TEST(WindowsFirewallNames, LeftOutOfEveryNameWidenADenyAndStopAnAllow) {
  const auto codes = [](const std::string& mode, Kind kind) {
    Names names(mode, kind);
    names.endpoint->set.addresses = addresses({"0.0.0.0/0"});
    names.endpoint->set.names =
        net::DomainSet::all() - net::DomainSet(net::parse_pattern("a.example").value());
    names.build();
    return names.world.codes();
  };
  EXPECT_EQ(codes("report", Kind::deny), Codes{"W0611"});
  EXPECT_EQ(codes("dynamic-keywords", Kind::deny), Codes{"E0612"});
  const Codes allow = codes("report", Kind::allow);
  EXPECT_TRUE(std::find(allow.begin(), allow.end(), "E0612") != allow.end());
}

TEST(WindowsFirewallNames, LeftOutOfAPatternCannotBeSaid) {
  Names names("dynamic-keywords");
  names.endpoint->set.names = net::DomainSet(net::parse_pattern("*.b.example").value()) -
                              net::DomainSet(net::parse_pattern("a.b.example").value());
  names.build();
  EXPECT_EQ(names.world.codes(), Codes{"E0612"});
}

TEST(WindowsFirewallNames, EveryNameIsEveryAddress) {
  World world;
  auto& host = world.server("e1", {"10.0.0.11"});
  host.outbound.push_back(World::flow(world.rule("hci/x"), host.node->set, world.any(), tcp(443)));
  const auto artefacts = world.build();
  EXPECT_EQ(world.codes(), Codes{"W0615"});
  EXPECT_NE(artefacts.front().text.find("RemoteAddress = @('Any')"), std::string::npos);
}

}  // namespace
}  // namespace hcipol::test::windows_firewall
