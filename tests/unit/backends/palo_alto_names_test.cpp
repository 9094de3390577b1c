// What objects and rules are called, so that a load meets nobody else's, and what host names
// become.
#include <gtest/gtest.h>

#include <pugixml.hpp>

#include "palo_alto_policy.h"
#include "palo_alto_reader.h"
#include "palo_alto_samples.h"

namespace hcipol::backends::palo_alto::testing {
namespace {

using Names = std::vector<std::string>;

TEST(PaloAltoNames, EveryObjectIsOurs) {
  World world;
  sample(world);
  const PanConfig config(world.text());
  std::size_t count = 0;
  for (const std::string kind : {"address", "address-group", "service", "application", "schedule",
                                 "profiles/custom-url-category"}) {
    const pugi::xml_node list = config.objects().first_element_by_path(kind.c_str());
    for (const std::string& name : PanConfig::names(list)) {
      EXPECT_TRUE(name.starts_with("hci-")) << kind << ' ' << name;
      ++count;
    }
  }
  EXPECT_GT(count, 15u);
}

// "hci-host-" is also how the groups of a cluster `host` begin.
TEST(PaloAltoNames, AGroupThatWouldBeAnAddressIsAnError) {
  World world;
  world.cluster().name = "host";
  world.servers("10.1.0.11 10.1.0.12");
  world.allow("main/a.b", {world.role("10.1.0.11", "10.0.5.1 10.0.5.9")}, {world.servers()},
              tcp(1));
  world.emit();
  ASSERT_TRUE(world.failed());
  EXPECT_NE(world.messages().front().find("E0614"), std::string::npos) << world.messages().front();
}

// The end is what tells the sets of one feature apart.
TEST(PaloAltoNames, CategoriesKeepTheirEnds) {
  World world;
  world.cluster().name = "hospital";
  world.servers("10.1.0.11");
  for (const char* scheme : {"http", "https"}) {
    NamedSet* set = world.endpoint(std::string("hci/microsoft-update-") + scheme,
                                   {std::string("*.") + scheme + ".update.example"});
    world.allow(std::string("hci/update.") + scheme, {world.servers()}, {set}, tcp(443));
  }
  const PanConfig config(world.text());
  const Names found =
      PanConfig::names(config.objects().child("profiles").child("custom-url-category"));
  ASSERT_EQ(found.size(), 2u);
  for (const std::string& name : found) {
    EXPECT_LE(name.size(), 31u);
    EXPECT_TRUE(name.starts_with("hci-hospital-")) << name;
  }
  EXPECT_TRUE(found[0].ends_with("-http") || found[1].ends_with("-http")) << found[0] << found[1];
  EXPECT_TRUE(found[0].ends_with("-https") || found[1].ends_with("-https"));
}

TEST(PaloAltoNames, TwoNeighboursAreTwoHosts) {
  World world;
  world.servers("10.1.0.11");
  world.allow("main/a.b", {world.role("scrapers", "10.0.8.20 10.0.8.21")}, {world.servers()},
              tcp(9182));
  world.allow("main/c.d", {world.role("more", "10.0.9.20 10.0.9.21 10.0.9.22 10.0.9.23")},
              {world.servers()}, tcp(9182));
  const PanConfig config(world.text());
  EXPECT_EQ(PanConfig::members(config.object("address-group", "hci-prod-scrapers").child("static")),
            (Names{"hci-host-10.0.8.20", "hci-host-10.0.8.21"}));
  EXPECT_TRUE(config.object("address", "hci-net-10.0.9.20_30"));
}

TEST(PaloAltoNames, PrefixesOfTagsStayPrefixes) {
  World world;
  world.servers("10.1.0.11");
  NamedSet& tag = world.set(Kind::endpoint, "AzureActiveDirectory");
  tag.tag = "AzureActiveDirectory";
  tag.set.names = net::DomainSet(NamedSet::tag_name(tag.tag));
  tag.tag_addresses = addresses("20.0.0.64/31");
  world.allow("main/a.b", {world.servers()}, {&tag}, tcp(443));
  const PanConfig config(world.text());
  EXPECT_TRUE(config.object("address", "hci-net-20.0.0.64_31"));
}

TEST(PaloAltoNames, GroupsSayOfWhichClusterTheyAre) {
  World world;
  sample(world);
  const PanConfig config(world.text());
  EXPECT_STREQ(config.object("address-group", "hci-prod-servers").child_value("description"),
               "servers of cluster prod");
}

TEST(PaloAltoNames, ARuleOfTheFileIsNoPlaceForIt) {
  World world;
  sample(world);
  world.option("before", "prod-main-admin.rdp");
  world.emit();
  ASSERT_TRUE(world.failed());
  EXPECT_NE(world.messages().front().find("`before`"), std::string::npos);
}

// ---- host names

/// An endpoint with a pattern, the name below it, and another.
NamedSet* update(World& world) {
  return world.endpoint("hci/update", {"*.update.example", "update.example", "go.example"});
}

TEST(PaloAltoHostNames, StandBesidePatternsInTheCategoryOnWebPorts) {
  World world;
  world.servers("10.1.0.11");
  world.allow("hci/up.http", {world.servers()}, {update(world)}, tcp(80) | tcp(443));
  const Emission emission = world.emit();
  const PanConfig config(emission.artefacts.at(0).text);
  EXPECT_EQ(PanConfig::members(config.category("hci-prod-hci-update").child("list")),
            (Names{"*.update.example/", "go.example/", "update.example/"}));
  EXPECT_TRUE(config.rule("prod-hci-up.http"));
  EXPECT_FALSE(config.rule("prod-hci-up.http-url"));
  EXPECT_FALSE(config.object("address", "hci-fqdn-go.example"));
  EXPECT_TRUE(emission.remarks.empty()) << emission.remarks.front().text;
  const PanPacket packet{"10.1.0.11", "20.0.0.9", "go.example", 6, 443};
  EXPECT_TRUE(config.allows(packet, {{"inside", "10.1.0.11"}}));
}

TEST(PaloAltoHostNames, OnOtherPortsAreAddresses) {
  World world;
  world.servers("10.1.0.11");
  NamedSet* set = update(world);
  set->addresses = addresses("20.0.0.0/24");
  world.allow("hci/up.all", {world.servers()}, {set}, tcp(443) | udp(123));
  const Emission emission = world.emit();
  const PanConfig config(emission.artefacts.at(0).text);
  EXPECT_TRUE(config.object("address", "hci-fqdn-go.example"));
  EXPECT_TRUE(config.rule("prod-hci-up.all-url"));
  const PanPacket packet{"10.1.0.11", "40.0.0.9", "go.example", 17, 123};
  EXPECT_TRUE(config.allows(packet, {{"inside", "10.1.0.11"}}));
}

// Whoever shares an address with a name passes as well: that is said of each rule.
TEST(PaloAltoHostNames, ThatAreAddressesAreWider) {
  World world;
  world.servers("10.1.0.11");
  NamedSet* few = world.endpoint("hci/few", {"a.example", "b.example", "c.example", "d.example"});
  world.allow("hci/arc.web", {world.servers()}, {few}, tcp(443));
  world.allow("hci/arc.ntp", {world.servers()}, {world.endpoint("hci/ntp", {"t.example"})},
              udp(123));
  world.allow("hci/none.x", {world.servers()}, {world.role("r", "10.0.0.1 10.0.0.5")}, tcp(443));
  const Emission emission = world.emit();
  ASSERT_EQ(emission.remarks.size(), 3u);  // and what both close
  const Remark& ntp = emission.remarks[0];
  EXPECT_EQ(ntp.code, "W0611");
  EXPECT_EQ(ntp.rule->address, "hci/arc.ntp");
  EXPECT_EQ(ntp.wider, (std::vector<Wider>{{{}, {"addresses of t.example"}, "udp/123"}}));
  const Remark& web = emission.remarks[1];
  EXPECT_EQ(web.wider.at(0).to.size(), 4u);
  EXPECT_NE(web.text.find("addresses of d.example"), std::string::npos) << web.text;
  // One line on the terminal, however many names there are.
  const std::vector<std::string> said = world.messages();
  ASSERT_EQ(said.size(), 3u);
  EXPECT_EQ(said[1],
            "W0611: rule `hci/arc.web` is wider on Palo Alto PAN-OS: FQDN objects match whoever "
            "else is behind them: addresses of a.example, addresses of b.example, addresses of "
            "c.example and 1 more");
}

// A deny by a name is no wall: what the device does not resolve, or is not told, passes.
TEST(PaloAltoHostNames, ADenyByNameHasGapsAndSaysSo) {
  World world;
  world.servers("10.1.0.11");
  world.deny("main/no.host", {world.servers()}, {world.endpoint("main/h", {"h.example"})},
             tcp(8443));
  world.deny("main/no.web", {world.servers()}, {world.endpoint("main/w", {"*.w.example"})},
             tcp(443));
  const Emission emission = world.emit();
  std::vector<std::string> gaps;
  for (const Remark& remark : emission.remarks) {
    if (remark.code == "W0614") gaps.push_back(remark.rule->address + ": " + remark.text);
  }
  EXPECT_EQ(gaps, (std::vector<std::string>{
                      "main/no.host: addresses that the device itself does not resolve are not "
                      "denied: addresses of h.example",
                      "main/no.web: on tcp/443, a client that names another host, or none, is not "
                      "denied: `main/w`"}));
  // An allow by the same names lets through less than it says, which is seen at once.
  World allowing;
  allowing.servers("10.1.0.11");
  allowing.allow("main/on.web", {allowing.servers()},
                 {allowing.endpoint("main/w", {"*.w.example"})}, tcp(443));
  for (const Remark& remark : allowing.emit().remarks) EXPECT_NE(remark.code, "W0614");
}

TEST(PaloAltoHostNames, AsSourcesAreWider) {
  World world;
  world.servers("10.1.0.11");
  world.allow("hci/in.x", {world.endpoint("hci/e", {"a.example"})}, {world.servers()}, tcp(443));
  const Emission emission = world.emit();
  ASSERT_EQ(emission.remarks.size(), 1u);
  EXPECT_EQ(emission.remarks[0].wider,
            (std::vector<Wider>{{{"addresses of a.example"}, {}, "tcp/443"}}));
}

}  // namespace
}  // namespace hcipol::backends::palo_alto::testing
