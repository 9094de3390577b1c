// The product's own look at what it has written: each check is broken once, and named.
#include <gtest/gtest.h>

#include "azure_firewall_checks.h"
#include "backends/azure_firewall/validate.h"

namespace hcipol::test::azure {
namespace {

using backends::Artefact;
using backends::azure_firewall::Finding;
using backends::azure_firewall::validate;

/// "R2 hci-ad.dns: one kind of destination", one a line.
std::string text_of(const std::vector<Finding>& findings) {
  std::string out;
  for (const Finding& finding : findings) {
    out += finding.check + (finding.doubt ? "? " : " ") + finding.what + "\n";
  }
  return out;
}

bool has(const std::vector<Finding>& findings, const std::string& check) {
  return std::any_of(findings.begin(), findings.end(),
                     [&](const Finding& finding) { return finding.check == check; });
}

/// A policy with a bit of everything, as a template that can be broken.
class Broken : public testing::Test {
 protected:
  Broken() {
    small_.flow("hci/arc.his", {small_.servers}, {small_.his}, tcp(443) | tcp(80));
    small_.flow("hci/time.ntp", {small_.servers}, {small_.clock}, udp(123));
    small_.flow("hci/ad.dns", {small_.servers}, {small_.dcs}, tcp(53) | udp(53));
    small_.flow("hci/ad.ping", {small_.servers}, {small_.dcs},
                ServiceSet::whole(net::protocol::icmp));
    small_.flow("hci/arm.api", {small_.servers}, {small_.endpoint("hci/arm", {}, "Storage")},
                tcp(444));
    const Outcome outcome = small_.emit();
    files_ = outcome.emission.artefacts;
    json_ = Json::parse(files_.at(0).text);
    values_ = Json::parse(files_.at(1).text);
  }

  std::vector<Finding> findings() const {
    std::vector<Artefact> files = files_;
    files[0].text = json_.dump(2);
    files[1].text = values_.dump(2);
    return validate(files);
  }
  /// The policy's resource, one of its groups, a group's collection of a feature, a rule.
  Json& resource(const std::string& type, std::size_t n = 0) {
    for (Json& each : json_["resources"]) {
      if (each["type"] == "Microsoft.Network/" + type && n-- == 0) return each;
    }
    throw std::runtime_error("there is no such resource");
  }
  Json& group(std::size_t n) { return resource("firewallPolicies/ruleCollectionGroups", n); }
  Json& collection(const std::string& name) {
    for (std::size_t g = 0; g < 2; ++g) {
      for (Json& each : group(g)["properties"]["ruleCollections"]) {
        if (each["name"] == name) return each;
      }
    }
    throw std::runtime_error("there is no collection " + name);
  }
  Json& rule(const std::string& of, std::size_t n = 0) { return collection(of)["rules"].at(n); }
  Json& policy() { return resource("firewallPolicies")["properties"]; }
  Json& dns() { return rule("allow-hci.ad", 0); }
  Json& ntp() { return rule("allow-hci.time"); }
  Json& his() { return rule("allow-hci.arc"); }

  /// Breaks a copy with `edit` and asks for the check; everything is as before then.
  template <class Edit>
  void expect(const std::string& check, Edit edit) {
    const Json json = json_;
    const Json values = values_;
    edit();
    const std::vector<Finding> found = findings();
    EXPECT_TRUE(has(found, check)) << "not " << check << " but\n" << text_of(found);
    json_ = json;
    values_ = values;
  }

  Small small_;
  std::vector<Artefact> files_;
  Json json_;
  Json values_;
};

TEST_F(Broken, WholeItHasNoFault) {
  EXPECT_EQ(text_of(findings()), "");
}

TEST_F(Broken, Names) {
  for (const char* name : {"", "-x", "x-", "x y", "x/y"}) {
    expect("N1", [&] {
      values_["parameters"]["firewallPolicyName"]["value"] =
          json_["parameters"]["firewallPolicyName"]["defaultValue"] = name;
    });
    expect("N2", [&] { collection("allow-hci.ad")["name"] = name; });
    expect("N2", [&] { dns()["name"] = name; });
  }
  expect("N1", [&] { group(0)["name"] = "only-one-segment"; });
  expect("N2", [&] { dns()["name"] = std::string(81, 'a'); });
  expect("N3", [&] { dns().erase("name"); });
  expect("N3", [&] { rule("allow-hci.ad", 1)["name"] = "HCI-AD.DNS"; });
  expect("N3", [&] { collection("allow-hci.ad")["name"] = "Allow-hci.arm"; });
  expect("N3", [&] { json_["resources"].push_back(group(0)); });
}

TEST_F(Broken, Priorities) {
  for (const Json& priority : {Json(99), Json(65001), Json("1000"), Json(), Json(1000.5)}) {
    expect("P1", [&] { group(0)["properties"]["priority"] = priority; });
    expect("P2", [&] { collection("allow-hci.ad")["priority"] = priority; });
  }
  expect("P1", [&] { group(0)["properties"]["priority"] = 1100; });
  expect("P2", [&] {
    collection("allow-hci.ad")["priority"] = collection("allow-hci.time")["priority"];
  });
  for (const int portal : {100, 200, 300}) {
    expect("P3", [&] { group(0)["properties"]["priority"] = portal; });
  }
}

TEST_F(Broken, Dependencies) {
  expect("D1", [&] { group(0).erase("dependsOn"); });
  expect("D1", [&] { group(1)["dependsOn"].erase(group(1)["dependsOn"].end() - 1); });
  expect("D1", [&] { group(0)["dependsOn"].erase(group(0)["dependsOn"].begin()); });
  expect("D1", [&] {
    Json more = resource("ipGroups");
    more["name"] = "ipg-more";
    json_["resources"].push_back(more);
  });
  expect("D2", [&] {
    group(0)["dependsOn"].push_back("[resourceId('Microsoft.Network/ipGroups', 'ipg-x')]");
  });
}

TEST_F(Broken, Collections) {
  expect("C1", [&] { collection("allow-hci.ad")["rules"].push_back(his()); });
  expect("C1", [&] { collection("allow-hci.ad")["action"]["type"] = "Permit"; });
  expect("C1", [&] { collection("allow-hci.ad").erase("action"); });
  expect("C1", [&] { collection("allow-hci.ad")["ruleCollectionType"] = "Other"; });
  expect("C1", [&] { dns()["ruleType"] = "NatRule"; });
  expect("C1", [&] { dns()["ruleType"] = "OtherRule"; });
  expect("C2", [&] { collection("allow-hci.time")["rules"] = Json::array(); });
  expect("C2", [&] { group(0)["properties"]["ruleCollections"] = Json::array(); });
}

TEST_F(Broken, WhatRulesMustHave) {
  expect("R1", [&] { dns().erase("sourceIpGroups"); });
  expect("R1", [&] { dns()["sourceAddresses"] = {"10.0.0.1"}; });
  expect("R1", [&] { dns()["sourceIpGroups"] = Json::array(); });
  expect("R2", [&] { dns().erase("destinationAddresses"); });
  expect("R2", [&] { dns()["destinationFqdns"] = {"a.example"}; });
  expect("R2", [&] { dns()["ipProtocols"] = Json::array(); });
  expect("R2", [&] { dns()["ipProtocols"] = {"tcp"}; });
  expect("R2", [&] { dns().erase("destinationPorts"); });
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
  const auto to_nat = [&](Json& rule) {
    rule["ruleType"] = "NatRule";
    rule["destinationPorts"] = {"8443"};
    rule["translatedAddress"] = "10.0.0.4";
    rule["translatedPort"] = "443";
    Json& collection = this->collection("allow-hci.time");
    collection["ruleCollectionType"] = "FirewallPolicyNatRuleCollection";
    collection["action"]["type"] = "DNAT";
  };
  const Json json = json_;
  to_nat(ntp());
  EXPECT_FALSE(has(findings(), "R4") || has(findings(), "C1")) << text_of(findings());
  json_ = json;
  for (const Json& ports : {Json({"0"}), Json({"64000"}), Json({"1", "2"}), Json({"1-2"})}) {
    expect("R4", [&] { to_nat(ntp()), ntp()["destinationPorts"] = ports; });
  }
  expect("R4", [&] { to_nat(ntp()), ntp().erase("translatedPort"); });
  expect("R4", [&] { to_nat(ntp()), ntp().erase("translatedAddress"); });
}

TEST_F(Broken, Addresses) {
  for (const char* entry : {"fd00::1", "10.0.0.1 ", "10.0.0.0/33", "10.0.0.1/24",
                            "10.0.0.9-10.0.0.1", "10.0.0.1-fd00::1", "10.0.0", "300.0.0.1"}) {
    expect("A1", [&] { dns()["destinationAddresses"][0] = entry; });
    expect("A1", [&] {
      values_["parameters"]["serversAddresses"]["value"][0] =
          json_["parameters"]["serversAddresses"]["defaultValue"][0] = entry;
    });
  }
  expect("A2", [&] { dns()["destinationAddresses"][0] = "time.windows.com"; });
  expect("A2", [&] { dns()["destinationAddresses"][0] = "VirtualNetwork"; });
  expect("A2", [&] {
    dns().erase("sourceIpGroups");
    dns()["sourceAddresses"] = {"Storage"};
  });
  expect("A3", [&] { dns()["destinationAddresses"][0] = dns()["destinationAddresses"][1]; });
  expect("A3", [&] { dns()["destinationPorts"] = {"53", "53"}; });
}

TEST_F(Broken, Ports) {
  for (const char* port : {"0", "65536", "53-53", "9-1", " 53", "x", "-1"}) {
    expect("Q1", [&] { dns()["destinationPorts"] = {port}; });
  }
  for (const Json& port : {Json(0), Json(64001), Json("443")}) {
    expect("Q1", [&] { his()["protocols"][0]["port"] = port; });
  }
  expect("Q2", [&] { rule("allow-hci.ad", 1)["destinationPorts"] = {"7"}; });
}

TEST_F(Broken, HostNames) {
  for (const char* name : {"https://a.example", "a.example/x", "a.example:443", "a.example.",
                           "a..example", "www.a.*", "x*.a.example", "*.*.a.example", "10.0.0.1"}) {
    expect("F1", [&] { his()["targetFqdns"][0] = name; });
  }
  expect("F1", [&] { his()["targetFqdns"][0] = std::string(64, 'a') + ".example"; });
  expect("F1", [&] {
    std::string name = "x";
    while (name.size() < 253) name += ".abcdefghij";
    his()["targetFqdns"][0] = name;
  });
  expect("F1", [&] { ntp()["destinationFqdns"][0] = "*.windows.com"; });
  expect("F2", [&] { his()["targetFqdns"][0] = "*a.example"; });
  expect("F4", [&] {
    his().erase("targetFqdns");
    his()["fqdnTags"] = {"AzureStackHCI"};
  });
  const Json json = json_;
  his().erase("targetFqdns");
  his()["fqdnTags"] = {"WindowsUpdate", "Office365.Skype.Optimize"};
  EXPECT_EQ(text_of(findings()), "");
  json_ = json;
  his()["targetFqdns"][0] = "a--b.example";
  EXPECT_EQ(text_of(findings()), "F2? `a--b.example`\n");
}

TEST_F(Broken, TiersAndDns) {
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
  expect("T1", [&] { policy()["intrusionDetection"] = {{"mode", "Alert"}}; });
  expect("T2", [&] { policy()["dnsSettings"]["enableProxy"] = false; });
  expect("T3", [&] {
    policy()["basePolicy"]["id"] = "/x";
    policy().erase("dnsSettings");
  });
}

TEST_F(Broken, Limits) {
  expect("L1", [&] {
    Json many = Json::array();
    for (int i = 0; i < 5001; ++i) {
      many.push_back("10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250));
    }
    values_["parameters"]["serversAddresses"]["value"] = many;
    json_["parameters"]["serversAddresses"]["defaultValue"] = many;
  });
  expect("L1", [&] {
    for (int i = 0; i < 256; ++i) {
      json_["parameters"]["p" + std::to_string(i)] = {{"type", "string"}, {"defaultValue", "x"}};
    }
  });
  expect("L1", [&] {
    for (int i = 0; i < 800; ++i) {
      Json more = resource("ipGroups");
      more["name"] = "ipg-" + std::to_string(i);
      json_["resources"].push_back(more);
    }
  });
  expect("L1", [&] { json_["metadata"]["description"] = std::string(4'000'000, 'x'); });
}

TEST_F(Broken, TextThatIsNoJson) {
  std::vector<Artefact> files = files_;
  files[0].text.insert(files[0].text.find("\"resources\""), "\"outputs\": {},\n");
  EXPECT_TRUE(has(validate(files), "X1"));
  files[0].text = "[";
  EXPECT_TRUE(has(validate(files), "X1"));
}

TEST_F(Broken, AnArrayIsCheckedLikeATemplate) {
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
