// The azure-firewall backend at the platform's limits: what is split and how, what is refused with
// which figure, and what the budget says.
#include <gtest/gtest.h>

#include "azure_firewall_checks.h"

namespace hcipol::test::azure {
namespace {

/// Every second address from 11.0.0.0 on, so that each is an entry of its own.
net::AddressSet scattered(std::uint64_t count, std::uint64_t first = 0) {
  std::vector<net::AddressRange> out;
  for (std::uint64_t i = first; i < first + count; ++i) {
    const net::Address address{net::Family::ipv4, 0, 0x0b000000 + 2 * i};
    out.push_back({address, address});
  }
  return net::AddressSet::of(std::move(out));
}

const NamedSet* scattered_set(Builder& b, std::string name, std::uint64_t count,
                              std::uint64_t first = 0) {
  NamedSet out;
  out.name = std::move(name);
  out.set.addresses = scattered(count, first);
  return b.add(std::move(out));
}

std::uint64_t used(const Outcome& outcome, const std::string& limit) {
  for (const backends::Budget& budget : outcome.emission.budgets) {
    if (budget.limit == limit) return budget.used;
  }
  ADD_FAILURE() << "no budget of " << limit;
  return 0;
}

/// Address → name of the IP group that has it.
std::map<std::string, std::string> places(const Template& deployment) {
  std::map<std::string, std::string> out;
  for (const Json& resource : deployment.json()["resources"]) {
    if (resource["type"] != "Microsoft.Network/ipGroups") continue;
    const Json entries = deployment.value_of(resource["properties"]["ipAddresses"]);
    for (const Json& entry : entries) {
      EXPECT_TRUE(out.emplace(entry.get<std::string>(), resource["name"]).second) << entry;
    }
  }
  return out;
}

TEST(AzureFirewallLimits, FiveThousandAddressesAreOneIpGroupAndMoreAreSeveral) {
  const auto emitted = [](std::uint64_t count) {
    Small b;
    b.flow("main/x.y", {scattered_set(b, "partners", count)}, {b.dcs}, tcp(1));
    return b.emit();
  };
  const Outcome one = emitted(5000);
  EXPECT_EQ(good(one).ip_groups().size(), 1u);
  EXPECT_EQ(used(one, "entries of the longest IP group"), 5000u);

  const Outcome two = emitted(5001);
  const Template split = good(two);
  EXPECT_EQ(split.ip_groups().size(), 2u);
  EXPECT_EQ(used(two, "IP groups"), 2u);
  EXPECT_LE(used(two, "entries of the longest IP group"), 5000u);
  EXPECT_EQ(used(two, "pairs of source and destination in network rules"), 4u);
  EXPECT_EQ(rules_of(split, "-network").at("allow-main.x/main-x.y")["sourceIpGroups"].dump(),
            R"(["[resourceId('Microsoft.Network/ipGroups', 'ipg-prod-partners-1of2')]",)"
            R"("[resourceId('Microsoft.Network/ipGroups', 'ipg-prod-partners-2of2')]"])");
  const auto before = places(split);
  EXPECT_EQ(before.size(), 5001u);

  // One more address goes into one group; none moves.
  const auto after = places(good(emitted(5002)));
  EXPECT_EQ(after.size(), 5002u);
  for (const auto& [address, group] : before) EXPECT_EQ(after.at(address), group) << address;

  // With twice as many groups, each is divided.
  for (const auto& [address, group] : places(good(emitted(12'000)))) {
    const auto was = before.find(address);
    if (was == before.end()) continue;
    const bool first = was->second == "ipg-prod-partners-1of2";
    EXPECT_TRUE(group == (first ? "ipg-prod-partners-1of4" : "ipg-prod-partners-2of4") ||
                group == (first ? "ipg-prod-partners-3of4" : "ipg-prod-partners-4of4"))
        << address << " in " << group;
  }
}

TEST(AzureFirewallLimits, TellsPartsOfSetsWithOneNameApart) {
  Small b;
  b.flow("main/x.y", {scattered_set(b, "partners", 5001), scattered_set(b, "partners", 5002, 9000)},
         {b.dcs}, tcp(1));
  EXPECT_EQ(good(b.emit()).ip_groups().size(), 4u);
}

TEST(AzureFirewallLimits, TwentyThousandPairs) {
  const auto emitted = [](std::uint64_t sources) {
    Small b;
    b.option("ip_groups", false);
    b.flow("main/x.y", {scattered_set(b, "partners", sources)}, {b.dcs}, tcp(1));
    b.flow("main/x.z", {b.servers}, {b.dcs}, tcp(2));
    return b.emit();
  };
  const Outcome most = emitted(9'998);  // by two destinations, and two by two
  EXPECT_FALSE(most.reporter.has_errors()) << most.messages();
  EXPECT_EQ(used(most, "pairs of source and destination in network rules"), 20'000u);
  const Outcome more = emitted(9'999);
  EXPECT_EQ(more.count(Diag::device_limit), 1u);
  EXPECT_NE(more.messages().find("20002 pairs of source and destination in network rules, at most "
                                 "20000"),
            std::string::npos)
      << more.messages();
  EXPECT_TRUE(more.emission.artefacts.empty());
}

// Sixteen destinations are literals, unless the pairs would be too many: then each list is a group.
TEST(AzureFirewallLimits, ListsOfDestinationsBecomeIpGroupsWhenPairsAreShort) {
  const auto emitted = [](int rules) {
    Small b;
    const NamedSet* ten = scattered_set(b, "ten", 10);
    for (int i = 0; i < rules; ++i) {
      b.flow("main/x.r" + std::to_string(i), {b.servers}, {ten},
             tcp(static_cast<std::uint16_t>(1 + i)));
    }
    return b.emit();
  };
  const Outcome few = emitted(2'000);
  EXPECT_EQ(used(few, "pairs of source and destination in network rules"), 20'000u);
  EXPECT_EQ(good(few).ip_groups().size(), 1u);
  const Outcome many = emitted(2'001);
  EXPECT_EQ(used(many, "pairs of source and destination in network rules"), 2'001u);
  EXPECT_EQ(good(many).ip_groups().size(), 2u);
}

TEST(AzureFirewallLimits, TwoHundredIpGroups) {
  const auto emitted = [](std::uint64_t groups) {
    Small b;
    Sets sources;
    for (std::uint64_t i = 0; i < groups; ++i) {
      sources.push_back(scattered_set(b, "role-" + std::to_string(i), 1, i));
    }
    b.flow("main/x.y", sources, {b.dcs}, tcp(1));
    return b.emit();
  };
  EXPECT_EQ(good(emitted(200)).ip_groups().size(), 200u);
  EXPECT_NE(emitted(201).messages().find("201 IP groups, at most 200"), std::string::npos);
}

TEST(AzureFirewallLimits, TwoThousandCollections) {
  const auto emitted = [](int features) {
    Small b;
    for (int i = 0; i < features; ++i) {
      b.flow("main/f" + std::to_string(i) + ".r", {b.servers}, {b.dcs}, tcp(1));
    }
    return b.emit();
  };
  EXPECT_FALSE(emitted(2'000).reporter.has_errors());
  EXPECT_NE(emitted(2'001).messages().find("2001 rule collections, at most 2000"),
            std::string::npos);
}

TEST(AzureFirewallLimits, ThousandHostNamesInNetworkRulesAreNoted) {
  const auto emitted = [](int names) {
    Small b;
    for (int i = 0; i < names; ++i) {
      const std::string name = "h" + std::to_string(i) + ".example";
      b.flow("main/x.r" + std::to_string(i), {b.servers}, {b.endpoint(name, {name})}, udp(123));
    }
    return b.emit();
  };
  EXPECT_EQ(emitted(1'000).messages().find("Microsoft advises"), std::string::npos);
  const Outcome more = emitted(1'001);
  EXPECT_FALSE(more.reporter.has_errors());
  EXPECT_NE(
      more.messages().find("1001 host names in network rules; Microsoft advises at most 1000"),
      std::string::npos);
}

/// A policy whose application rules take some room: each about 530 bytes.
Outcome with_rules(int count, int features = 1, const std::string& format = "arm",
                   int priority = 1000) {
  Small b;
  b.option("format", format).option("priority", priority);
  for (int i = 0; i < count; ++i) {
    b.flow("hci/f" + std::to_string(i % features) + ".r" + std::to_string(i), {b.servers}, {b.his},
           tcp(443))
        .title =
        "Some rule with a title of the usual length, and a bit more, so that rules weigh "
        "something, though not too much of it";
  }
  return b.emit();
}

/// Rule → the group that has it.
std::map<std::string, std::string> groups_of_rules(const Template& deployment) {
  std::map<std::string, std::string> out;
  for (std::size_t i = 0; i < deployment.ids().size(); ++i) {
    const Json& resource = deployment.json()["resources"][i];
    if (!Template::is_group(resource)) continue;
    for (const Json& collection : resource["properties"]["ruleCollections"]) {
      for (const Json& rule : collection["rules"]) {
        out[rule["name"]] = deployment.ids()[i].substr(deployment.ids()[i].rfind('/') + 1);
      }
    }
  }
  return out;
}

TEST(AzureFirewallLimits, GroupsThatAreTooBigAreSplit) {
  const Outcome small = with_rules(2'400, 40);
  const auto before = groups_of_rules(good(small));
  EXPECT_EQ(used(small, "rule collection groups"), 1u);
  // The estimate, against the bytes that compact JSON has (with the longer ids that Azure stores).
  const Json json = Json::parse(small.text());
  const auto size = json["resources"].back()["properties"].dump().size();
  const auto estimate = used(small, "bytes of rules in the largest rule collection group");
  EXPECT_GT(estimate, size);
  EXPECT_LT(estimate, size * 3 / 2);

  const Outcome large = with_rules(4'000, 40);
  const Template split = good(large);
  EXPECT_EQ(used(large, "rule collection groups"), 2u);
  EXPECT_LE(used(large, "bytes of rules in the largest rule collection group"), 1'400'000u);
  const Json& resources = split.json()["resources"];
  const std::size_t n = resources.size();
  // The new group is written first, so that rules are there twice and never not at all.
  EXPECT_TRUE(split.ids()[n - 2].ends_with("/rcg-hci-prod-application-2"));
  EXPECT_TRUE(split.ids()[n - 1].ends_with("/rcg-hci-prod-application"));
  EXPECT_EQ(resources[n - 2]["properties"]["priority"], 1110);
  EXPECT_EQ(resources[n - 1]["properties"]["priority"], 1100);
  // Features stay whole, and most of all that was there stays where it was.
  std::map<std::string, std::string> features;
  for (const auto& [rule, group] : groups_of_rules(split)) {
    const auto [place, fresh] = features.emplace(rule.substr(0, rule.find('.')), group);
    EXPECT_EQ(place->second, group) << rule;
  }
  EXPECT_EQ(before.size(), 2'400u);
}

TEST(AzureFirewallLimits, OneFeatureThatIsTooBigBecomesSeveralCollections) {
  const Outcome outcome = with_rules(4'000, 1);
  const Template deployment = good(outcome);
  std::set<std::string> collections;
  for (const auto& [name, rule] : rules_of(deployment, "-application")) {
    collections.insert(name.substr(0, name.find('/')));
  }
  for (const auto& [name, rule] : rules_of(deployment, "-application-2")) {
    collections.insert(name.substr(0, name.find('/')));
  }
  EXPECT_TRUE(collections.contains("allow-hci.f0-1of4")) << collections.size();
  EXPECT_EQ(collections.size(), 4u);
}

TEST(AzureFirewallLimits, SplitGroupsStayClearOfThePortalsPriorities) {
  const Outcome outcome = with_rules(4'000, 40, "arm", 190);
  const Template deployment = good(outcome);
  const Json& resources = deployment.json()["resources"];
  EXPECT_EQ(resources.back()["properties"]["priority"], 290);
  EXPECT_EQ(resources[resources.size() - 2]["properties"]["priority"], 305);
}

TEST(AzureFirewallLimits, LargeTemplatesHaveARulePerLine) {
  const Outcome large = with_rules(6'000, 40);
  good(large);
  EXPECT_NE(large.text().find("\n              {\"ruleType\":\"ApplicationRule\""),
            std::string::npos)
      << large.text().substr(0, 4000);
  EXPECT_LE(large.text().size(), 4'000'000u);
}

TEST(AzureFirewallLimits, ArraysThatAreTooLongAreNoted) {
  const Outcome fits = with_rules(1'000, 4, "rcg-json");
  EXPECT_EQ(fits.messages().find("loadJsonContent"), std::string::npos) << fits.messages();
  EXPECT_GT(used(fits, "characters of the file"), 0u);
  const Outcome longer = with_rules(4'000, 4, "rcg-json");
  EXPECT_FALSE(longer.reporter.has_errors());
  EXPECT_NE(longer.messages().find("loadJsonContent takes 1048576"), std::string::npos);
}

TEST(AzureFirewallLimits, TheBudgetCountsWhatTheTemplateHas) {
  Small b;
  b.option("dns_servers", sema::List{sema::Value{std::string("10.0.0.4"), {}}});
  b.flow("hci/arc.his", {b.servers}, {b.his}, tcp(443));
  b.flow("hci/time.ntp", {b.servers}, {b.clock}, udp(123));
  b.flow("hci/ad.dns", {b.servers}, {b.dcs}, tcp(53) | udp(53));
  const Outcome outcome = b.emit();
  const Template deployment = good(outcome);
  EXPECT_EQ(used(outcome, "parameters of the template"), deployment.json()["parameters"].size());
  EXPECT_EQ(used(outcome, "resources of the template"), deployment.json()["resources"].size());
  EXPECT_EQ(used(outcome, "bytes of the template"), outcome.text().size());
  EXPECT_EQ(used(outcome, "bytes of the parameter file"), outcome.parameters().size());
  EXPECT_EQ(used(outcome, "pairs of source and destination in network rules"), 3u);
  EXPECT_EQ(used(outcome, "host names in network rules"), 1u);
  EXPECT_EQ(used(outcome, "rule collections"), 3u);
}

}  // namespace
}  // namespace hcipol::test::azure
