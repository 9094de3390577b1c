// Where the Palo Alto backend's file stands on a device, in which form, and until when.
#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "backends/palo_alto/app_ids.h"
#include "palo_alto_policy.h"
#include "palo_alto_reader.h"
#include "palo_alto_samples.h"
#include "support/text.h"
#include "tests/support/repository.h"

namespace hcipol::backends::palo_alto::testing {
namespace {

using Strings = std::vector<std::string>;

std::string lines_of(const Strings& list) {
  std::string out;
  for (const std::string& item : list) out += item + "\n";
  return out;
}

Strings messages_of(World& world) {
  world.emit();
  EXPECT_TRUE(world.failed());
  return world.messages();
}

Strings children(pugi::xml_node node) {
  Strings out;
  for (const auto& child : node.children()) out.emplace_back(child.name());
  return out;
}

// ---- places

TEST(PaloAltoPlace, SharedObjectsOfAFirewallServeItsRules) {
  World world;
  sample(world);
  world.option("shared", "objects");
  world.option("vsys", "vsys3");
  const PanConfig config(world.text());
  EXPECT_FALSE(world.failed()) << lines_of(world.messages());
  EXPECT_EQ(lines_of(config.problems()), "");
  EXPECT_STREQ(config.objects().name(), "shared");
  EXPECT_EQ(children(config.base()), Strings{"rulebase"});
  EXPECT_STREQ(config.base().attribute("name").value(), "vsys3");
  EXPECT_TRUE(config.object("address-group", "hci-prod-servers"));
}

TEST(PaloAltoPlace, AllCanBeSharedOnPanorama) {
  World world;
  sample(world);
  world.option("shared", "all");
  const PanConfig config(world.text());
  EXPECT_FALSE(world.failed()) << lines_of(world.messages());
  EXPECT_EQ(lines_of(config.problems()), "");
  EXPECT_STREQ(config.base().name(), "shared");
  EXPECT_TRUE(config.base().child("pre-rulebase"));
  EXPECT_TRUE(config.base().child("post-rulebase"));
  EXPECT_FALSE(config.base().child("rulebase"));
}

TEST(PaloAltoPlace, PanoramasRuleBaseIsAChoice) {
  for (const auto& [choice, expected] : {std::pair<std::string, Strings>{"pre", {"pre-rulebase"}},
                                         {"post", {"post-rulebase"}},
                                         {"split", {"pre-rulebase", "post-rulebase"}}}) {
    World world;
    sample(world);
    world.option("device_group", "HCI");
    world.option("rulebase", choice);
    const PanConfig config(world.text());
    EXPECT_FALSE(world.failed());
    Strings found;
    for (const std::string& name : children(config.base())) {
      if (name.ends_with("rulebase")) found.push_back(name);
    }
    EXPECT_EQ(found, expected) << choice;
  }
}

// Wherever a build before has put them they stay, so each place is a thing of its own to remove;
// what it is called does not depend on the file, whose rules have the same names under another
// name.
TEST(PaloAltoPlace, WhatStaysIsKnownByItsPlace) {
  const auto removal = [](const std::vector<std::pair<const char*, const char*>>& options,
                          std::string instance = "") {
    World world;
    sample(world);
    world.target().instance = std::move(instance);
    for (const auto& [name, value] : options) world.option(name, std::string(value));
    const Emission emission = world.emit();
    EXPECT_EQ(emission.made.size(), 1u);
    return emission.made.at(0).remove;
  };
  const std::vector<std::vector<std::pair<const char*, const char*>>> places{
      {},
      {{"vsys", "vsys2"}},
      {{"shared", "objects"}},
      {{"device_group", "A"}},
      {{"device_group", "B"}},
      {{"device_group", "A"}, {"rulebase", "pre"}},
      {{"device_group", "A"}, {"rulebase", "post"}},
      {{"device_group", "A"}, {"shared", "objects"}},
      {{"shared", "all"}}};
  std::set<std::string> known;
  for (const auto& place : places) EXPECT_TRUE(known.insert(removal(place)).second);
  EXPECT_EQ(removal({}, "edge"), removal({}));
  EXPECT_EQ(removal({{"vsys", "vsys1"}}), removal({}));
}

TEST(PaloAltoPlace, FilesAreCalledAfterTheTarget) {
  World world;
  sample(world);
  world.target().instance = "dc-core";
  const Emission emission = world.emit();
  ASSERT_EQ(emission.artefacts.size(), 3u);
  EXPECT_EQ(emission.artefacts[0].path, "prod.dc-core.xml");
  EXPECT_EQ(emission.artefacts[1].path, "prod.dc-core.apply.txt");
  EXPECT_EQ(emission.artefacts[2].path, "prod.dc-core.remove.txt");
  world.target().instance = std::string(40, 'x');
  EXPECT_LE(world.emit().artefacts.at(0).path.size(), 32u);
}

// Only where another cluster can have the names.
TEST(PaloAltoPlace, NamesOfTheClusterAreItsOwn) {
  const auto own = [](const std::vector<std::string>& others) {
    World world;
    sample(world);
    for (const std::string& name : others) world.policy().clusters.emplace_back().name = name;
    return world.emit().own_names;
  };
  EXPECT_TRUE(own({"prod", "lab", "production", "xprod", "pro"}).empty());
  for (const char* other : {"prod-east", "prod.east"}) {
    const std::vector<OwnName> names = own({"prod", other});
    ASSERT_FALSE(names.empty()) << other;
    std::set<std::string> found;
    for (const OwnName& name : names) {
      EXPECT_EQ(name.owner, "prod");
      found.insert(name.name);
    }
    EXPECT_TRUE(found.contains("hci-prod-servers"));
    EXPECT_TRUE(found.contains("prod-main-admin.rdp"));
    EXPECT_TRUE(found.contains("prod.xml"));
    EXPECT_FALSE(found.contains("hci-host-10.1.0.11"));  // the same thing for every cluster
  }
}

TEST(PaloAltoPlace, PlacesThatContradictEachOtherAreRefused) {
  const auto said = [](const std::vector<std::pair<std::string, std::string>>& options) {
    World world;
    world.servers("10.1.0.11");
    for (const auto& [name, value] : options) world.option(name, value);
    return lines_of(messages_of(world));
  };
  EXPECT_NE(said({{"shared", "rules"}}).find("one of none, objects and all"), std::string::npos);
  EXPECT_NE(said({{"shared", "all"}, {"vsys", "vsys1"}}).find("`vsys` is not valid"),
            std::string::npos);
  EXPECT_NE(said({{"shared", "all"}, {"device_group", "HCI"}}).find("`device_group`"),
            std::string::npos);
  EXPECT_NE(said({{"rulebase", "pre"}}).find("this is for Panorama"), std::string::npos);
  EXPECT_NE(said({{"rulebase", "both"}, {"device_group", "HCI"}}).find("split, pre and post"),
            std::string::npos);
  EXPECT_NE(said({{"format", "json"}}).find("xml and set"), std::string::npos);
  EXPECT_NE(said({{"version", "12.0"}}).find("`version` is not valid"), std::string::npos);
}

TEST(PaloAltoPlace, EveryReleaseHasItsFeatureLevel) {
  for (const char* version : {"9.1", "10.0", "10.1", "10.2", "11.0", "11.1"}) {
    World world;
    sample(world);
    world.option("version", version);
    const std::string text = world.text();
    EXPECT_FALSE(world.failed());
    EXPECT_NE(text.find("<config version=\"" + std::string(version) + ".0\""), std::string::npos);
    // What came or went between these releases is not used: HIP fields, and URLs without an end.
    EXPECT_EQ(text.find("hip"), std::string::npos);
  }
}

// ---- dated exceptions

TEST(PaloAltoSchedule, AnExceptionEndsWithItsLastDay) {
  World world;
  sample(world);
  PanConfig config(world.text());
  EXPECT_FALSE(world.failed());
  EXPECT_EQ(lines_of(config.problems()), "");
  EXPECT_STREQ(config.rule("prod-main-CHG1.vendor").child_value("schedule"),
               "hci-until-2022-06-30");
  EXPECT_STREQ(config.object("schedule", "hci-until-2022-06-30")
                   .child("schedule-type")
                   .child("non-recurring")
                   .child_value("member"),
               "2000/01/01@00:00-2022/06/30@23:59");
  for (const auto& rule : config.rules()) {
    const bool exception =
        std::string(rule.attribute("name").value()).find("CHG") != std::string::npos;
    EXPECT_EQ(static_cast<bool>(rule.child("schedule")), exception);
  }
  const PanPacket packet{"203.0.113.40", "10.1.0.11", "", 6, 445};
  for (const auto& [day, allowed] : {std::pair{"2022/06/29", true},
                                     {"2022/06/30", true},
                                     {"2022/07/01", false},
                                     {"2023/01/01", false}}) {
    config.day(day);
    EXPECT_EQ(config.allows(packet, {{"dmz", "10.1.0.0/16"}}), allowed) << day;
  }
}

TEST(PaloAltoSchedule, TheProofSeesAWrongEnd) {
  World world;
  sample(world);
  const Emission emission = world.emit();
  ASSERT_FALSE(world.failed());
  const Backend row = backend();
  const auto difference_with = [&](const std::string& from, const std::string& to) {
    Emission changed = emission;
    std::string& text = changed.artefacts[0].text;
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    return difference(row, world.device(), changed).value_or("");
  };
  EXPECT_EQ(difference_with("2022/06/30@23:59", "2022/07/01@23:59"),
            "prod.xml, what ends on 2022-06-30: 203.0.113.40 -> 10.1.0.11 on tcp/445 does not pass "
            "and should");
  EXPECT_EQ(difference_with("2022/06/30@23:59", "2022/06/29@23:59"),
            "prod.xml, what ends on 2022-06-29: 203.0.113.40 -> 10.1.0.11 on tcp/445 passes and "
            "should not");
  EXPECT_NE(difference_with("2022/06/30@23:59", "2022/06/30@12:00"), "");
  EXPECT_NE(difference_with("2000/01/01@00:00", "2022/06/10@00:00"), "");
  EXPECT_NE(difference_with("<schedule>hci-until-2022-06-30</schedule>", ""), "");
  EXPECT_NE(difference_with("<non-recurring>", "<recurring>"), "");
  // The schedule of one exception on another rule.
  EXPECT_NE(difference_with("<schedule>hci-until-2022-06-30", "<schedule>hci-until-2023-01-31"),
            "");
}

TEST(PaloAltoSchedule, CanBeSwitchedOff) {
  World world;
  sample(world);
  world.flag("schedules", false);
  const std::string text = world.text();
  EXPECT_FALSE(world.failed());
  EXPECT_EQ(text.find("schedule"), std::string::npos);
}

// ---- App-ID

TEST(PaloAltoAppId, NarrowsAllowsOnWellKnownPortsAndSaysSo) {
  World world;
  sample(world);
  world.flag("app_id", true);
  const PanConfig config(world.text());
  EXPECT_FALSE(world.failed()) << lines_of(world.messages());
  EXPECT_EQ(lines_of(config.problems()), "");
  const auto members = [&](const char* rule, const char* list) {
    return PanConfig::members(config.rule(rule).child(list));
  };
  // The ports stay: an application alone would be allowed wherever it is spoken by default.
  EXPECT_EQ(members("prod-main-admin.rdp-app", "application"), Strings{"ms-rdp"});
  EXPECT_EQ(members("prod-main-admin.rdp-app", "service"), Strings{"hci-tcp-3389"});
  EXPECT_EQ(members("prod-main-admin.winrm-app", "application"),
            (Strings{"ssl", "web-browsing", "windows-remote-management"}));
  // What has no App-ID is a rule of its own, so that the application does not take its ports.
  EXPECT_EQ(members("prod-main-admin.winrm", "application"), Strings{"any"});
  EXPECT_EQ(members("prod-main-admin.winrm", "service"), Strings{"hci-tcp-9999"});
  // A deny that asked for an application would deny less.
  EXPECT_EQ(members("prod-main-quarantine.rdp", "application"), Strings{"any"});
  const std::string said = lines_of(world.messages());
  EXPECT_NE(said.find("on tcp/3389 only what App-ID recognises as ms-rdp passes: main/admin.rdp"),
            std::string::npos)
      << said;
  EXPECT_TRUE(config.allows({"10.0.5.1", "10.1.0.11", "", 6, 5985}, {{"a", "10.1.0.0/16"}}));
  EXPECT_FALSE(config.allows({"10.0.5.1", "10.1.0.11", "", 6, 5984}, {{"a", "10.1.0.0/16"}}));
}

TEST(PaloAltoAppId, TheProofKnowsWhereAnApplicationIsSpoken) {
  World world;
  sample(world);
  world.flag("app_id", true);
  const Emission emission = world.emit();
  ASSERT_FALSE(world.failed());
  const auto difference_with = [&](const std::string& from, const std::string& to) {
    Emission changed = emission;
    std::string& text = changed.artefacts[0].text;
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    return difference(backend(), world.device(), changed).value_or("");
  };
  EXPECT_NE(difference_with("<member>ms-rdp<", "<member>dns<").find("none of the applications"),
            std::string::npos);
  EXPECT_NE(difference_with("<member>ms-rdp<", "<member>quake<").find("no application"),
            std::string::npos);
  EXPECT_NE(difference_with("<member>hci-tcp-3389<", "<member>any<"), "");
}

// ---- set commands

/// A configuration as the commands that a device prints of it: an entry is its name, a list stands
/// in brackets. It knows no more of PAN-OS than that.
void flatten(pugi::xml_node node, const std::string& path, Strings& out) {
  const auto word = [](std::string text) {
    for (const char c : text) {
      if (std::isalnum(static_cast<unsigned char>(c)) != 0) continue;
      if (std::string("._:/,@*-").find(c) == std::string::npos) return '"' + text + '"';
    }
    return text;
  };
  if (node.child("member")) {
    Strings list = PanConfig::members(node);
    for (std::size_t at = 0; at < list.size(); at += 16) {
      std::string text;
      for (std::size_t i = at; i < std::min(at + 16, list.size()); ++i) text += " " + word(list[i]);
      out.push_back("set" + path + (list.size() > 1 ? " [" + text + " ]" : text));
    }
    return;
  }
  if (node.first_child().type() == pugi::node_pcdata || !node.first_child()) {
    const std::string text = node.text().get();
    out.push_back("set" + path + (node.first_child() ? " " + word(text) : ""));
    return;
  }
  for (const auto& child : node.children()) {
    const char* name = child.attribute("name").value();
    const std::string step = *name != 0 ? word(name) : child.name();
    flatten(child, path + " " + step, out);
  }
}

void expect_same_forms(const std::function<void(World&)>& options, const std::string& objects,
                       const std::string& rules) {
  World xml;
  sample(xml);
  options(xml);
  const PanConfig config(xml.text());
  ASSERT_FALSE(xml.failed()) << lines_of(xml.messages());
  Strings expected;
  for (const auto& child : config.objects().children()) {
    const bool is_rules = std::string(child.name()).ends_with("rulebase");
    flatten(child, (is_rules ? rules : objects) + " " + child.name(), expected);
  }
  if (config.objects() != config.base()) {
    for (const auto& child : config.base().children()) {
      flatten(child, rules + " " + child.name(), expected);
    }
  }
  World set;
  sample(set);
  options(set);
  set.option("format", "set");
  const Emission emission = set.emit();
  ASSERT_FALSE(set.failed()) << lines_of(set.messages());
  EXPECT_EQ(emission.artefacts.at(0).path, "prod.set");
  EXPECT_EQ(emission.artefacts.at(0).text, lines_of(expected));
}

TEST(PaloAltoSet, SaysWhatTheXmlSays) {
  expect_same_forms([](World&) {}, "", "");
  expect_same_forms([](World& w) { w.option("vsys", "vsys2"); }, " vsys vsys2", " vsys vsys2");
  expect_same_forms([](World& w) { w.option("shared", "objects"); }, " shared", "");
  expect_same_forms([](World& w) { w.option("shared", "all"); }, " shared", " shared");
  expect_same_forms(
      [](World& w) {
        w.option("device_group", "HCI West");
        w.option("shared", "objects");
        w.flag("app_id", true);
      },
      " shared", " device-group \"HCI West\"");
}

TEST(PaloAltoSet, TextForPeopleCannotLeaveItsQuotation) {
  World world;
  world.servers("10.1.0.11");
  Rule& rule = world.allow("main/a.b", {world.any()}, {world.servers()}, tcp(1));
  rule.title = "a \"quoted\" ? and | and \\ and \xE2\x80\x9Ctypographic\xE2\x80\x9D and $x `y` 'z'";
  world.option("format", "set");
  const std::string text = world.text();
  EXPECT_FALSE(world.failed());
  EXPECT_NE(text.find("description \"main/a.b: a 'quoted' . and / and / and \xE2\x80\x9Ctypographic"
                      "\xE2\x80\x9D and $x `y` 'z'"),
            std::string::npos)
      << text;
}

TEST(PaloAltoSet, AUrlThatCannotBePastedIsRefused) {
  World world;
  world.servers("10.1.0.11");
  world.option("format", "set");
  world.option("service_tags", "edl");
  world.option("edl_url", "https://lists.example/?tag={tag}");
  EXPECT_NE(lines_of(messages_of(world)).find("mean something to the command line"),
            std::string::npos);
}

TEST(PaloAltoSet, EveryFaultInACommandIsFound) {
  World world;
  sample(world);
  world.option("format", "set");
  world.option("vsys", "vsys2");
  const Emission emission = world.emit();
  ASSERT_FALSE(world.failed());
  const auto difference_with = [&](const std::string& from, const std::string& to) {
    Emission changed = emission;
    std::string& text = changed.artefacts[0].text;
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    return difference(backend(), world.device(), changed).value_or("");
  };
  const std::vector<std::pair<std::string, std::string>> faults{
      {"set vsys vsys2 address", "set vsys vsys3 address"},
      {"set vsys vsys2 address", "set address"},
      {"set vsys vsys2 address", "set shared address"},
      {"set vsys vsys2 address", "delete vsys vsys2 address"},
      {"set vsys vsys2 address", "set vsys vsys2 addresses"},
      {" action allow", " action deny"},
      {" action allow", " action allow extra"},
      {" action allow", " action"},
      {" action deny", " actions deny"},
      {" to any\n",
       " to any\nset vsys vsys2 rulebase security rules prod-main-CHG1.vendor to any\n"},
      {" action deny", " action \"deny"},
      {" action deny", " action deny?"},
      {" action deny", " action  deny"},
      {" action deny\n", " action deny # all\n"},
      {" action deny\n", " action deny\nset vsys vsys2 tag late color color1\n"},
      {" source-user any", " source-user known-user"},
      {"set vsys vsys2 rulebase security rules prod-main-CHG1.vendor source hci-host",
       "set vsys vsys2 rulebase security rules prod-main-CHG1.vendor negate-source yes\nset vsys "
       "vsys2 rulebase security rules prod-main-CHG1.vendor source host"},
      {"[ hci-host-10.1.0.11 ", "[ "},
      {"[ hci-host-10.1.0.11 ", "hci-host-10.1.0.11 "},
      {"ip-netmask 10.1.0.11/32", "ip-netmask 10.1.0.0/24"},
  };
  for (const auto& [from, to] : faults) EXPECT_NE(difference_with(from, to), "") << from << to;
  Emission cut = emission;
  cut.artefacts[0].text.pop_back();
  EXPECT_TRUE(difference(backend(), world.device(), cut));
}

// ---- the page

TEST(PaloAltoPage, NamesEveryOption) {
  const std::string page =
      hcipol::test::files_below("backends/palo_alto", {".md"}).at("backends/palo_alto/README.md");
  for (const sema::OptionSpec& option : backend().options) {
    EXPECT_NE(page.find("`" + std::string(option.name) + "`"), std::string::npos) << option.name;
  }
}

TEST(PaloAltoPage, ListsTheApplicationsOfEachPort) {
  const std::string page =
      hcipol::test::files_below("backends/palo_alto", {".md"}).at("backends/palo_alto/README.md");
  std::istringstream lines(page);
  net::ServiceSet listed;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("| tcp/") && !line.starts_with("| udp/")) continue;
    const std::size_t bar = line.find('|', 1);
    net::ServiceSet service;
    std::istringstream words(line.substr(1, bar - 1));
    for (std::string word; words >> word;) {
      const auto port = static_cast<std::uint16_t>(std::stoi(word.substr(4)));
      service = service | (word.starts_with("tcp") ? tcp(port) : udp(port));
    }
    Strings applications;
    for (std::size_t at = line.find('`'); at != std::string::npos; at = line.find('`', at)) {
      const std::size_t end = line.find('`', at + 1);
      applications.push_back(line.substr(at + 1, end - at - 1));
      at = end + 1;
    }
    std::sort(applications.begin(), applications.end());
    const AppIds::Known known = AppIds::of(service);
    EXPECT_EQ(known.service, service) << line;
    EXPECT_EQ(known.applications, applications) << line;
    listed = listed | service;
  }
  EXPECT_EQ(
      AppIds::of(tcp(0, 65535) | net::ServiceSet::ports(net::protocol::udp, 0, 65535)).service,
      listed);
}

// ---- names

// Two names with one beginning whose hashes agree in six digits (found by trying).
TEST(PaloAltoNames, TwoThatBecomeOneAreAnError) {
  World world;
  world.servers("10.1.0.11");
  const auto [one, other] = colliding_hosts();
  ASSERT_NE(one, other);
  world.allow("main/a.b", {world.servers()}, {world.endpoint("e", {one, other})}, tcp(9000));
  const std::string said = lines_of(messages_of(world));
  EXPECT_NE(said.find("E0614"), std::string::npos) << said;
  EXPECT_NE(said.find(one), std::string::npos) << said;
  EXPECT_NE(said.find(other), std::string::npos) << said;
}

TEST(PaloAltoNames, OtherAlphabetsStayApart) {
  World world;
  world.servers("10.1.0.11 10.1.0.13");
  world.cluster().name = "Größe 東京";
  NamedSet* one = world.role("büro", "10.5.0.1 10.5.0.3");
  NamedSet* other = world.role("b-ro", "10.5.0.5 10.5.0.7");
  NamedSet* none = world.role("東京", "10.5.0.9 10.5.0.11");
  world.allow("main/größe.a", {one, other, none}, {world.servers()}, tcp(1));
  world.allow("main/gr-e.a", {one}, {world.servers()}, tcp(2));
  const PanConfig config(world.text());
  EXPECT_FALSE(world.failed());
  EXPECT_EQ(lines_of(config.problems()), "");
  EXPECT_EQ(PanConfig::names(config.objects().child("address-group")).size(), 4u);
  EXPECT_EQ(config.rules().size(), 4u);  // two of the policy, two of the clean-up
}

}  // namespace
}  // namespace hcipol::backends::palo_alto::testing
