// Limits and traps of the platform notes that are no check of a single rule, each with a policy
// that runs into it, or with a template that is broken where no policy can reach it.
#include <gtest/gtest.h>

#include "azure_firewall_broken.h"

namespace hcipol::test::azure {
namespace {

Json addresses_from_11(std::size_t count) {
  Json out = Json::array();
  for (std::size_t i = 0; i < count; ++i) {
    const net::Address address{net::Family::ipv4, 0, 0x0b000000 + 2 * i};
    out.push_back(net::to_string(address));
  }
  return out;
}

// ---- L1, on the bytes

TEST_F(AzureChecks, L1PairsOfSourceAndDestination) {
  constexpr std::size_t others = 4;  // of the other three rules
  dns()["destinationAddresses"] = addresses_from_11(20'000 - others);
  EXPECT_FALSE(has(findings(), "L1")) << text_of(findings());
  expect(
      "L1", [&] { dns()["destinationAddresses"].push_back("10.9.9.9"); }, "pairs");
}

TEST_F(AzureChecks, L1BytesOfAGroup) {
  expect(
      "L1", [&] { his()["description"] = std::string(2'000'000, 'x'); }, "the bytes of a group");
}

TEST_F(AzureChecks, L1Groups) {
  const auto add = [&](int count) {
    for (int i = 0; i < count; ++i) {
      Json more = group(0);
      more["name"] =
          "[format('{0}/{1}', parameters('firewallPolicyName'), 'rcg-" + std::to_string(i) + "')]";
      more["properties"]["priority"] = 2000 + i;
      json_["resources"].push_back(more);
    }
  };
  expect(
      "L1", [&] { add(59); }, "groups");
  add(58);
  EXPECT_FALSE(has(findings(), "L1"));
}

TEST_F(AzureChecks, L1Collections) {
  expect(
      "L1",
      [&] {
        for (int i = 0; i < 2'000; ++i) {
          Json more = collection("allow-hci.time");
          more["name"] = "more-" + std::to_string(i);
          group(0)["properties"]["ruleCollections"].push_back(more);
        }
      },
      "collections");
}

TEST_F(AzureChecks, L1IpGroups) {
  expect(
      "L1",
      [&] {
        for (int i = 0; i < 200; ++i) {
          Json more = resource("ipGroups");
          more["name"] = "ipg-" + std::to_string(i);
          json_["resources"].push_back(more);
        }
      },
      "IP groups");
}

TEST_F(AzureChecks, L1EntriesOfAnIpGroup) {
  const auto entries = [&](std::size_t count) {
    values_["parameters"]["serversAddresses"]["value"] =
        json_["parameters"]["serversAddresses"]["defaultValue"] = addresses_from_11(count);
  };
  expect(
      "L1", [&] { entries(5'001); }, "its entries");
  entries(5'000);
  EXPECT_EQ(text_of(findings()), "");
}

TEST_F(AzureChecks, L1TranslatedAddresses) {
  expect(
      "L1",
      [&] {
        to_nat();
        ntp().erase("destinationFqdns");
        ntp()["destinationAddresses"] = addresses_from_11(251);
      },
      "translated");
}

TEST_F(AzureChecks, L1WhatATemplateHas) {
  const auto many = [](int count) {
    Json out = Json::object();
    for (int i = 0; i < count; ++i) out["p" + std::to_string(i)] = {{"value", "x"}};
    return out;
  };
  expect(
      "L1",
      [&] {
        for (int i = 0; i < 256; ++i) {
          json_["parameters"]["p" + std::to_string(i)] = {{"type", "string"},
                                                          {"defaultValue", "x"}};
        }
      },
      "parameters");
  expect(
      "L1", [&] { json_["variables"] = many(257); }, "variables");
  expect(
      "L1", [&] { json_["outputs"] = many(65); }, "outputs");
  expect(
      "L1",
      [&] {
        for (int i = 0; i < 800; ++i) json_["resources"].push_back(resource("ipGroups"));
      },
      "resources");
  expect(
      "L1",
      [&] { json_["outputs"]["x"]["value"] = "[concat('" + std::string(24'576, 'x') + "')]"; },
      "characters of an expression");
}

TEST_F(AzureChecks, L1BytesOfTheFiles) {
  expect(
      "L1", [&] { json_["metadata"]["description"] = std::string(4'000'000, 'x'); },
      "prod.azuredeploy.json is too big");
  expect(
      "L1", [&] { values_["metadata"]["description"] = std::string(4'000'000, 'x'); },
      "prod.azuredeploy.parameters.json is too big");
}

// ---- what the device does otherwise than the words say: the proof must know

TEST_F(AzureChecks, TrapMisspeltProperties) {
  const std::string unknown = "a member that is not known here";
  EXPECT_EQ(difference(), "");
  expect_unread(
      [&] {
        dns()["destinationPort"] = dns()["destinationPorts"];
        dns().erase("destinationPorts");
      },
      "destinationPort");
  expect_unread([&] { group(0)["properties"]["prioritty"] = 1; }, unknown);
  expect_unread([&] { json_["languageVersion"] = "2.0"; }, unknown);
  expect_unread([&] { group(0)["copy"] = {{"name", "x"}, {"count", 2}}; }, unknown);
}

TEST_F(AzureChecks, TrapValuesThatOnlyAzureOrOnlyTheSchemaTakes) {
  expect_unread([&] { group(0)["properties"]["priority"] = "1000"; }, "priority");
  expect_unread([&] { dns()["ipProtocols"] = {"tcp"}; }, "protocol");
  expect_unread([&] { dns()["destinationPorts"] = {53}; }, "neither a text");
  expect_unread([&] { collection("allow-hci.ad")["action"]["type"] = "allow"; }, "action");
  expect_unread([&] { his()["protocols"][0]["protocolType"] = "Mssql"; }, "protocol");
}

TEST_F(AzureChecks, TrapWebProtocolsAndAnyProtocolHaveTheirPorts) {
  expect_unread([&] { his()["protocols"][0]["port"] = 8084; }, "port");
  expect_unread([&] { his()["protocols"][0]["protocolType"] = "Http"; }, "port");
  expect_unread([&] { dns()["ipProtocols"] = {"Any"}; }, "ports of a protocol that has none");
  expect_unread([&] { rule("allow-hci.ad", 1)["destinationPorts"] = {"7"}; },
                "ports of a protocol that has none");
}

TEST_F(AzureChecks, TrapThreatIntelligenceDropsWhatRulesAllow) {
  expect_unread([&] { policy()["threatIntelMode"] = "Deny"; }, "threat intelligence");
  expect_unread([&] { policy()["threatIntelMode"] = "Off"; }, "threat intelligence");
}

TEST_F(AzureChecks, TrapNothingIsWrittenThatBelongsToOthersOrToAzure) {
  const std::string text = files_[0].text;
  for (const char* word :
       {"explicitProxy", "requireProxyForNetworkRules", "\"tags\"", "\"size\"", "etag",
        "provisioningState", "\"identity\"", "insights", "intrusionDetection", "translatedAddress",
        "fqdnTags", "\"Deny\"", "languageVersion"}) {
    EXPECT_EQ(text.find(word), std::string::npos) << word;
  }
}

// arm-ttk 0ec9a41, as far as it is not in `faults`.
TEST_F(AzureChecks, TrapRulesOfArmTtk) {
  const std::string text = files_[0].text;
  const auto count = [&](const std::string& word) {
    std::size_t n = 0;
    for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++n;
    return n;
  };
  EXPECT_EQ(count("resourceGroup()"), 1u);
  EXPECT_EQ(json_["parameters"]["location"]["defaultValue"], "[resourceGroup().location]");
  EXPECT_EQ(count("providers("), 0u);
  EXPECT_EQ(count("concat("), 0u);
  EXPECT_EQ(count("[if("), 0u);
  for (const Json& resource : json_["resources"]) {
    EXPECT_EQ(resource["apiVersion"], "2025-05-01");
    for (const Json& id : resource.value("dependsOn", Json::array())) {
      const auto words = id.get<std::string>();
      EXPECT_TRUE(words.starts_with("[resourceId('")) << words;
      EXPECT_EQ(words.find("format("), std::string::npos) << words;
    }
  }
}

// ---- policies

std::string ports_of(const Json& rule) {
  return rule["destinationPorts"].dump();
}

TEST(AzureTraps, HttpsOnAnotherPortIsAWholeNameOfANetworkRule) {
  Small b;
  b.flow("hci/x.y", {b.servers}, {b.endpoint("e", {"a.example"})}, tcp(8084));
  const Template deployment = good(b.emit());
  const Json rule = rules_of(deployment, "-network").at("allow-hci.x/hci-x.y");
  EXPECT_EQ(rule["destinationFqdns"].dump(), R"(["a.example"])");
  EXPECT_EQ(ports_of(rule), R"(["8084"])");
  EXPECT_NE(deployment.json().dump().find("\"enableProxy\":true"), std::string::npos);
}

TEST(AzureTraps, QuicIsNoApplicationRule) {
  Small b;
  b.flow("hci/x.y", {b.servers}, {b.endpoint("e", {"a.example"})}, tcp(443) | udp(443));
  const Template deployment = good(b.emit());
  EXPECT_EQ(rules_of(deployment, "-application").size(), 1u);
  const auto network = rules_of(deployment, "-network");
  ASSERT_EQ(network.size(), 1u);
  EXPECT_EQ(network.begin()->second["ipProtocols"].dump(), R"(["UDP"])");
  EXPECT_EQ(ports_of(network.begin()->second), R"(["443"])");
}

TEST(AzureTraps, PortsBeginAtOne) {
  Small b;
  b.flow("hci/x.y", {b.servers}, {b.dcs}, tcp(0, 10));
  b.flow("hci/x.z", {b.servers}, {b.dcs}, tcp(0, 65535));
  const auto rules = rules_of(good(b.emit()), "-network");
  EXPECT_EQ(ports_of(rules.at("allow-hci.x/hci-x.y")), R"(["1-10"])");
  EXPECT_EQ(ports_of(rules.at("allow-hci.x/hci-x.z")), R"(["*"])");
  Small none;
  none.flow("hci/x.y", {none.servers}, {none.dcs}, udp(0));
  EXPECT_EQ(none.emit().count(Diag::cannot_express), 1u);
}

TEST(AzureTraps, APatternDoesNotCoverItsApex) {
  Small b;
  b.flow("hci/x.both", {b.servers},
         {b.endpoint("e", {"*.contoso.com"}), b.endpoint("f", {"contoso.com"})}, tcp(443));
  b.flow("hci/x.below", {b.servers}, {b.endpoint("g", {"*.fabrikam.com"})}, tcp(443));
  const Template deployment = good(b.emit());
  const auto server = Template::number("10.1.0.11");
  EXPECT_TRUE(deployment.allows(server, {{}, "contoso.com"}, {6, 443}));
  EXPECT_TRUE(deployment.allows(server, {{}, "a.b.contoso.com"}, {6, 443}));
  EXPECT_FALSE(deployment.allows(server, {{}, "fabrikam.com"}, {6, 443}));
  EXPECT_TRUE(deployment.allows(server, {{}, "www.fabrikam.com"}, {6, 443}));
}

TEST(AzureTraps, ARegionalTagOfArcIsNoted) {
  const auto said = [](const char* tag) {
    Small b;
    b.flow("hci/x.y", {b.servers}, {b.endpoint("e", {}, tag)}, tcp(444));
    return b.emit().messages();
  };
  EXPECT_NE(said("AzureArcInfrastructure.WestEurope")
                .find("need all of AzureArcInfrastructure, of which "
                      "`AzureArcInfrastructure.WestEurope` is a part"),
            std::string::npos);
  EXPECT_EQ(said("AzureArcInfrastructure").find("is a part"), std::string::npos);
}

TEST(AzureTraps, AParentWithDenyNeedsAChildWithDeny) {
  Small b;
  b.flow("hci/x.y", {b.servers}, {b.dcs}, tcp(1));
  b.option("mode", "child")
      .option("threat_intel", "Deny")
      .option("base_policy",
              "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/firewallPolicies/p");
  const Outcome outcome = b.emit();
  const Template deployment = good(outcome);
  EXPECT_EQ(
      resource(deployment, "Microsoft.Network/firewallPolicies")["properties"]["threatIntelMode"],
      "Deny");
  EXPECT_NE(outcome.messages().find("knows as malicious"), std::string::npos);
  const auto refused = [](const char* option, const char* value, const char* mode) {
    Small other;
    other.flow("hci/x.y", {other.servers}, {other.dcs}, tcp(1));
    other.option("threat_intel", mode).option(option, value);
    if (option == std::string("mode")) other.option("policy", "afwp-hub");
    return other.emit().count(Diag::bad_option);
  };
  EXPECT_EQ(refused("tier", "Premium", "Deny"), 0u);
  EXPECT_EQ(refused("tier", "Premium", "Off"), 1u);
  EXPECT_EQ(refused("tier", "Basic", "Deny"), 1u);
  EXPECT_EQ(refused("tier", "Basic", "Alert"), 0u);
  EXPECT_EQ(refused("mode", "attach", "Alert"), 1u);
}

TEST(AzureTraps, FifteenDnsServersOfIpv4) {
  const auto refused = [](const std::vector<std::string>& servers) {
    Small b;
    sema::List list;
    for (const std::string& server : servers) list.push_back(sema::Value{server, {}});
    b.option("dns_servers", std::move(list));
    b.flow("hci/x.y", {b.servers}, {b.dcs}, tcp(1));
    return b.emit().count(Diag::bad_option);
  };
  std::vector<std::string> servers;
  for (int i = 1; i <= 15; ++i) servers.push_back("10.0.0." + std::to_string(i));
  EXPECT_EQ(refused(servers), 0u);
  servers.push_back("10.0.0.16");
  EXPECT_EQ(refused(servers), 1u);
  EXPECT_EQ(refused({"fd00::1"}), 1u);
  EXPECT_EQ(refused({"10.0.0.1 "}), 1u);
}

TEST(AzureTraps, ARuleThatIsMoreThanAGroupHoldsIsNotedAndThenRefused) {
  const auto said = [](std::size_t names) {
    Small b;
    const std::string rest = "." + std::string(60, 'a') + "." + std::string(60, 'b') + "." +
                             std::string(60, 'c') + ".example";
    std::vector<std::string> all;
    for (std::size_t i = 0; i < names; ++i) all.push_back("h" + std::to_string(i) + rest);
    b.flow("hci/x.y", {b.servers}, {b.endpoint("e", all)}, tcp(443));
    return b.emit().messages();
  };
  const std::string some = said(8'000);
  EXPECT_EQ(some.find("E0613"), std::string::npos) << some;
  EXPECT_NE(some.find("of the 2.0 MB that are documented, 1.4 MB have been found usable"),
            std::string::npos)
      << some;
  const std::string more = said(11'000);
  EXPECT_NE(more.find("E0613"), std::string::npos) << more;
}

TEST(AzureTraps, TheLastPriorityLeavesRoomForAllGroups) {
  Small b;
  b.option("priority", 64'830);
  std::vector<std::string> names;
  for (int f = 0; f < 40; ++f) {
    std::vector<std::string> all;
    for (int i = 0; i < 300; ++i) {
      all.push_back("h" + std::to_string(i) + "." + std::string(60, 'a') + "." +
                    std::string(60, 'b') + ".f" + std::to_string(f) + ".example");
    }
    b.flow("hci/f" + std::to_string(f) + ".x", {b.servers},
           {b.endpoint("e" + std::to_string(f), all)}, tcp(443));
  }
  const Template deployment = good(b.emit());
  const Json& resources = deployment.json()["resources"];
  EXPECT_EQ(resources.back()["properties"]["priority"], 64'930);
  EXPECT_EQ(resources[resources.size() - 2]["properties"]["priority"], 64'940);
}

}  // namespace
}  // namespace hcipol::test::azure
