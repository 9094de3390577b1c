// The product's own look at what it has written: each check of the platform notes (N1 to X1) is
// broken once, and named.
#include <gtest/gtest.h>

#include "azure_firewall_broken.h"

namespace hcipol::test::azure {
namespace {

TEST_F(AzureChecks, WholeItHasNoFault) {
  EXPECT_EQ(text_of(findings()), "");
}

TEST_F(AzureChecks, N1NamesOfResources) {
  for (const char* name : {"", "-x", "x-", "x y", "x/y"}) {
    expect("N1", [&] {
      values_["parameters"]["firewallPolicyName"]["value"] =
          json_["parameters"]["firewallPolicyName"]["defaultValue"] = name;
    });
  }
  expect("N1", [&] { group(0)["name"] = "only-one-segment"; });
}

TEST_F(AzureChecks, N2NamesOfCollectionsAndRules) {
  for (const char* name : {"", "-x", "x-", "x y", "x/y"}) {
    expect("N2", [&] { collection("allow-hci.ad")["name"] = name; });
    expect("N2", [&] { dns()["name"] = name; });
  }
  expect("N2", [&] { dns()["name"] = std::string(81, 'a'); });
}

TEST_F(AzureChecks, N3NamesAreThereAndOnce) {
  expect("N3", [&] { dns().erase("name"); });
  expect("N3", [&] { collection("allow-hci.ad").erase("name"); });
  expect("N3", [&] { rule("allow-hci.ad", 1)["name"] = "HCI-AD.DNS"; });
  expect("N3", [&] { collection("allow-hci.ad")["name"] = "Allow-hci.arm"; });
  expect("N3", [&] { json_["resources"].push_back(group(0)); });
}

TEST_F(AzureChecks, P1PrioritiesOfGroups) {
  for (const Json& priority : {Json(99), Json(65001), Json("1000"), Json(), Json(1000.5)}) {
    expect("P1", [&] { group(0)["properties"]["priority"] = priority; });
  }
  expect("P1", [&] { group(0)["properties"]["priority"] = 1100; });
}

TEST_F(AzureChecks, P2PrioritiesOfCollections) {
  for (const Json& priority : {Json(99), Json(65001), Json("1000"), Json(), Json(1000.5)}) {
    expect("P2", [&] { collection("allow-hci.ad")["priority"] = priority; });
  }
  expect("P2", [&] {
    collection("allow-hci.ad")["priority"] = collection("allow-hci.time")["priority"];
  });
}

TEST_F(AzureChecks, P3PrioritiesOfThePortal) {
  for (const int portal : {100, 200, 300}) {
    expect("P3", [&] { group(0)["properties"]["priority"] = portal; });
  }
}

TEST_F(AzureChecks, D1GroupsWaitForEachOther) {
  expect("D1", [&] { group(0).erase("dependsOn"); });
  expect("D1", [&] { group(1)["dependsOn"].erase(group(1)["dependsOn"].end() - 1); });
  expect("D1", [&] { group(0)["dependsOn"].erase(group(0)["dependsOn"].begin()); });
  expect("D1", [&] {
    Json more = resource("ipGroups");
    more["name"] = "ipg-more";
    json_["resources"].push_back(more);
  });
}

TEST_F(AzureChecks, D2NothingWaitsForWhatIsNotThere) {
  expect("D2", [&] {
    group(0)["dependsOn"].push_back("[resourceId('Microsoft.Network/ipGroups', 'ipg-x')]");
  });
}

TEST_F(AzureChecks, C1KindsOfCollections) {
  expect("C1", [&] { collection("allow-hci.ad")["rules"].push_back(his()); });
  expect("C1", [&] { collection("allow-hci.ad")["action"]["type"] = "Permit"; });
  expect("C1", [&] { collection("allow-hci.ad").erase("action"); });
  expect("C1", [&] { collection("allow-hci.ad")["ruleCollectionType"] = "Other"; });
  expect("C1", [&] { dns()["ruleType"] = "NatRule"; });
  expect("C1", [&] { dns()["ruleType"] = "OtherRule"; });
}

TEST_F(AzureChecks, C2EmptyCollections) {
  expect("C2", [&] { collection("allow-hci.time")["rules"] = Json::array(); });
  expect("C2", [&] { group(0)["properties"]["ruleCollections"] = Json::array(); });
}

TEST_F(AzureChecks, R1SourcesOfARule) {
  expect("R1", [&] { dns().erase("sourceIpGroups"); });
  expect("R1", [&] { dns()["sourceAddresses"] = {"10.0.0.1"}; });
  expect("R1", [&] { dns()["sourceIpGroups"] = Json::array(); });
}

TEST_F(AzureChecks, R2NetworkRules) {
  expect("R2", [&] { dns().erase("destinationAddresses"); });
  expect("R2", [&] { dns()["destinationFqdns"] = {"a.example"}; });
  expect("R2", [&] { dns()["ipProtocols"] = Json::array(); });
  expect("R2", [&] { dns()["ipProtocols"] = {"tcp"}; });
  expect("R2", [&] { dns().erase("destinationPorts"); });
}

TEST_F(AzureChecks, R3ApplicationRules) {
  expect("R3", [&] { his().erase("protocols"); });
  expect("R3", [&] { his()["protocols"][0]["protocolType"] = "https"; });
  expect("R3", [&] { his()["targetFqdns"] = Json::array(); });
  expect("R3", [&] { his().erase("targetFqdns"); });
  expect("R3", [&] { his()["webCategories"] = {"news"}; });
  expect("R3", [&] {
    his().erase("targetFqdns");
    his()["fqdnTags"] = {"WindowsUpdate"};
    his()["protocols"].erase(his()["protocols"].begin());
  });
}

TEST_F(AzureChecks, R4TranslatingRules) {
  const Json json = json_;
  to_nat();
  EXPECT_FALSE(has(findings(), "R4") || has(findings(), "C1")) << text_of(findings());
  json_ = json;
  for (const Json& ports : {Json({"0"}), Json({"64000"}), Json({"1", "2"}), Json({"1-2"})}) {
    expect("R4", [&] { to_nat(), ntp()["destinationPorts"] = ports; });
  }
  expect("R4", [&] { to_nat(), ntp().erase("translatedPort"); });
  expect("R4", [&] { to_nat(), ntp().erase("translatedAddress"); });
}

TEST_F(AzureChecks, A1Addresses) {
  for (const char* entry : {"fd00::1", "10.0.0.1 ", "10.0.0.0/33", "10.0.0.1/24",
                            "10.0.0.9-10.0.0.1", "10.0.0.1-fd00::1", "10.0.0", "300.0.0.1"}) {
    expect("A1", [&] { dns()["destinationAddresses"][0] = entry; });
    expect("A1", [&] {
      values_["parameters"]["serversAddresses"]["value"][0] =
          json_["parameters"]["serversAddresses"]["defaultValue"][0] = entry;
    });
  }
}

TEST_F(AzureChecks, A2ServiceTagsAndNamesAmongAddresses) {
  expect("A2", [&] { dns()["destinationAddresses"][0] = "time.windows.com"; });
  expect("A2", [&] { dns()["destinationAddresses"][0] = "VirtualNetwork"; });
  expect("A2", [&] {
    dns().erase("sourceIpGroups");
    dns()["sourceAddresses"] = {"Storage"};
  });
}

TEST_F(AzureChecks, A3EntriesThatStandTwice) {
  expect("A3", [&] { dns()["destinationAddresses"][0] = dns()["destinationAddresses"][1]; });
  expect("A3", [&] { dns()["destinationPorts"] = {"53", "53"}; });
}

TEST_F(AzureChecks, Q1Ports) {
  for (const char* port : {"0", "65536", "53-53", "9-1", " 53", "  ", "x", "-1"}) {
    expect("Q1", [&] { dns()["destinationPorts"] = {port}; });
  }
  for (const Json& port : {Json(0), Json(64001), Json("443")}) {
    expect("Q1", [&] { his()["protocols"][0]["port"] = port; });
  }
}

TEST_F(AzureChecks, Q2IcmpWithPorts) {
  expect("Q2", [&] { rule("allow-hci.ad", 1)["destinationPorts"] = {"7"}; });
}

TEST_F(AzureChecks, F1HostNames) {
  for (const char* name :
       {"https://a.example", "a.example/x", "a.example:443", "a.example.", "a..example", "www.a.*",
        "*.a.*", "x*.a.example", "test.*.example", "*.*.a.example", "10.0.0.1"}) {
    expect("F1", [&] { his()["targetFqdns"][0] = name; });
  }
  expect("F1", [&] { his()["targetFqdns"][0] = std::string(64, 'a') + ".example"; });
  expect("F1", [&] {
    std::string name = "x";
    while (name.size() < 253) name += ".abcdefghij";
    his()["targetFqdns"][0] = name;
  });
  expect("F1", [&] { ntp()["destinationFqdns"][0] = "*.windows.com"; });
}

TEST_F(AzureChecks, F2HostNamesThatMatchMoreOrAreDoubtful) {
  expect("F2", [&] { his()["targetFqdns"][0] = "*a.example"; });
  his()["targetFqdns"][0] = "a--b.example";
  EXPECT_EQ(text_of(findings()), "F2? `a--b.example`\n");
}

TEST_F(AzureChecks, F4FqdnTags) {
  expect("F4", [&] {
    his().erase("targetFqdns");
    his()["fqdnTags"] = {"AzureStackHCI"};
  });
  his().erase("targetFqdns");
  for (const char* tag :
       {"WindowsUpdate", "WindowsDiagnostics", "MicrosoftActiveProtectionService",
        "AppServiceEnvironment", "AzureBackup", "AzureHDInsight", "WindowsVirtualDesktop",
        "AzureKubernetesService", "Office365.Skype.Optimize", "Windows365", "MicrosoftIntune",
        "citrixHdxPlusForWindows365"}) {
    his()["fqdnTags"] = {tag};
    EXPECT_EQ(text_of(findings()), "");
  }
}

TEST_F(AzureChecks, T1Tiers) {
  expect("T1", [&] { policy()["sku"]["tier"] = "Gold"; });
  expect("T1", [&] { policy()["sku"]["tier"] = "Basic"; });
  expect("T1", [&] {
    policy()["sku"]["tier"] = "Basic";
    policy().erase("dnsSettings");
  });
  expect("T1", [&] {
    policy()["sku"]["tier"] = "Basic";
    policy()["threatIntelMode"] = "Deny";
  });
  expect("T1", [&] { his()["terminateTLS"] = true; });
  expect("T1", [&] {
    his().erase("targetFqdns");
    his()["targetUrls"] = {"a.example/x"};
  });
  expect("T1", [&] {
    policy()["sku"]["tier"] = "Basic";
    his().erase("targetFqdns");
    his()["webCategories"] = {"news"};
  });
  expect("T1", [&] { policy()["intrusionDetection"] = {{"mode", "Alert"}}; });
  expect("T1", [&] { policy()["transportSecurity"]["certificateAuthority"]["name"] = "x"; });
}

TEST_F(AzureChecks, T2NamesInNetworkRulesNeedTheProxy) {
  expect("T2", [&] { policy()["dnsSettings"]["enableProxy"] = false; });
  expect("T2", [&] { policy().erase("dnsSettings"); });
}

TEST_F(AzureChecks, T3AChildSaysItsOwnDns) {
  expect("T3", [&] {
    policy()["basePolicy"]["id"] = "/x";
    policy().erase("dnsSettings");
  });
}

TEST_F(AzureChecks, X1TextThatIsNoJson) {
  std::vector<Artefact> files = files_;
  files[0].text.insert(files[0].text.find("\"resources\""), "\"outputs\": {},\n");
  EXPECT_TRUE(has(validate(files), "X1"));
  files[0].text = "[";
  EXPECT_TRUE(has(validate(files), "X1"));
}

TEST_F(AzureChecks, AnArrayIsCheckedLikeATemplate) {
  Small b;
  b.option("format", "rcg-json");
  b.flow("hci/ad.dns", {b.servers}, {b.dcs}, tcp(53));
  b.flow("hci/arc.his", {b.servers}, {b.his}, tcp(443));
  std::vector<Artefact> files = b.emit().emission.artefacts;
  EXPECT_EQ(text_of(validate(files)), "");
  const Json whole = Json::parse(files[0].text);
  const auto expect = [&](const std::string& check, auto edit) {
    Json json = whole;
    edit(json);
    files[0].text = json.dump();
    EXPECT_TRUE(has(validate(files), check)) << check << "\n" << text_of(validate(files));
  };
  expect("N1", [](Json& json) { json[0]["name"] = "a/b"; });
  expect("N3", [](Json& json) { json[0]["name"] = json[1]["name"]; });
  expect("P1", [](Json& json) { json[0]["priority"] = json[1]["priority"]; });
  expect("R1",
         [](Json& json) { json[0]["ruleCollections"][0]["rules"][0].erase("sourceAddresses"); });
}

TEST(AzureFirewall, NotesHostNamesThatHaveBeenRefused) {
  Small b;
  b.flow("hci/x.y", {b.servers}, {b.endpoint("e", {"a--b.example"})}, tcp(443));
  const Outcome outcome = b.emit();
  EXPECT_FALSE(outcome.reporter.has_errors());
  EXPECT_NE(outcome.messages().find("host names with `--`: `a--b.example`"), std::string::npos)
      << outcome.messages();
}

}  // namespace
}  // namespace hcipol::test::azure
