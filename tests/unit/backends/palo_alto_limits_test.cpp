// Every limit of PAN-OS that is known: what the backend makes of a policy that runs into it, and
// that bytes beyond it are refused on every build.
#include <gtest/gtest.h>

#include "backends/palo_alto/limits.h"
#include "palo_alto_policy.h"
#include "palo_alto_reader.h"
#include "palo_alto_samples.h"

namespace hcipol::backends::palo_alto::testing {
namespace {

std::string text_of(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += line + "\n";
  return out;
}

std::string all_replaced(std::string text, const std::string& from, const std::string& to) {
  EXPECT_NE(text.find(from), std::string::npos) << from;
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

/// The sample's file with every `from` replaced, references too, as the proof sees it.
class Spoilt {
 public:
  Spoilt() {
    sample(world_);
    world_.option("log_setting", "to-siem");
    world_.option("profile_group", "Outbound");
    world_.option("service_tags", "edl");
    world_.option("edl_url", "https://lists.example/{tag}");
    NamedSet* storage = &world_.set(Kind::endpoint, "storage");
    storage->tag = "Storage";
    storage->set.names = net::DomainSet(NamedSet::tag_name("Storage"));
    world_.cluster().cloud = "public";
    world_.allow("main/cloud.storage", {world_.servers()}, {storage}, tcp(443));
    world_.zones({{"inside", world_.literal("10.1.0.0/16 fd00:10:1::/64")}});
    emission_ = world_.emit();
    EXPECT_FALSE(world_.failed()) << text_of(world_.messages());
  }
  std::string with(const std::string& from, const std::string& to) {
    Emission changed = emission_;
    for (Artefact& artefact : changed.artefacts) {
      if (artefact.text.find(from) == std::string::npos) continue;
      artefact.text = all_replaced(artefact.text, from, to);
    }
    EXPECT_NE(changed.artefacts[0].text, emission_.artefacts[0].text) << from;
    return difference(backend(), world_.device(), changed).value_or("");
  }
  const std::string& text() const { return emission_.artefacts[0].text; }

 private:
  World world_;
  Emission emission_;
};

std::string long_name(std::size_t length) {
  return std::string(length, 'x');
}

TEST(PaloAltoLimits, NamesAndTextsEndAtTheirLimits) {
  Spoilt spoilt;
  struct Case {
    std::string from;
    std::string before, after;  ///< around the text that grows
    std::size_t limit;
  };
  const std::vector<Case> cases{
      {"prod-main-admin.rdp", "", "", 63},         // a rule
      {"hci-host-10.1.0.11", "hci-", "", 59},      // an address
      {"hci-prod-servers", "hci-", "", 59},        // an address group
      {"hci-tcp-3389", "hci-", "", 59},            // a service
      {"hci-edl-public-storage", "hci-", "", 59},  // an external list
      {"hci-prod-hci-update", "hci-", "", 27},     // a URL category
      {"hci-icmp-13", "hci-", "", 27},             // an application
      {"hci-until-2022-06-30", "hci-", "", 27},    // a schedule
      {"hcipol-prod", "hcipol-", "", 120},         // a tag, and a group-tag
      {"to-siem", "", "", 63},                     // a log setting
      {"Outbound", "", "", 31},                    // a profile group
      {"<comments>Made by hcipolc from a policy, not by hand", "<comments>", "", 1023},
      {"main/admin.rdp: Title of main/admin.rdp. Source: "
       "https://learn.microsoft.com/azure-stack/hci",
       "", "", 1024},
      {"<description>servers of cluster prod", "<description>", "", 1023},
      {"<description>hci/update of cluster prod", "<description>", "", 255},
  };
  for (const Case& each : cases) {
    const auto at = [&](std::size_t length) {
      return spoilt.with(each.from, each.before + long_name(length) + each.after);
    };
    EXPECT_EQ(at(each.limit), "") << each.from;
    EXPECT_NE(at(each.limit + 1), "") << each.from;
  }
}

TEST(PaloAltoLimits, NamesAreMadeOfWhatTheDeviceTakes) {
  Spoilt spoilt;
  const std::vector<std::pair<std::string, std::string>> faults{
      {"hci-host-10.1.0.11", "hci-host/10.1.0.11"},
      {"hci-host-10.1.0.11", "-10.1.0.11"},
      {"hci-host-10.1.0.11", "any"},
      {"hci-host-10.1.0.11", "0.0.0.0"},
      {"hci-host-10.1.0.11", "hci-host "},
      {"hci-tcp-3389", "application-default"},
      {"hci-tcp-3389", "hci-b\xC3\xBCro"},
      {"hci-prod-servers", "hci-host-10.1.0.11"},        // by an address
      {"hci-edl-public-storage", "hci-host-10.1.0.11"},  // by an address, for a list
      {"hci-prod-hci-update", "1-update"},               // a category begins with no digit
      {"hci-until-2022-06-30", "hci.until"},             // a schedule has no dots
      {"hcipol-prod", "none"},
      {"hcipol-prod", "a[b]"},
      {"prod-main-admin.rdp", "intrazone-default"},
      {"prod-main-admin.rdp", "interzone-default"},
      {"prod-main-admin.rdp", "any"},
  };
  for (const auto& [from, to] : faults) EXPECT_NE(spoilt.with(from, to), "") << from << " " << to;
}

TEST(PaloAltoLimits, ValuesHaveTheirForms) {
  Spoilt spoilt;
  const std::vector<std::pair<std::string, std::string>> faults{
      {"<fqdn>login.example.com", "<fqdn>Login.example.com"},
      {"<fqdn>login.example.com", "<fqdn>*.example.com"},
      {"<fqdn>login.example.com", "<fqdn>" + long_name(256)},
      {"<fqdn>login.example.com", "<fqdn>login.example.com-"},
      {"<port>3389<", "<port>any<"},
      {"<port>3389<", "<port>65536<"},
      {"<port>3389<", "<port>3389-3388<"},
      {"<port>3389<", "<port>3389" + all_replaced(long_name(205), "x", ",3389") + "<"},
      {"*.update.example.com/", "*.update.example.com"},
      {"*.update.example.com/", "up*.example.com/"},
      {"*.update.example.com/", "*.*.example.com/"},
      {"*.update.example.com/", "https://update.example.com/"},
      {"*.update.example.com/", "*." + long_name(254) + "/"},
      {"https://lists.example/storage", "https://lists.example/" + long_name(240)},
      {"<type>URL List</type>", ""},
      {"<hourly />", "<fortnightly />"},
      // Members of lists: each once, and tags that are defined.
      {"<member>hcipol</member>", "<member>hcipol</member><member>hcipol</member>"},
      {"<static>", "<static><member>hci-host-10.1.0.11</member>"},
      {"<member>hcipol</member>", "<member>hcipol</member><member>other</member>"},
      {"<group>", "<group><member>Inbound</member>"},
      {"version=\"10.1.0\"", "version=\"8.1.0\""},
      {"<color>color3</color>", "<colour>color3</colour>"},
      {"name=\"vsys1\"", "name=\"vsys2\""},
  };
  for (const auto& [from, to] : faults) EXPECT_NE(spoilt.with(from, to), "") << from << " " << to;
  std::string many;
  for (int i = 0; i < 65; ++i) many += "<member>t" + std::to_string(i) + "</member>";
  EXPECT_NE(spoilt.with("<member>hcipol</member>", many).find("too many members"),
            std::string::npos);
}

TEST(PaloAltoLimits, ReferencesLeadSomewhere) {
  Spoilt spoilt;
  for (const char* name : {"hci-host-10.1.0.11", "hci-prod-servers", "hci-tcp-3389",
                           "hci-edl-public-storage", "hci-prod-hci-update", "hci-icmp-13",
                           "hci-until-2022-06-30", "hcipol-prod", "hci-fqdn-login.example.com"}) {
    const std::string definition = "<entry name=\"" + std::string(name) + "\">";
    EXPECT_NE(spoilt.with(definition, "<entry name=\"elsewhere\">"), "") << name;
  }
}

// ---- policies that run into limits

TEST(PaloAltoLimits, TheFileKeepsANameThatCanBeImported) {
  World world;
  sample(world);
  world.cluster().name = std::string(90, 'c');
  const Emission emission = world.emit();
  EXPECT_FALSE(world.failed());
  EXPECT_LE(emission.artefacts[0].path.size(), 32u);
  Emission renamed = emission;
  renamed.artefacts[0].path = std::string(33, 'c');
  EXPECT_TRUE(difference(backend(), world.device(), renamed));
}

TEST(PaloAltoLimits, MoreHostNamesThanAnyDeviceHoldsAreRefused) {
  const auto said = [](unsigned count) {
    World world;
    world.servers("10.1.0.11");
    std::vector<std::string> hosts;
    for (unsigned i = 0; i < count; ++i) hosts.push_back("h" + std::to_string(i) + ".example.com");
    world.allow("main/a.b", {world.servers()}, {world.endpoint("many", hosts)}, tcp(9000));
    world.emit();
    return text_of(world.messages());
  };
  EXPECT_NE(said(6145).find("E0613: the number of host names exceeds a limit of Palo Alto PAN-OS: "
                            "6145 of at most 6144"),
            std::string::npos);
  const std::string some = said(2001);
  EXPECT_EQ(some.find("E0613"), std::string::npos) << some;
  EXPECT_NE(some.find("2001 host names; small platforms hold 2000"), std::string::npos) << some;
  EXPECT_EQ(said(2000).find("small platforms"), std::string::npos);
}

TEST(PaloAltoLimits, CountsBeyondTheLargestDeviceAreRefused) {
  World world;
  Reporter reporter;
  EmitContext context(reporter, world.device());
  const auto said = [&](const Document& document) {
    reporter = Reporter();
    report_limits(document, context);
    std::string out;
    for (const Diagnostic& diagnostic : reporter.sorted()) out += diagnostic.message + "\n";
    return out;
  };
  Document rules;
  rules.rules.resize(102'399);
  rules.cleanup.resize(1);
  EXPECT_EQ(said(rules), "");
  rules.rules.resize(102'400);
  EXPECT_NE(said(rules).find("the number of rules"), std::string::npos);

  Document objects;
  for (unsigned i = 0; i <= 102'400; ++i) {
    objects.services[std::to_string(i)];
    objects.address_groups[std::to_string(i)];
  }
  for (unsigned i = 0; i <= 162'400; ++i) objects.addresses[std::to_string(i)];
  objects.address_groups["0"].members.resize(102'401);
  objects.lists.emplace_back(65'536);
  const std::string all = said(objects);
  for (const char* what :
       {"the number of services", "the number of address groups", "the number of addresses",
        "the address group `0`", "a list of a rule"}) {
    EXPECT_NE(all.find(what), std::string::npos) << what;
  }
}

// The language's names are shorter than what a URL category or an FQDN object may hold.
TEST(PaloAltoLimits, TheLongestHostNameFits) {
  std::string longest;
  for (std::size_t size = 300; longest.empty(); --size) {
    std::string name = "*.";
    while (name.size() + 62 < size) name += std::string(60, 'l') + ".";
    name += std::string(size - name.size(), 'm');
    if (net::parse_pattern(name)) longest = name;
  }
  ASSERT_GT(longest.size(), 200u);
  for (const std::string& host : {longest, longest.substr(2)}) {
    World world;
    world.servers("10.1.0.11");
    world.allow("main/a.b", {world.servers()}, {world.endpoint("e", {host})}, tcp(443));
    const PanConfig config(world.text());
    EXPECT_FALSE(world.failed()) << text_of(world.messages());
    EXPECT_EQ(text_of(config.problems()), "");
  }
}

}  // namespace
}  // namespace hcipol::backends::palo_alto::testing
