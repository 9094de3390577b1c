// The azure-firewall backend: which rules it makes of flows, what it refuses, what it says of the
// rest.
#include <gtest/gtest.h>

#include "azure_firewall_checks.h"

namespace hcipol::test::azure {
namespace {

TEST(AzureFirewall, DividesFlowsByWhatTheRulesCanMatch) {
  Small b;
  b.flow("hci/arc.his", {b.servers}, {b.his}, tcp(443) | tcp(80)).title = "Hybrid identity";
  b.flow("hci/time.ntp", {b.servers}, {b.clock}, udp(123));
  b.flow("hci/ad.dns", {b.servers}, {b.dcs}, tcp(53) | udp(53));
  b.flow("hci/ad.ldap", {b.servers}, {b.dcs}, tcp(389) | tcp(3268, 3269) | udp(389));
  const Outcome outcome = b.emit();
  const Template deployment = good(outcome);

  const auto application = rules_of(deployment, "rcg-hci-prod-application");
  ASSERT_EQ(application.size(), 1u);
  const Json& his = application.at("allow-hci.arc/hci-arc.his");
  EXPECT_EQ(his["protocols"].dump(),
            R"([{"protocolType":"Https","port":443},{"protocolType":"Http","port":80}])");
  EXPECT_EQ(his["targetFqdns"].dump(), R"(["gbl.his.arc.azure.com","*.guest.azure.com"])");
  EXPECT_EQ(his["description"], "hci/arc.his: Hybrid identity");
  EXPECT_EQ(his["sourceIpGroups"].dump(),
            R"(["[resourceId('Microsoft.Network/ipGroups', 'ipg-prod-servers')]"])");

  const auto network = rules_of(deployment, "rcg-hci-prod-network");
  ASSERT_EQ(network.size(), 4u);
  EXPECT_EQ(network.at("allow-hci.time/hci-time.ntp")["destinationFqdns"].dump(),
            R"(["time.windows.com"])");
  const Json& dns = network.at("allow-hci.ad/hci-ad.dns");
  EXPECT_EQ(dns["ipProtocols"].dump(), R"(["TCP","UDP"])");
  EXPECT_EQ(dns["destinationAddresses"].dump(), R"(["10.2.0.10","10.2.0.11"])");
  EXPECT_EQ(network.at("allow-hci.ad/hci-ad.ldap-tcp")["destinationPorts"].dump(),
            R"(["389","3268-3269"])");
  EXPECT_EQ(network.at("allow-hci.ad/hci-ad.ldap-udp")["destinationPorts"].dump(), R"(["389"])");
}

TEST(AzureFirewall, TurnsTheDnsProxyOnExactlyWhenANetworkRuleHasNames) {
  Small with;
  with.flow("hci/time.ntp", {with.servers}, {with.clock}, udp(123));
  const Outcome named = with.emit();
  EXPECT_EQ(
      resource(good(named), "Microsoft.Network/firewallPolicies")["properties"]["dnsSettings"],
      Json({{"enableProxy", true}}));
  EXPECT_NE(named.messages().find("resolve through it"), std::string::npos);

  Small without;
  without.flow("hci/arc.his", {without.servers}, {without.his}, tcp(443));
  const Outcome plain = without.emit();
  EXPECT_EQ(
      resource(good(plain), "Microsoft.Network/firewallPolicies")["properties"]["dnsSettings"],
      Json({{"enableProxy", false}}));
  EXPECT_EQ(plain.messages().find("resolve through it"), std::string::npos);
}

TEST(AzureFirewall, RefusesNamesInNetworkRulesWithoutDnsProxyOrOnBasic) {
  for (const bool basic : {false, true}) {
    Small b;
    b.flow("hci/time.ntp", {b.servers}, {b.clock}, udp(123));
    b.flow("hci/arc.his", {b.servers}, {b.his}, tcp(443));
    if (basic) b.option("tier", "Basic");
    if (!basic) b.option("dns_proxy", false);
    const Outcome outcome = b.emit();
    EXPECT_EQ(outcome.count(Diag::cannot_express), 1u) << outcome.messages();
    EXPECT_NE(outcome.messages().find(basic ? "tier Basic" : "dns_proxy = false"),
              std::string::npos);
  }
}

TEST(AzureFirewall, BasicHasNoDnsSettings) {
  Small b;
  b.option("tier", "Basic").flow("hci/arc.his", {b.servers}, {b.his}, tcp(443));
  const Outcome outcome = b.emit();
  const Json policy = resource(good(outcome), "Microsoft.Network/firewallPolicies");
  EXPECT_EQ(policy["properties"]["sku"]["tier"], "Basic");
  EXPECT_FALSE(policy["properties"].contains("dnsSettings"));
}

TEST(AzureFirewall, RefusesPatternsOnOtherPorts) {
  Small b;
  b.flow("hci/arc.his", {b.servers}, {b.his}, tcp(443) | tcp(8084));
  const Outcome outcome = b.emit();
  EXPECT_EQ(outcome.count(Diag::cannot_express), 1u);
  EXPECT_NE(outcome.messages().find("`hci/arc-his` on tcp/8084"), std::string::npos);
}

TEST(AzureFirewall, TakesWhatElseAnEndpointSaysAndSaysSo) {
  struct Case {
    std::string tag;
    std::vector<std::string> at;
    std::vector<std::string> behind_tag;
    std::string destination;
  };
  const std::vector<Case> cases{
      {"ServiceBus", {"203.0.113.7"}, {"198.51.100.0/24"}, R"(["203.0.113.7"])"},
      {"ServiceBus", {}, {"198.51.100.0/24"}, R"(["ServiceBus"])"},
      {"VirtualNetwork", {}, {"198.51.100.0/24"}, R"(["198.51.100.0/24"])"},
  };
  for (const Case& c : cases) {
    Small b;
    const NamedSet* bus =
        b.endpoint("hci/bus", {"*.servicebus.windows.net"}, c.tag, c.at, c.behind_tag);
    b.flow("hci/arc.bus", {b.servers}, {bus}, tcp(443) | tcp(5671));
    const Outcome outcome = b.emit();
    const Template deployment = good(outcome);
    EXPECT_EQ(outcome.count(Diag::widened), 1u) << outcome.messages();
    const Json rule = rules_of(deployment, "-network").at("allow-hci.arc/hci-arc.bus-tcp-endpoint");
    EXPECT_EQ(rule["destinationAddresses"].dump(), c.destination);
    EXPECT_EQ(rule["destinationPorts"].dump(), R"(["5671"])");
    EXPECT_EQ(rules_of(deployment, "-application").size(), 1u);
  }
}

TEST(AzureFirewall, TakesServiceTagsByNameAndNotesUnknownOnes) {
  Small b;
  const NamedSet* known = b.endpoint("hci/arm", {}, "AzureResourceManager");
  const NamedSet* unknown = b.endpoint("hci/front", {}, "AzureFrontDoor.Frontend");
  b.flow("hci/x.arm", {b.servers}, {known, unknown, b.dcs}, tcp(443));
  const Outcome outcome = b.emit();
  const Json rule = rules_of(good(outcome), "-network").at("allow-hci.x/hci-x.arm");
  EXPECT_EQ(rule["destinationAddresses"].dump(),
            R"(["10.2.0.10","10.2.0.11","AzureFrontDoor.Frontend","AzureResourceManager"])");
  EXPECT_NE(outcome.messages().find("service tag `AzureFrontDoor.Frontend`"), std::string::npos);
  EXPECT_EQ(outcome.messages().find("tag `AzureResourceManager`"), std::string::npos);
}

TEST(AzureFirewall, RefusesTagsThatNoRuleTakes) {
  for (const std::string tag : {"Internet", "[resourceGroup().id]"}) {
    Small b;
    b.flow("hci/x.net", {b.servers}, {b.endpoint("hci/net", {}, tag)}, tcp(443));
    EXPECT_EQ(b.emit().count(Diag::no_service_tags), 1u) << tag;
  }
}

TEST(AzureFirewall, MakesIpGroupsOfLongListsAndKeepsTagsApart) {
  Small b;
  std::vector<std::string> many;
  for (int i = 0; i < 40; i += 2) many.push_back("192.0.2." + std::to_string(i));
  const NamedSet* partners = b.set("partners", many);
  b.flow("main/b2b.edi", {b.servers}, {partners, b.endpoint("hci/s", {}, "Storage")}, tcp(5000));
  const Outcome outcome = b.emit();
  const auto rules = rules_of(good(outcome), "-network");
  ASSERT_EQ(rules.size(), 2u);
  EXPECT_TRUE(rules.at("allow-main.b2b/main-b2b.edi-tcp").contains("destinationIpGroups"));
  EXPECT_EQ(rules.at("allow-main.b2b/main-b2b.edi-tcp-tags")["destinationAddresses"].dump(),
            R"(["Storage"])");
}

TEST(AzureFirewall, WritesLiteralsWithoutIpGroups) {
  Small b;
  const NamedSet* overlapping = b.set("node.e1", {"10.1.0.11"}, NamedSet::Kind::node);
  b.option("ip_groups", false).flow("hci/ad.dns", {b.servers, overlapping}, {b.dcs}, udp(53));
  const Outcome outcome = b.emit();
  const Template deployment = good(outcome);
  EXPECT_TRUE(deployment.ip_groups().empty());
  EXPECT_EQ(rules_of(deployment, "-network").begin()->second["sourceAddresses"].dump(),
            R"(["10.1.0.11","10.1.0.12"])");
}

TEST(AzureFirewall, AnyIsAnAsterisk) {
  Small b;
  b.flow("main/lab.all", {b.any()}, {b.any()}, ServiceSet::any());
  const Outcome outcome = b.emit();
  const Json rule = rules_of(good(outcome), "-network").at("allow-main.lab/main-lab.all");
  EXPECT_EQ(rule["sourceAddresses"].dump() + rule["destinationAddresses"].dump() +
                rule["destinationPorts"].dump() + rule["ipProtocols"].dump(),
            R"(["*"]["*"]["*"]["Any"])");
}

TEST(AzureFirewall, InternetIsNotEverything) {
  Small b;
  b.flow("main/web.out", {b.servers}, {b.internet()}, tcp(443));
  const Outcome outcome = b.emit();
  const Template deployment = good(outcome);
  const auto server = Template::number("10.1.0.11");
  EXPECT_TRUE(deployment.allows(server, {Template::number("8.8.8.8"), ""}, {6, 443}));
  EXPECT_FALSE(deployment.allows(server, {Template::number("10.2.0.10"), ""}, {6, 443}));
  EXPECT_FALSE(deployment.allows(server, {Template::number("192.168.0.1"), ""}, {6, 443}));
}

TEST(AzureFirewall, WidensIcmpTypesAndNotesIcmpToTheInternet) {
  Small b;
  b.flow("main/ping.out", {b.servers}, {b.internet()},
         ServiceSet::icmp_type(net::protocol::icmp, 8));
  b.flow("main/ping.in", {b.servers}, {b.dcs}, ServiceSet::whole(net::protocol::icmp));
  const Outcome outcome = b.emit();
  const auto rules = rules_of(good(outcome), "-network");
  EXPECT_EQ(rules.at("allow-main.ping/main-ping.out")["ipProtocols"].dump(), R"(["ICMP"])");
  EXPECT_EQ(outcome.count(Diag::widened), 1u) << outcome.messages();
  EXPECT_NE(outcome.messages().find("not translated: `main/ping.out`\n"), std::string::npos)
      << outcome.messages();
  EXPECT_EQ(outcome.messages().find("is not let through"), std::string::npos);
}

TEST(AzureFirewall, RefusesOtherProtocols) {
  Small b;
  b.flow("main/gre.out", {b.servers}, {b.dcs}, ServiceSet::whole(47));
  b.flow("main/icmp.name", {b.servers}, {b.clock}, ServiceSet::whole(net::protocol::icmp));
  b.flow("main/most.out", {b.servers}, {b.dcs}, ServiceSet::any() - tcp(445));
  EXPECT_EQ(b.emit().count(Diag::cannot_express), 3u);
}

TEST(AzureFirewall, NotesTheIpv6HalfOnceAndRefusesIpv6Alone) {
  Small b;
  b.flow("main/web.a", {b.servers}, {b.internet()}, tcp(443));
  b.flow("main/web.b", {b.servers}, {b.internet()}, tcp(80));
  const Outcome both = b.emit();
  good(both);
  EXPECT_NE(both.messages().find("is not let through: `main/web.a` and `main/web.b`"),
            std::string::npos);
  EXPECT_EQ(both.count(Diag::device_note), 1u);

  // What a subtraction leaves of a rule for both families is no error, since the rule is none.
  const NamedSet* six = b.set("clipped", {"fd00::11"});
  b.flows()[1].from = {six};
  const Outcome rest = b.emit();
  good(rest);
  EXPECT_NE(rest.messages().find("is not let through: `main/web.a` and `main/web.b`"),
            std::string::npos);

  Small alone;
  alone.flow("main/six.a", {alone.servers}, {alone.set("v6", {"2001:db8::1"})}, tcp(443));
  alone.flow("main/six.b", {alone.servers}, {alone.dcs}, ServiceSet::whole(net::protocol::icmpv6));
  EXPECT_EQ(alone.emit().count(Diag::cannot_express), 2u);
}

TEST(AzureFirewall, RefusesNamesThatRulesCannotHave) {
  Small b;
  NamedSet odd;
  odd.name = "odd";
  odd.set.names = names({"*.a.example"}) - names({"x.a.example"});
  NamedSet nearly_all;
  nearly_all.name = "nearly all";
  nearly_all.set = {net::internet_addresses(), net::DomainSet::all() - names({"bad.example"})};
  b.flow("main/x.odd", {b.servers}, {b.add(odd)}, tcp(443));
  b.flow("main/x.nearly", {b.servers}, {b.add(nearly_all)}, tcp(443));
  b.flow("main/x.source", {b.clock}, {b.servers}, tcp(443));
  const Outcome outcome = b.emit();
  EXPECT_EQ(outcome.count(Diag::cannot_express), 3u) << outcome.messages();
  EXPECT_NE(outcome.messages().find("*.a.example except x.a.example"), std::string::npos);
}

TEST(AzureFirewall, NotesNetworkRulesThatDecideForApplicationRules) {
  Small b;
  b.flow("hci/arc.his", {b.servers}, {b.his}, tcp(443));
  b.flow("hci/arc.cloud", {b.servers}, {b.endpoint("hci/cloud", {}, "AzureCloud")}, tcp(443));
  const Outcome outcome = b.emit();
  good(outcome);
  EXPECT_NE(outcome.messages().find("these let through: `hci/arc.cloud`\n"), std::string::npos)
      << outcome.messages();

  Small apart;
  apart.flow("hci/arc.his", {apart.servers}, {apart.his}, tcp(443));
  apart.flow("hci/arc.cloud", {apart.dcs}, {apart.endpoint("hci/cloud", {}, "AzureCloud")},
             tcp(443));
  EXPECT_EQ(apart.emit().messages().find("web traffic"), std::string::npos);
}

TEST(AzureFirewall, PutsExceptionsFirstInTheirOwnCollections) {
  Small b;
  policy::Rule& rule =
      b.flow("main/CHG0041877.smb", {b.servers}, {b.dcs}, tcp(445), Kind::exception);
  rule.owner = "j.doe@contoso.example";
  rule.reason = "Vendor migrates";
  rule.expires = *parse_date("2022-06-30");
  b.flow("hci/ad.dns", {b.servers}, {b.dcs}, udp(53));
  const Outcome outcome = b.emit();
  const Template deployment = good(outcome);
  const auto rules = rules_of(deployment, "-network");
  EXPECT_EQ(rules.at("exception-main.CHG0041877/main-CHG0041877.smb")["description"],
            "main/CHG0041877.smb. Owner: j.doe@contoso.example. Expires: 2022-06-30. "
            "Reason: Vendor migrates");
  const Json group = deployment.json()["resources"].back();
  EXPECT_EQ(group["properties"]["ruleCollections"][0]["name"], "exception-main.CHG0041877");
  EXPECT_LT(group["properties"]["ruleCollections"][0]["priority"].get<int>(), 1000);
  EXPECT_GE(group["properties"]["ruleCollections"][1]["priority"].get<int>(), 1000);
}

TEST(AzureFirewall, NotesTrafficWithinASite) {
  const auto messages = [](bool sites, const std::string& from, const std::string& to) {
    Small b;
    policy::Cluster& cluster = b.policy().clusters.front();
    cluster.servers = b.set("servers", {"10.1.0.0/24", "10.2.0.0/24"}, NamedSet::Kind::servers);
    std::deque<policy::Site> both;
    for (const char* prefix : {"10.1.0.0/24", "10.2.0.0/24"}) {
      policy::Site& site = both.emplace_back();
      site.set = b.set("site", {prefix}, NamedSet::Kind::site);
      if (sites) cluster.sites.push_back(&site);
    }
    b.flow("hci/cluster.smb", {b.set("from", {from})}, {b.set("to", {to})}, tcp(445));
    return b.emit().messages();
  };
  const std::string note = "servers of one site reach each other without it";
  EXPECT_NE(messages(true, "10.1.0.1", "10.1.0.2").find(note), std::string::npos);
  EXPECT_EQ(messages(true, "10.1.0.1", "10.2.0.2").find(note), std::string::npos);
  EXPECT_NE(messages(false, "10.1.0.1", "10.2.0.2").find(note), std::string::npos);
  EXPECT_EQ(messages(false, "10.1.0.1", "10.3.0.2").find(note), std::string::npos);
}

TEST(AzureFirewall, SaysWhereLoggingIsSet) {
  Small b;
  b.flow("hci/arc.his", {b.servers}, {b.his}, tcp(443)).log = true;
  EXPECT_NE(b.emit().messages().find("and not of a rule: `hci/arc.his`"), std::string::npos);
}

}  // namespace
}  // namespace hcipol::test::azure
