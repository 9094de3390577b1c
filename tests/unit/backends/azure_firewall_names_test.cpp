// Names in Azure are a contract: a template can neither rename nor delete what it has made. What is
// asserted here letter by letter must stay as it is in every release.
#include <gtest/gtest.h>

#include <set>

#include "azure_firewall_checks.h"
#include "backends/common/arm/naming.h"

namespace hcipol::test::azure {
namespace {

/// Every name and priority of a template, one a line.
std::string names_of(const Template& deployment) {
  std::string out;
  for (const auto& [name, parameter] : deployment.json()["parameters"].items()) {
    out += "parameter " + name + "\n";
  }
  for (std::size_t i = 0; i < deployment.ids().size(); ++i) {
    const Json& resource = deployment.json()["resources"][i];
    out += deployment.ids()[i].substr(deployment.ids()[i].find('/') + 1) + "\n";
    if (!Template::is_group(resource)) continue;
    for (const Json& collection : resource["properties"]["ruleCollections"]) {
      out += "  " + collection["priority"].dump() + " " + collection["name"].get<std::string>();
      for (const Json& rule : collection["rules"]) out += " " + rule["name"].get<std::string>();
      out += "\n";
    }
  }
  return out;
}

TEST(AzureFirewallNames, OfAllClustersAreThoseOfEach) {
  policy::Policy policy;
  for (const char* name : {"prod", "Prod", "prod-east", "lab", "l_ab", "pr od", "pr-od", "--", "++",
                           "a-cluster-with-a-name-that-is-longer-than-forty-characters"}) {
    policy.clusters.emplace_back().name = name;
  }
  const std::vector<std::string> all = backends::arm::cluster_parts(policy);
  ASSERT_EQ(all.size(), policy.clusters.size());
  for (std::size_t c = 0; c < all.size(); ++c) {
    EXPECT_EQ(all[c], backends::arm::cluster_part(policy, policy.clusters[c].name));
  }
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), all.size());
}

TEST(AzureFirewallNames, AreAContract) {
  Small b;
  const NamedSet* site = b.set("site.east", {"10.1.0.0/24"}, NamedSet::Kind::site);
  const NamedSet* literal = b.set("10.0.7.0/27", {"10.0.7.0/27"}, NamedSet::Kind::literal);
  b.flow("hci/arc-servers.his", {b.servers}, {b.his}, tcp(443));
  b.flow("hci/time.ntp", {b.servers, site}, {b.clock}, udp(123));
  b.flow("hci/active-directory.ldap", {literal}, {b.dcs}, tcp(389) | udp(389) | tcp(636));
  b.flow("main/CHG0041877.smb", {b.servers}, {b.dcs}, tcp(445), Kind::exception);
  EXPECT_EQ(names_of(good(b.emit())), R"(parameter location
parameter firewallPolicyName
parameter ip10_0_7_0_27Addresses
parameter serversAddresses
parameter siteEastAddresses
ipGroups|ipg-prod-10.0.7.0-27
ipGroups|ipg-prod-servers
ipGroups|ipg-prod-site.east
firewallPolicies|afwp-hci-prod
firewallPolicies/ruleCollectionGroups|afwp-hci-prod/rcg-hci-prod-network
  666 exception-main.CHG0041877 main-CHG0041877.smb
  17033 allow-hci.active-directory hci-active-directory.ldap-tcp hci-active-directory.ldap-udp
  23336 allow-hci.time hci-time.ntp
firewallPolicies/ruleCollectionGroups|afwp-hci-prod/rcg-hci-prod-application
  57948 allow-hci.arc-servers hci-arc-servers.his
)");
}

TEST(AzureFirewallNames, FollowFromTheClusterAndNotFromOtherClusters) {
  for (const std::string other : {"lab", "prod-2", "x"}) {
    Small b;
    b.policy().clusters.emplace_back().name = other;
    b.flow("hci/arc.his", {b.servers}, {b.his}, tcp(443));
    EXPECT_NE(b.emit().text().find("'rcg-hci-prod-application'"), std::string::npos) << other;
  }
  Small b;
  b.policy().clusters.emplace_back().name = "PROD";
  b.flow("hci/arc.his", {b.servers}, {b.his}, tcp(443));
  EXPECT_EQ(b.emit().text().find("'rcg-hci-prod-application'"), std::string::npos);
}

TEST(AzureFirewallNames, SayHowEverythingIsTakenAwayAgain) {
  Small b;
  b.flow("hci/arc.his", {b.servers}, {b.his}, tcp(443));
  b.flow("hci/time.ntp", {b.servers}, {b.clock}, udp(123));
  std::string made;
  for (const backends::Made& one : b.emit().emission.made)
    made += one.what + ": " + one.remove + "\n";
  EXPECT_EQ(made,
            "rule collection group `rcg-hci-prod-network`: az network firewall policy "
            "rule-collection-group delete --resource-group <resource-group> --policy-name "
            "afwp-hci-prod --name rcg-hci-prod-network\n"
            "rule collection group `rcg-hci-prod-application`: az network firewall policy "
            "rule-collection-group delete --resource-group <resource-group> --policy-name "
            "afwp-hci-prod --name rcg-hci-prod-application\n"
            "firewall policy `afwp-hci-prod`: az network firewall policy delete --resource-group "
            "<resource-group> --name afwp-hci-prod\n"
            "IP group `ipg-prod-servers`: az network ip-group delete --resource-group "
            "<resource-group> --name ipg-prod-servers\n");
}

// ---- the bare array ----------------------------------------------------------------------------

TEST(AzureFirewallArray, HasTheGroupsOfTheTemplateWithAddressesInTheRules) {
  const auto emitted = [](bool array) {
    Small b;
    if (array) b.option("format", "rcg-json");
    if (!array) b.option("ip_groups", false).option("mode", "attach").option("policy", "p");
    b.flow("hci/arc.his", {b.servers}, {b.his}, tcp(443));
    b.flow("hci/ad.dns", {b.servers}, {b.dcs}, tcp(53) | udp(53));
    return b.emit();
  };
  const Outcome array = emitted(true);
  EXPECT_FALSE(array.reporter.has_errors()) << array.messages();
  ASSERT_EQ(array.emission.artefacts.size(), 1u);
  EXPECT_EQ(array.emission.artefacts[0].path, "prod.rcg.json");
  EXPECT_EQ(array.emission.artefacts[0].rules.size(), 2u);
  Json expected = Json::array();
  const Outcome outcome = emitted(false);
  const Template deployment = good(outcome);
  for (const Json& resource : deployment.json()["resources"]) {
    const std::string name = resource["name"];
    expected.push_back(
        {{"name", name.find("network") != std::string::npos ? "rcg-hci-prod-network"
                                                            : "rcg-hci-prod-application"},
         {"priority", resource["properties"]["priority"]},
         {"ruleCollections", resource["properties"]["ruleCollections"]}});
  }
  EXPECT_EQ(parse_strictly(array.text()).dump(2), expected.dump(2));
}

TEST(AzureFirewallArray, TextInBracketsIsWrittenAsItIs) {
  Builder b;
  b.option("format", "rcg-json");
  b.flow("[a/b.c]", {b.set("s", {"10.0.0.1"})}, {b.set("d", {"10.0.0.2"})}, tcp(1));
  const Json array = parse_strictly(b.emit().text());
  EXPECT_EQ(array[0]["ruleCollections"][0]["rules"][0]["description"], "[a/b.c]");
}

TEST(AzureFirewallArray, OfNothingIsEmpty) {
  Small b;
  b.option("format", "rcg-json");
  const Outcome outcome = b.emit();
  EXPECT_FALSE(outcome.reporter.has_errors());
  EXPECT_EQ(outcome.text(), "[]\n");
}

TEST(AzureFirewallArray, RefusesWhatOnlyATemplateHas) {
  const auto refused = [](const std::string& option, auto value) {
    Small b;
    b.flow("hci/arc.his", {b.servers}, {b.his}, tcp(443));
    b.option("format", "rcg-json").option(option, value);
    return b.emit().count(Diag::bad_option);
  };
  EXPECT_EQ(refused("format", "bicep"), 1u);
  EXPECT_EQ(refused("mode", "standalone"), 1u);
  EXPECT_EQ(refused("mode", "child"), 1u);
  EXPECT_EQ(refused("mode", "attach"), 0u);
  EXPECT_EQ(refused("base_policy", "/x"), 1u);
  EXPECT_EQ(refused("ip_groups", true), 1u);
  EXPECT_EQ(refused("ip_groups", false), 0u);
  EXPECT_EQ(refused("api_version", "2024-05-01"), 1u);
  EXPECT_EQ(refused("dns_proxy", true), 1u);
  EXPECT_EQ(refused("policy", "a/b"), 1u);
  EXPECT_EQ(refused("policy", "afwp-hub"), 0u);
  EXPECT_EQ(refused("tier", "Premium"), 0u);
}

TEST(AzureFirewallArray, NamesThePolicyIfItIsKnown) {
  for (const bool known : {false, true}) {
    Small b;
    b.option("format", "rcg-json");
    if (known) b.option("policy", "afwp-hub");
    b.flow("hci/time.ntp", {b.servers}, {b.clock}, udp(123));
    const Outcome outcome = b.emit();
    EXPECT_NE(outcome.emission.made.at(0).remove.find(known ? "--policy-name afwp-hub "
                                                            : "--policy-name <policy> "),
              std::string::npos);
    EXPECT_NE(outcome.messages().find(known ? "`afwp-hub` must have" : "the policy must have"),
              std::string::npos)
        << outcome.messages();
  }
}

}  // namespace
}  // namespace hcipol::test::azure
