// The azure-firewall backend: the files around the rules, names and options.
#include <gtest/gtest.h>

#include "azure_firewall_checks.h"
#include "support/text.h"

namespace hcipol::test::azure {
namespace {

TEST(AzureFirewallDocument, WritesTheParameterFileAndTheSourceMap) {
  Small b;
  policy::Rule& his = b.flow("hci/arc.his", {b.servers}, {b.his}, tcp(443));
  policy::Rule& ntp = b.flow("hci/time.ntp", {b.servers}, {b.clock}, udp(123));
  const Outcome outcome = b.emit();
  good(outcome);
  const auto& artefacts = outcome.emission.artefacts;
  ASSERT_EQ(artefacts.size(), 2u);
  EXPECT_EQ(artefacts[0].path, "prod.azuredeploy.json");
  EXPECT_EQ(artefacts[1].path, "prod.azuredeploy.parameters.json");
  EXPECT_TRUE(artefacts[0].text.ends_with("}\n"));
  const Json values = parse_strictly(artefacts[1].text)["parameters"];
  EXPECT_EQ(values.dump(), R"({"firewallPolicyName":{"value":"afwp-hci-prod"},)"
                           R"("serversAddresses":{"value":["10.1.0.11","10.1.0.12"]}})");
  ASSERT_EQ(artefacts[0].rules.size(), 2u);
  EXPECT_EQ(artefacts[0].rules[0].id, "hci-time.ntp");
  EXPECT_EQ(artefacts[0].rules[0].rule, &ntp);
  EXPECT_EQ(artefacts[0].rules[1].id, "hci-arc.his");
  EXPECT_EQ(artefacts[0].rules[1].rule, &his);
}

TEST(AzureFirewallDocument, PutsAddressesIntoParameters) {
  Small b;
  b.flow("hci/ad.dns", {b.servers}, {b.dcs}, udp(53));
  const Outcome outcome = b.emit();
  const Template other(outcome.text(),
                       R"({"parameters":{"serversAddresses":{"value":["10.9.0.0/24"]}}})");
  EXPECT_TRUE(
      other.allows(Template::number("10.9.0.7"), {Template::number("10.2.0.10"), ""}, {17, 53}));
  EXPECT_FALSE(
      other.allows(Template::number("10.1.0.11"), {Template::number("10.2.0.10"), ""}, {17, 53}));
}

/// The lines of `after` that are not in `before`, in order, and the other way round.
std::pair<std::vector<std::string>, std::vector<std::string>> difference(const std::string& before,
                                                                         const std::string& after) {
  const auto split_lines = [](const std::string& text) {
    std::multiset<std::string> out;
    for (const std::string_view line : split(text, '\n')) out.insert(std::string(line));
    return out;
  };
  const auto a = split_lines(before);
  const auto b = split_lines(after);
  std::vector<std::string> added;
  std::vector<std::string> removed;
  std::set_difference(b.begin(), b.end(), a.begin(), a.end(), std::back_inserter(added));
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(removed));
  return {added, removed};
}

TEST(AzureFirewallDocument, OneMoreRuleChangesItsOwnLinesOnly) {
  const auto text = [](bool more) {
    Small b;
    for (int i = 0; i < 30; ++i) {
      if (more && i == 7) b.flow("hci/feature7a.x", {b.servers}, {b.dcs}, tcp(7777));
      const std::string feature = "hci/feature" + std::to_string(i);
      b.flow(feature + ".a", {b.servers}, {b.dcs}, tcp(static_cast<std::uint16_t>(1000 + i)));
      b.flow(feature + ".b", {b.servers}, {b.his}, tcp(443));
    }
    return b.emit().text();
  };
  const auto [added, removed] = difference(text(false), text(true));
  EXPECT_EQ(lines(removed), "");
  EXPECT_LT(added.size(), 40u);
  EXPECT_EQ(text(true), text(true));
}

TEST(AzureFirewallDocument, TellsNamesApartThatWouldClash) {
  Small b;
  const NamedSet* upper = b.set("Site.East", {"10.7.0.1"}, NamedSet::Kind::site);
  const NamedSet* lower_case = b.set("site.east", {"10.7.0.2"}, NamedSet::Kind::site);
  const NamedSet* dashed = b.set("site-east", {"10.7.0.3"});
  const NamedSet* clipped = b.set("site-east", {"10.7.0.4"});
  b.flow("main/a.x", {upper, lower_case, dashed, clipped}, {b.dcs}, tcp(1), Kind::allow,
         " (a -> b)");
  b.flow("main/a.x", {b.servers}, {b.dcs}, tcp(2), Kind::allow, " (A -> B)");
  b.flow("main/a-b.c", {b.servers}, {b.dcs}, tcp(3));
  b.flow("main/a b.c", {b.servers}, {b.dcs}, tcp(4));
  const Outcome outcome = b.emit();
  const Template deployment = good(outcome);
  EXPECT_EQ(deployment.ip_groups().size(), 5u);
  EXPECT_EQ(rules_of(deployment, "-network").size(), 4u);
}

TEST(AzureFirewallDocument, HostileTextStaysText) {
  const std::string hostile =
      "[resourceGroup().id]\"'`$(x)\n\r\t\x01\x7f,{}]]>-->#>'@\xe2\x80\x98\xe2\x80\x9d\xe2\x80\xae"
      "\xff\\u0022, \"priority\": 1 [concat('a')]";
  Builder b("[concat('p', '\"')]");
  const NamedSet* servers = b.set("[parameters('location')]", {"10.1.0.11"});
  policy::Rule& rule =
      b.flow("[m]/x.y]", {servers}, {b.set("d", {"10.2.0.1"})}, tcp(443), Kind::exception);
  rule.title = hostile;
  rule.owner = rule.reason = rule.origin.source = hostile;
  // As short as can be, and in brackets from end to end.
  b.flow("[a/b.c]", {servers}, {b.set("e", {"10.2.0.2"})}, tcp(444)).origin.source = "";
  const Outcome outcome = b.emit();
  const Template deployment = good(outcome);
  const auto rules = rules_of(deployment, "-network");
  ASSERT_EQ(rules.size(), 2u);
  for (const auto& [name, json] : rules) {
    const std::string text = deployment.text_of(json["description"]);  // throws if an expression
    EXPECT_TRUE(text.starts_with("[a/b.c]") || text.starts_with("[m]/x.y]: [resourceGroup"))
        << text;
  }
  const std::string& file = outcome.text();
  EXPECT_TRUE(std::all_of(file.begin(), file.end(),
                          [](char c) { return c == '\n' || (c >= ' ' && c < 0x7f); }));
}

TEST(AzureFirewallDocument, ChildAndAttach) {
  const std::string parent =
      "/subscriptions/s/resourceGroups/hub/providers/Microsoft.Network/firewallPolicies/afwp-base";
  Small child;
  child.option("mode", "child").option("base_policy", parent);
  child.option("dns_servers", sema::List{sema::Value{std::string("10.0.0.4"), {}}});
  child.flow("hci/arc.his", {child.servers}, {child.his}, tcp(443));
  const Outcome below = child.emit();
  const Template deployment = good(below);
  const Json properties = resource(deployment, "Microsoft.Network/firewallPolicies")["properties"];
  EXPECT_EQ(deployment.text_of(properties["basePolicy"]["id"]), parent);
  EXPECT_EQ(deployment.value_of(properties["dnsSettings"]["servers"]).dump(), R"(["10.0.0.4"])");

  Small attach;
  attach.option("mode", "attach").option("policy", "afwp-hub-weu").option("priority", 400);
  attach.flow("hci/arc.his", {attach.servers}, {attach.his}, tcp(443));
  attach.flow("hci/time.ntp", {attach.servers}, {attach.clock}, udp(123));
  const Outcome attached = attach.emit();
  const Template groups = good(attached);
  EXPECT_TRUE(resource(groups, "Microsoft.Network/firewallPolicies").is_null());
  EXPECT_EQ(groups.ids(),
            (std::vector<std::string>{"Microsoft.Network/ipGroups|ipg-prod-servers",
                                      "Microsoft.Network/firewallPolicies/ruleCollectionGroups|"
                                      "afwp-hub-weu/rcg-hci-prod-network",
                                      "Microsoft.Network/firewallPolicies/ruleCollectionGroups|"
                                      "afwp-hub-weu/rcg-hci-prod-application"}));
  EXPECT_EQ(groups.json()["resources"][1]["properties"]["priority"], 400);
  EXPECT_EQ(groups.json()["resources"][2]["properties"]["priority"], 500);
  EXPECT_NE(attached.messages().find("`afwp-hub-weu` must have the DNS proxy on"),
            std::string::npos);
}

TEST(AzureFirewallDocument, WithNothingToAllowThePolicyIsStillThere) {
  Small b;
  const Outcome outcome = b.emit();
  const Template deployment = good(outcome);
  EXPECT_EQ(deployment.ids(),
            std::vector<std::string>{"Microsoft.Network/firewallPolicies|afwp-hci-prod"});
  EXPECT_EQ(outcome.count(Diag::device_note), 1u);
  EXPECT_NE(outcome.text().find("rule-collection-group delete"), std::string::npos);

  Small attach;
  attach.option("mode", "attach").option("policy", "p");
  const Outcome none = attach.emit();
  EXPECT_FALSE(none.reporter.has_errors());
  EXPECT_TRUE(none.emission.artefacts.empty());
}

TEST(AzureFirewallDocument, RefusesBadOptions) {
  const auto refused = [](auto set_options) {
    Small b;
    b.flow("hci/arc.his", {b.servers}, {b.his}, tcp(443));
    set_options(b);
    return b.emit().count(Diag::bad_option);
  };
  for (const int priority : {-1, 0, 99, 100, 200, 300, 64831, 65000, 70000}) {
    EXPECT_EQ(refused([&](Small& b) { b.option("priority", priority); }), 1u) << priority;
  }
  for (const int priority : {101, 400, 1000, 64830}) {
    EXPECT_EQ(refused([&](Small& b) { b.option("priority", priority); }), 0u) << priority;
  }
  for (const char* name : {"", "-a", "a-", "a/b", "a'b", "[x]"}) {
    EXPECT_EQ(refused([&](Small& b) { b.option("policy", name); }), 1u) << name;
  }
  EXPECT_EQ(refused([](Small& b) { b.option("policy", std::string(81, 'a')); }), 1u);
  EXPECT_EQ(refused([](Small& b) { b.option("policy", std::string(80, 'a')); }), 0u);
  EXPECT_EQ(refused([](Small& b) { b.option("mode", "Attach"); }), 1u);
  EXPECT_EQ(refused([](Small& b) { b.option("mode", "attach"); }), 1u);
  EXPECT_EQ(refused([](Small& b) { b.option("mode", "child"); }), 1u);
  EXPECT_EQ(refused([](Small& b) { b.option("mode", "child").option("base_policy", "[x]"); }), 1u);
  EXPECT_EQ(refused([](Small& b) { b.option("base_policy", "/x"); }), 1u);
  EXPECT_EQ(refused([](Small& b) { b.option("tier", "standard"); }), 1u);
  EXPECT_EQ(refused([](Small& b) { b.option("tier", "Basic").option("dns_proxy", true); }), 1u);
  EXPECT_EQ(refused([](Small& b) { b.option("api_version", "2020-05-01"); }), 1u);
  EXPECT_EQ(refused([](Small& b) { b.option("api_version", "2024-05-01"); }), 0u);
}

TEST(AzureFirewallDocument, NotesClustersThatShareAPolicy) {
  Small b;
  b.flow("hci/arc.his", {b.servers}, {b.his}, tcp(443));
  b.option("mode", "attach").option("policy", "shared").option("priority", 400);
  policy::Policy& policy = b.policy();
  policy.clusters.emplace_back().name = "lab";
  policy.views = {{b.view()}, {b.view()}};
  EXPECT_NE(b.emit().messages().find("cluster `lab` has the same policy `shared`"),
            std::string::npos);
  policy.views[1][0].options["priority"].data = std::int64_t{600};
  EXPECT_EQ(b.emit().messages().find("cluster `lab`"), std::string::npos);
}

// The second policy that is given to a firewall takes the first one's place.
TEST(AzureFirewallDocument, NotesClustersBehindOneFirewallWithPoliciesOfTheirOwn) {
  Small b;
  b.flow("hci/arc.his", {b.servers}, {b.his}, tcp(443));
  const NamedSet* proxy = b.set("proxy.corp", {"10.0.9.10", "203.0.113.9"});
  policy::Policy& policy = b.policy();
  policy.clusters.emplace_back().name = "lab";
  policy.views = {{b.view()}, {b.view()}};
  const auto said = [&] { return b.emit().messages().find("and a firewall has one policy"); };
  // The other cluster's servers are unknown; then they are others; then one is behind both.
  EXPECT_EQ(said(), std::string::npos);
  policy.clusters.back().servers = proxy;
  EXPECT_EQ(said(), std::string::npos);
  sema::Flow sees;
  sees.from.parts = {proxy};
  sees.to.parts = {b.his};
  policy.views[1][0].sees = sees;
  EXPECT_EQ(said(), std::string::npos);
  b.flow("hci/arc.proxied", {proxy}, {b.his}, tcp(443));
  const std::string whole = b.emit().messages();
  EXPECT_NE(whole.find("makes a policy for cluster `prod` and another for `lab`, though both have "
                       "10.0.9.10 behind them, and a firewall has one policy"),
            std::string::npos)
      << whole;
  // Of one policy, another note tells; and what is attached makes none.
  policy.views[1][0].options["policy"].data = std::string("afwp-hci-prod");
  EXPECT_EQ(said(), std::string::npos);
  policy.views[1][0].options.erase("policy");
  for (const auto& [option, value] :
       {std::pair("mode", "attach"), std::pair("format", "rcg-json")}) {
    policy.views[1][0].options[option].data = std::string(value);
    EXPECT_EQ(said(), std::string::npos) << option;
    policy.views[1][0].options.erase(option);
  }
  EXPECT_NE(said(), std::string::npos);
  // Each pair is told once, for the first of the two.
  policy.clusters.pop_back();
  policy.clusters.emplace_front().name = "lab";
  std::swap(policy.views[0], policy.views[1]);
  EXPECT_EQ(said(), std::string::npos);
}

// Whoever opens the template is to see what the build said.
TEST(AzureFirewallDocument, ATemplateWithoutRulesSaysSo) {
  const auto description = [](Small& b) {
    return nlohmann::json::parse(b.emit().text())["metadata"]["description"].get<std::string>();
  };
  Small none;
  EXPECT_NE(description(none).find("has none: a firewall with it denies everything"),
            std::string::npos);
  none.option("templates", "several");
  EXPECT_NE(description(none).find("has none"), std::string::npos);
  none.option("mode", "child")
      .option("base_policy",
              "/subscriptions/s/resourceGroups/g/providers/"
              "Microsoft.Network/firewallPolicies/parent");
  EXPECT_NE(description(none).find("only the parent's allow anything"), std::string::npos);
  Small some;
  some.flow("hci/arc.his", {some.servers}, {some.his}, tcp(443));
  EXPECT_EQ(description(some).find("has none"), std::string::npos);
  some.option("templates", "several");
  EXPECT_EQ(description(some).find("has none"), std::string::npos);
}

/// The validator itself: each mutation is one that Azure refuses.
TEST(AzureFirewallDocument, NotesTargetsOfOneClusterWithTheSameGroups) {
  Small b;
  b.flow("hci/arc.his", {b.servers}, {b.his}, tcp(443));
  policy::Policy& policy = b.policy();
  policy.targets.push_back({"azure-firewall", "two", {}});
  policy.views = {{b.view(), b.view()}};
  policy.views[0][1].target = &policy.targets.back();
  const std::string note = "`azure-firewall-two` makes rule collection groups of the same names";
  EXPECT_NE(b.emit().messages().find(note), std::string::npos) << b.emit().messages();
  policy.views[0][1].options["format"].data = std::string("rcg-json");
  EXPECT_EQ(b.emit().messages().find(note), std::string::npos);
  policy.views[0][1].options["policy"].data = std::string("afwp-other");
  EXPECT_EQ(b.emit().messages().find(note), std::string::npos);
}

TEST(AzureFirewallDocument, ValidatorSeesFaults) {
  Small b;
  b.flow("hci/arc.his", {b.servers}, {b.his}, tcp(443));
  b.flow("hci/time.ntp", {b.servers}, {b.clock}, udp(123));
  b.flow("main/CHG1.dns", {b.servers}, {b.dcs}, udp(53), Kind::exception);
  const Outcome outcome = b.emit();
  good(outcome);
  const std::vector<std::pair<std::string, std::string>> mutations{
      {R"("priority": 1000)", R"("priority": "1000")"},
      {R"("priority": 1000)", R"("priority": 1100)"},
      {R"("enableProxy": true)", R"("enableProxy": false)"},
      {R"("time.windows.com")", R"("*.windows.com")"},
      {R"("time.windows.com")", R"("time.windows.com/x")"},
      {R"("*.guest.azure.com")", R"("*guest.azure.com")"},
      {R"("10.2.0.10",)", R"("10.2.0.10/24",)"},
      {R"("10.2.0.10",)", R"("fd00::1",)"},
      {R"("10.2.0.10",)", R"("10.2.0.11",)"},
      {R"("port": 443)", R"("port": "443")"},
      {R"("Https")", R"("https")"},
      {R"("UDP")", R"("udp")"},
      {R"("53")", R"("0-53")"},
      {R"("name": "hci-time.ntp")", R"("name": "hci/time ntp")"},
      {R"("name": "ipg-prod-servers")", R"("name": "ipg-prod-server")"},
      {R"("dependsOn")", R"("dependsOff")"},
  };
  for (const auto& [from, to] : mutations) {
    std::string text = outcome.text();
    const auto at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    try {
      const Template mutated(text, outcome.parameters());
      EXPECT_FALSE(faults(mutated).empty()) << to;
    } catch (const std::exception&) {
      // The reader itself would not have it.
    }
  }
  EXPECT_THROW(parse_strictly(R"({"a": 1, "b": {"a": 2}, "a": 3})"), std::runtime_error);
}

}  // namespace
}  // namespace hcipol::test::azure
