// Policies that are more than one template may have: which files there are, that each can be
// deployed after the ones before it, and that a change stays in its own.
#include <gtest/gtest.h>

#include "azure_firewall_checks.h"
#include "backends/azure_firewall/validate.h"

namespace hcipol::test::azure {
namespace {

/// Rules of about 800 bytes in forty features, and two by address.
struct Heavy : Small {
  explicit Heavy(int rules) {
    for (int i = 0; i < rules; ++i) {
      flow("hci/f" + std::to_string(i % 40) + ".r" + std::to_string(i), {servers}, {his}, tcp(443))
          .title = std::string(400, 'x');
    }
    flow("hci/ad.dns", {servers}, {dcs}, tcp(53) | udp(53));
    flow("hci/time.ntp", {servers}, {clock}, udp(123));
  }
};
constexpr int enough = 6'000;

/// A policy that would fit into one template, in several.
struct Divided : Small {
  Divided() {
    option("templates", "several");
    flow("hci/arc.his", {servers}, {his}, tcp(443));
    flow("hci/ad.dns", {servers}, {dcs}, tcp(53) | udp(53));
    flow("hci/time.ntp", {servers}, {clock}, udp(123));
  }
};

/// What dependsOn and rules call a resource.
std::string id_of(const Json& resource) {
  const auto type = resource["type"].get<std::string>();
  const auto name = resource["name"].get<std::string>();
  std::string out = "[resourceId('" + type + "', ";
  if (type.ends_with("/ipGroups")) return out + "'" + name + "')]";
  out += "parameters('firewallPolicyName')";
  if (type.ends_with("/firewallPolicies")) return out + ")]";
  // "[format('{0}/{1}', parameters('firewallPolicyName'), 'rcg')]"
  return out + name.substr(name.rfind(", "));
}

std::vector<std::string> templates_of(const Outcome& outcome) {
  std::vector<std::string> out;
  for (const auto& artefact : outcome.emission.artefacts) {
    if (!artefact.path.ends_with(".parameters.json")) out.push_back(artefact.path);
  }
  return out;
}

std::string reading_of(const Builder& b, const backends::Emission& emission) {
  return backends::difference(backends::azure_firewall::backend(), b.device(), emission)
      .value_or("");
}

TEST(AzureFirewallParts, APolicyThatIsMoreThanOneTemplateIsSeveral) {
  Heavy few(4'000);
  EXPECT_EQ(few.emit().emission.artefacts.size(), 2u);

  Heavy b(enough);
  const Outcome outcome = b.emit();
  EXPECT_FALSE(outcome.reporter.has_errors()) << outcome.messages();
  const std::vector<std::string> files = templates_of(outcome);
  ASSERT_GE(files.size(), 6u);
  EXPECT_EQ(files[0], "prod.azuredeploy.json");
  EXPECT_EQ(files[1], "prod.ip-groups.azuredeploy.json");
  EXPECT_EQ(files[2], "prod.network.azuredeploy.json");
  EXPECT_EQ(files.back(), "prod.application.azuredeploy.json");
  EXPECT_NE(outcome.messages().find("to be deployed in this order: `prod.azuredeploy.json`, "
                                    "`prod.ip-groups.azuredeploy.json`, "
                                    "`prod.network.azuredeploy.json`, "),
            std::string::npos)
      << outcome.messages();

  std::string before;
  Json resources = Json::array();
  Json parameters = Json::object();
  Json values = Json::object();
  std::set<std::string> made;
  std::set<std::string> rules;
  for (std::size_t i = 0; i < outcome.emission.artefacts.size(); i += 2) {
    const auto& file = outcome.emission.artefacts[i];
    EXPECT_LE(file.text.size(), 4'000'000u) << file.path;
    const Json json = parse_strictly(file.text);
    EXPECT_EQ(json["metadata"].value("deployAfter", ""), before);
    EXPECT_NE(json["metadata"]["deploy"].get<std::string>().find(file.path), std::string::npos);
    before = file.path;
    const std::string text = json["resources"].dump() + json["outputs"].dump();
    for (const auto& [name, parameter] : json["parameters"].items()) {
      EXPECT_NE(text.find("parameters('" + name + "')"), std::string::npos)
          << name << " in " << file.path;
      if (parameters.contains(name)) {
        EXPECT_EQ(parameters[name]["defaultValue"], parameter["defaultValue"]) << name;
      }
      parameters[name] = parameter;
    }
    const Json given = parse_strictly(outcome.emission.artefacts[i + 1].text);
    for (const auto& [name, value] : given["parameters"].items()) values[name] = value;
    // It waits for what is in its own template, and uses what was made before.
    std::set<std::string> own;
    for (const Json& resource : json["resources"]) {
      for (const Json& id : resource.value("dependsOn", Json::array())) {
        EXPECT_TRUE(own.contains(id.get<std::string>())) << id;
      }
      own.insert(id_of(resource));
      resources.push_back(resource);
      resources.back().erase("dependsOn");
      if (!Template::is_group(resource)) continue;
      for (const Json& collection : resource["properties"]["ruleCollections"]) {
        for (const Json& rule : collection["rules"]) {
          EXPECT_TRUE(rules.insert(rule["name"].get<std::string>()).second) << rule["name"];
          for (const Json& id : rule.value("sourceIpGroups", Json::array())) {
            EXPECT_TRUE(made.contains(id.get<std::string>())) << id;
          }
        }
      }
    }
    for (const std::string& id : own) EXPECT_TRUE(made.insert(id).second) << id;
  }
  EXPECT_EQ(rules.size(), static_cast<std::size_t>(enough) + 2);
  // What a later build would have to remove is the same.
  EXPECT_EQ(outcome.emission.made.size(), made.size());
  // Deployed one after the other, they are what one template would have been.
  const Template all(
      Json{{"parameters", parameters}, {"resources", resources}, {"outputs", Json::object()}}
          .dump(),
      Json{{"parameters", values}}.dump());
  const auto server = Template::number("10.1.0.11");
  EXPECT_TRUE(all.allows(server, {{}, "gbl.his.arc.azure.com"}, {6, 443}));
  EXPECT_TRUE(all.allows(server, {{}, "time.windows.com"}, {17, 123}));
  EXPECT_TRUE(all.allows(server, {Template::number("10.2.0.10"), ""}, {6, 53}));
  EXPECT_FALSE(all.allows(server, {{}, "www.example.com"}, {6, 443}));
}

TEST(AzureFirewallParts, CanBeAskedFor) {
  Divided b;
  const Outcome outcome = b.emit();
  EXPECT_EQ(lines(templates_of(outcome)),
            "prod.azuredeploy.json\nprod.ip-groups.azuredeploy.json\n"
            "prod.network.azuredeploy.json\nprod.application.azuredeploy.json\n");
  EXPECT_EQ(outcome.messages().find("in this order"), std::string::npos);
  b.option("templates", "many");
  EXPECT_EQ(b.emit().count(Diag::bad_option), 1u);
  b.option("templates", "several").option("format", "rcg-json");
  EXPECT_EQ(b.emit().count(Diag::bad_option), 1u);
}

TEST(AzureFirewallParts, OneRuleMoreChangesItsOwnTemplateOnly) {
  const auto texts = [](bool more) {
    Divided b;
    if (more) b.flow("hci/more.x", {b.servers}, {b.his}, tcp(443));
    std::map<std::string, std::string> out;
    for (auto& artefact : b.emit().emission.artefacts) out[artefact.path] = artefact.text;
    return out;
  };
  const auto before = texts(false);
  const auto after = texts(true);
  ASSERT_EQ(before.size(), after.size());
  for (const auto& [path, text] : before) {
    EXPECT_EQ(after.at(path) != text, path == "prod.application.azuredeploy.json") << path;
  }
}

TEST(AzureFirewallParts, AttachedGroupsHaveNoTemplateOfAPolicy) {
  Divided b;
  b.option("mode", "attach").option("policy", "afwp-hub");
  EXPECT_EQ(templates_of(b.emit()).front(), "prod.ip-groups.azuredeploy.json");
  b.option("ip_groups", false);
  EXPECT_EQ(templates_of(b.emit()).front(), "prod.network.azuredeploy.json");
}

TEST(AzureFirewallParts, ManyAddressesAreSeveralTemplatesToo) {
  const auto emitted = [](std::uint64_t sets) {
    Small b;
    Sets sources;
    for (std::uint64_t s = 0; s < sets; ++s) {
      NamedSet set;
      set.name = "role-" + std::to_string(s);
      std::vector<net::AddressRange> ranges;
      for (std::uint64_t i = 0; i < 5'000; ++i) {
        const net::Address address{net::Family::ipv4, 0, 0x0b000000 + 2 * (s * 5'000 + i)};
        ranges.push_back({address, address});
      }
      set.set.addresses = net::AddressSet::of(std::move(ranges));
      sources.push_back(b.add(std::move(set)));
    }
    b.flow("main/x.y", sources, {b.dcs}, tcp(1));
    return b.emit();
  };
  const Outcome outcome = emitted(45);
  EXPECT_FALSE(outcome.reporter.has_errors()) << outcome.messages();
  const std::vector<std::string> files = templates_of(outcome);
  EXPECT_GE(std::count_if(files.begin(), files.end(),
                          [](const std::string& file) {
                            return file.find(".ip-groups") != std::string::npos;
                          }),
            2);
  for (const auto& artefact : outcome.emission.artefacts) {
    EXPECT_LE(artefact.text.size(), 4'000'000u) << artefact.path;
  }
}

TEST(AzureFirewallParts, FaultsBetweenFilesAreFound) {
  Divided b;
  const backends::Emission emission = b.emit().emission;
  EXPECT_EQ(reading_of(b, emission), "");
  const std::size_t pairs = emission.artefacts.size() / 2;
  ASSERT_EQ(pairs, 4u);
  const auto place = [](std::size_t pair) { return static_cast<std::ptrdiff_t>(2 * pair); };
  for (std::size_t lost = 0; lost < pairs; ++lost) {
    backends::Emission changed = emission;
    const auto at = changed.artefacts.begin() + place(lost);
    changed.artefacts.erase(at, at + 2);
    EXPECT_NE(reading_of(b, changed), "") << lost;
  }
  // Rules before the IP groups that they use, and a file twice.
  backends::Emission swapped = emission;
  std::swap_ranges(swapped.artefacts.begin() + 2, swapped.artefacts.begin() + 4,
                   swapped.artefacts.begin() + 4);
  EXPECT_NE(reading_of(b, swapped), "");
  backends::Emission twice = emission;
  for (std::size_t i = 0; i < 2; ++i) {
    backends::Artefact again = twice.artefacts[4 + i];
    again.path = "more." + again.path;
    twice.artefacts.push_back(again);
  }
  EXPECT_NE(reading_of(b, twice), "");
  backends::Emission alone = emission;
  alone.artefacts.pop_back();
  EXPECT_NE(reading_of(b, alone), "");
  // And by the checks of what Azure refuses.
  const auto checks = [](const backends::Emission& of) {
    std::string out;
    for (const auto& finding : backends::azure_firewall::validate(of.artefacts)) {
      out += finding.check + " " + finding.what + "\n";
    }
    return out;
  };
  EXPECT_EQ(checks(emission), "");
  EXPECT_NE(checks(swapped).find("D1 "), std::string::npos) << checks(swapped);
  EXPECT_NE(checks(twice).find("N3 "), std::string::npos) << checks(twice);
  EXPECT_NE(checks(twice).find("P1 "), std::string::npos) << checks(twice);
}

}  // namespace
}  // namespace hcipol::test::azure
