// Tests of the Palo Alto backend against a reader and interpreter of PAN-OS configurations.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "palo_alto_policy.h"
#include "palo_alto_reader.h"
#include "support/text.h"

namespace hcipol::backends::palo_alto::testing {
namespace {

using Strings = std::vector<std::string>;

std::string joined(const Strings& list) {
  std::string out;
  for (const std::string& item : list) out += item + "\n";
  return out;
}

// The kitchen sink: both families, roles, sites, names, wildcards, ICMP, an exception and a deny.
void fill(World& world) {
  world.servers("10.1.0.11 10.1.0.12 10.2.0.11 10.2.0.12 fd00:10:1::11 fd00:10:2::11");
  NamedSet* servers = world.servers();
  NamedSet* east = world.role("site.east", "10.1.0.11 10.1.0.12 fd00:10:1::11", Kind::site);
  NamedSet* west = world.role("site.west", "10.2.0.11 10.2.0.12 fd00:10:2::11", Kind::site);
  NamedSet* management = world.role("management", "10.0.5.0/28 fd00:5::/64");
  NamedSet* wac = world.role("wac", "10.0.5.10");
  NamedSet* dns = world.role("dns", "10.0.9.53 10.0.9.54 10.0.9.55-10.0.9.60");
  NamedSet* backup = world.literal("10.0.7.0/27");
  NamedSet* login =
      world.endpoint("hci/aad-authority", {"login.microsoftonline.com", "graph.windows.net"});
  NamedSet* update = world.endpoint(
      "hci/microsoft-update",
      {"*.windowsupdate.com", "windowsupdate.com", "*.update.microsoft.com", "go.microsoft.com"});
  NamedSet* gallery = &world.set(Kind::literal, "*.powershellgallery.com");
  gallery->set.names = names({"*.powershellgallery.com"});

  world.allow("hci/failover-clustering.smb", {servers}, {servers}, tcp(445) | tcp(5445));
  world.allow("hci/failover-clustering.heartbeat", {servers}, {servers},
              udp(3343) | icmp() | icmpv6());
  world.allow("hci/windows-admin-center.winrm", {management, wac}, {servers}, tcp(5985, 5986));
  world.allow("hci/dns.query", {servers}, {dns}, tcp(53) | udp(53));
  world.allow("hci/registration.login", {servers}, {login}, tcp(443));
  world.allow("hci/windows-update.update", {servers}, {update}, tcp(80) | tcp(443));
  world.allow("main/psgallery.get", {servers}, {gallery, login}, tcp(443));
  world.allow("main/backup.veeam", {backup}, {servers}, tcp(6160) | tcp(2500, 3300)).log = true;
  world.allow("main/monitoring.ping", {management}, {servers}, icmp(8) | icmpv6(128) | icmp(13));
  world.allow("hci/storage-replica.all", {east}, {west}, net::ServiceSet::any());
  world.allow("main/gre.tunnel", {east}, {dns}, net::ServiceSet::whole(47) | tcp(1723));
  world.deny("main/quarantine.smb", {management}, {servers}, tcp(5986));
  world.deny("main/quarantine.replica", {east}, {west}, tcp(3389));
  world.deny("main/quarantine.fe2", {servers}, {update}, tcp(80));
  Rule& rule = world.rule(Rule::Kind::exception, "main/CHG0041877.vendor-smb",
                          {world.literal("203.0.113.40")}, {world.role("node.e1", "10.1.0.11")},
                          tcp(445) | tcp(5986));
  rule.owner = "j.doe@contoso.example";
  rule.reason = "Vendor migrates the old file server.";
  rule.expires = *parse_date("2022-06-30");
}

const ZoneMap device_zones{{"hci-east", "10.1.0.0/24"}, {"hci-east", "fd00:10:1::/64"},
                           {"hci-west", "10.2.0.0/24"}, {"hci-west", "fd00:10:2::/64"},
                           {"mgmt", "10.0.5.0/24"},     {"mgmt", "fd00:5::/64"}};

void add_zones(World& world) {
  world.zones({{"hci-east", world.literal("10.1.0.0/24 fd00:10:1::/64")},
               {"hci-west", world.literal("10.2.0.0/24 fd00:10:2::/64")},
               {"mgmt", world.literal("10.0.5.0/24 fd00:5::/64")}});
}

// Every pair of interesting ends with every interesting service.
void compare(World& world, const ZoneMap& zones) {
  const PanConfig config(world.text());
  ASSERT_FALSE(world.failed()) << joined(world.messages());
  ASSERT_EQ(joined(config.problems()), "");
  const Strings ends{"10.1.0.11",     "10.1.0.12",     "10.1.0.13", "10.2.0.11",
                     "10.0.5.0",      "10.0.5.10",     "10.0.5.15", "10.0.5.16",
                     "10.0.7.1",      "10.0.7.32",     "10.0.9.54", "10.0.9.60",
                     "10.0.9.61",     "203.0.113.40",  "8.8.8.8",   "fd00:10:1::11",
                     "fd00:10:1::12", "fd00:10:2::11", "fd00:5::1", "2001:db8::1"};
  const Strings hosts{
      "login.microsoftonline.com", "graph.windows.net",      "windowsupdate.com",
      "a.windowsupdate.com",       "b.a.windowsupdate.com",  "update.microsoft.com",
      "xwindowsupdate.com",        "go.microsoft.com",       "www.powershellgallery.com",
      "powershellgallery.com",     "x.update.microsoft.com", "evil.example"};
  const std::vector<std::pair<unsigned, unsigned>> services{
      {6, 445}, {6, 444},  {6, 5985}, {6, 5986}, {6, 53},   {17, 53},  {17, 3343}, {6, 80},
      {6, 443}, {17, 443}, {6, 2500}, {6, 3300}, {6, 3301}, {6, 3389}, {1, 8},     {1, 0},
      {1, 13},  {1, 3},    {58, 128}, {58, 135}, {47, 0},   {6, 1723}, {50, 0},    {6, 0}};
  std::size_t allowed = 0;
  const auto check = [&](const PanPacket& packet, const net::Endpoint& to) {
    const bool touches = world.servers()->set.addresses.contains(ip(packet.source)) ||
                         world.servers()->set.addresses.contains(ip(packet.destination));
    if (!touches) return;
    // The detail of an ICMP point is type × 256 + code.
    const unsigned shift = packet.protocol == 1 || packet.protocol == 58 ? 256 : 1;
    const net::Packet meant{ip(packet.source), to, packet.protocol * 65536 + packet.detail * shift};
    const bool expected = effective(world.device(), meant);
    std::string by;
    EXPECT_EQ(config.allows(packet, zones, &by), expected)
        << packet.source << " -> " << packet.destination << " " << packet.host << " "
        << packet.protocol << "/" << packet.detail << " decided by " << by;
    allowed += expected ? 1 : 0;
  };
  for (const auto& [protocol, detail] : services) {
    for (const std::string& from : ends) {
      const bool v6 = from.find(':') != std::string::npos;
      if ((protocol == 1 && v6) || (protocol == 58 && !v6)) continue;
      for (const std::string& to : ends) {
        if (v6 != (to.find(':') != std::string::npos)) continue;
        check({from, to, "", protocol, detail}, ip(to));
      }
      const std::string resolved = v6 ? "2001:db8:ffff::77" : "198.51.100.77";
      for (const std::string& host : hosts) check({from, resolved, host, protocol, detail}, host);
    }
  }
  EXPECT_GT(allowed, 100u);
}

TEST(PaloAlto, MeansWhatTheFlowsMeanWithoutZones) {
  World world;
  fill(world);
  compare(world, device_zones);
}

TEST(PaloAlto, MeansWhatTheFlowsMeanWithZones) {
  World world;
  fill(world);
  add_zones(world);
  compare(world, device_zones);
}

TEST(PaloAlto, MeansWhatTheFlowsMeanWithAnOutsideZone) {
  World world;
  fill(world);
  add_zones(world);
  world.option("outside_zone", "world");
  compare(world, device_zones);
}

TEST(PaloAlto, MeansWhatTheFlowsMeanWhenAllIsOneZone) {
  World world;
  fill(world);
  world.zones({{"all", world.literal("0.0.0.0/0 ::/0")}});
  compare(world, {{"all", "0.0.0.0/0"}, {"all", "::/0"}});
}

TEST(PaloAlto, MeansWhatTheFlowsMeanOnPanorama) {
  World world;
  fill(world);
  add_zones(world);
  world.option("device_group", "HCI");
  compare(world, device_zones);
}

TEST(PaloAlto, TheCheckerAndTheInterpreterCanFail) {
  World world;
  fill(world);
  std::string text = world.text();
  const auto spoilt = [&](const std::string& from, const std::string& to) {
    std::string copy = text;
    const std::size_t at = copy.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return joined(PanConfig(copy.replace(at, from.size(), to)).problems());
  };
  EXPECT_NE(spoilt("<entry name=\"hci-tcp-443\">", "<entry name=\"hci-tcp-444\">"), "");
  EXPECT_NE(spoilt("<entry name=\"hci-prod-management\">", "<entry name=\"x\">"), "");
  EXPECT_NE(spoilt("<type>URL List</type>", ""), "");
  EXPECT_NE(spoilt("*.powershellgallery.com/", "*.powershellgallery.com"), "");
  EXPECT_NE(spoilt("<action>allow</action>", ""), "");
  EXPECT_NE(spoilt("</config>", ""), "");
  EXPECT_EQ(spoilt("<shared/>", "<shared></shared>"), "");

  const std::size_t at = text.find("<action>deny</action>");
  const PanConfig wrong(text.replace(at, 21, "<action>allow</action>"));
  EXPECT_TRUE(
      wrong.allows({"10.0.5.1", "10.1.0.11", "", 6, 5986}, device_zones) ||
      wrong.allows({"10.1.0.11", "10.2.0.11", "", 6, 3389}, device_zones) ||
      wrong.allows({"10.1.0.11", "198.51.100.77", "go.microsoft.com", 6, 80}, device_zones));
}

TEST(PaloAlto, IsWellFormedForXmllintToo) {
  if (std::system("command -v xmllint >/dev/null 2>&1") != 0) GTEST_SKIP() << "no xmllint";
  World world;
  fill(world);
  world.device().flows[0].rule =
      &world.allow("main/evil.rule", {world.any()}, {world.servers()}, tcp(1));
  const auto path = std::filesystem::temp_directory_path() / "hcipol_palo_alto_test.xml";
  std::ofstream(path) << world.text();
  EXPECT_EQ(std::system(("xmllint --noout '" + path.string() + "'").c_str()), 0);
  std::filesystem::remove(path);
}

TEST(PaloAlto, StartsAsACompleteConfiguration) {
  World world;
  fill(world);
  const Emission emission = world.emit();
  const std::string& text = emission.artefacts.at(0).text;
  EXPECT_EQ(emission.artefacts.at(0).path, "prod.xml");
  EXPECT_TRUE(
      text.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                       "<config version=\"10.1.0\" urldb=\"paloaltonetworks\">\n"
                       "  <shared/>\n"
                       "  <devices>\n"
                       "    <entry name=\"localhost.localdomain\">\n"
                       "      <vsys>\n"
                       "        <entry name=\"vsys1\">\n"
                       "          <tag>\n"));
  EXPECT_TRUE(text.ends_with("</config>\n"));
  EXPECT_EQ(text.find("<!--"), std::string::npos);
}

TEST(PaloAlto, MapsEveryRuleBackInOrder) {
  World world;
  fill(world);
  const Emission emission = world.emit();
  const PanConfig config(emission.artefacts.at(0).text);
  Strings mapped;
  for (const SourceMapEntry& entry : emission.artefacts.at(0).rules) {
    mapped.push_back(entry.id);
    // The clean-up is what all rules leave.
    EXPECT_EQ(entry.rule == nullptr, entry.id.find("-cleanup-") != std::string::npos) << entry.id;
    if (entry.rule == nullptr) continue;
    const std::string description = config.rule(entry.id).child_value("description");
    EXPECT_TRUE(description.starts_with(entry.rule->address + ": ")) << description;
    EXPECT_NE(description.find("learn.microsoft.com"), std::string::npos);
  }
  Strings listed;
  for (const auto& rule : config.rules()) {
    listed.emplace_back(rule.attribute("name").value());
  }
  EXPECT_EQ(joined(mapped), joined(listed));
  EXPECT_EQ(mapped.front(), "prod-main-CHG0041877.vendor-smb");
  const std::string exception = config.rule(mapped.front()).child_value("description");
  // What it opens comes before why it may.
  EXPECT_NE(exception.find(". Exception until 2022-06-30, owner j.doe@contoso.example, reason: "
                           "Vendor migrates the old file server. Source: "),
            std::string::npos)
      << exception;
  EXPECT_EQ(exception.find("main/CHG0041877.vendor-smb: "), 0u) << exception;
  EXPECT_TRUE(config.object("tag", "hcipol-exception"));
}

// What encloses its rules is called "Exception CHG1", and that is said anyway.
TEST(PaloAlto, AnExceptionWithoutATitleSaysOnceThatItIsOne) {
  World world;
  world.servers("10.1.0.11");
  Rule& rule = world.rule(Rule::Kind::exception, "main/CHG1.vendor", {world.literal("10.0.5.9")},
                          {world.servers()}, tcp(445));
  rule.title.clear();
  rule.origin.feature_title = "Exception CHG1";
  rule.origin.source.clear();
  rule.owner = "j.doe@contoso.example";
  rule.reason = "A file server moves.";
  rule.expires = *parse_date("2022-06-30");
  const PanConfig config(world.text());
  EXPECT_STREQ(config.rule("prod-main-CHG1.vendor").child_value("description"),
               "main/CHG1.vendor: Exception until 2022-06-30, owner j.doe@contoso.example, reason: "
               "A file server moves");
}

// An allow by FQDN object closes what only the servers resolve; said once, whatever the rules.
TEST(PaloAlto, NotesOnceThatFqdnObjectsAlsoClose) {
  const auto notes = [](bool allow, bool deny) {
    World world;
    world.servers("10.1.0.11");
    NamedSet* host = world.endpoint("e", {"a.example"});
    if (allow) {
      world.allow("main/a.b", {world.servers()}, {host}, tcp(443));
      world.allow("main/a.c", {world.servers()}, {world.endpoint("f", {"b.example"})}, tcp(9000));
    }
    if (deny) world.deny("main/a.d", {world.servers()}, {host}, tcp(25));
    world.emit();
    std::size_t out = 0;
    for (const std::string& line : world.messages()) {
      out += line.find("let both ask the same resolver") != std::string::npos ? 1 : 0;
    }
    return out;
  };
  EXPECT_EQ(notes(true, true), 1u);
  EXPECT_EQ(notes(false, true), 0u);
  EXPECT_EQ(notes(false, false), 0u);
}

TEST(PaloAlto, NamesObjectsByWhatTheyHoldAndGroupsByThePolicy) {
  World world;
  fill(world);
  const PanConfig config(world.text());
  EXPECT_STREQ(config.object("address", "hci-host-10.1.0.11").child_value("ip-netmask"),
               "10.1.0.11/32");
  EXPECT_STREQ(config.object("address", "hci-net-10.0.7.0_27").child_value("ip-netmask"),
               "10.0.7.0/27");
  EXPECT_STREQ(config.object("address", "hci-net-fd00-5--_64").child_value("ip-netmask"),
               "fd00:5::/64");
  EXPECT_STREQ(config.object("address", "hci-range-10.0.9.53-10.0.9.60").child_value("ip-range"),
               "10.0.9.53-10.0.9.60");
  EXPECT_EQ(
      PanConfig::members(config.object("address-group", "hci-prod-management").child("static")),
      (Strings{"hci-net-10.0.5.0_28", "hci-net-fd00-5--_64"}));
  // Neighbours among the servers are still hosts of their own.
  EXPECT_EQ(
      PanConfig::members(config.object("address-group", "hci-prod-site.east").child("static")),
      (Strings{"hci-host-10.1.0.11", "hci-host-10.1.0.12", "hci-host-fd00-10-1--11"}));
  // A single address, and a short literal, need no group.
  EXPECT_EQ(PanConfig::members(config.rule("prod-hci-windows-admin-center.winrm").child("source")),
            (Strings{"hci-host-10.0.5.10", "hci-prod-management"}));
  EXPECT_EQ(PanConfig::members(config.rule("prod-main-backup.veeam").child("source")),
            (Strings{"hci-net-10.0.7.0_27"}));
}

TEST(PaloAlto, GivesTwoClustersTheSameObjectsOnlyForTheSameContent) {
  World one;
  fill(one);
  World other;
  fill(other);
  other.cluster().name = "test";
  other.cluster().named.at("management")->set;
  const PanConfig a(one.text());
  const PanConfig b(other.text());
  for (const char* kind : {"address", "service", "address-group"}) {
    for (const auto& entry : a.base().child(kind).children("entry")) {
      const pugi::xml_node twin = b.object(kind, entry.attribute("name").value());
      if (std::string(kind) == "address-group") {
        EXPECT_FALSE(twin);
      } else {
        EXPECT_STREQ(twin.first_child().text().get(), entry.first_child().text().get());
      }
    }
  }
}

TEST(PaloAlto, GivesExactNamesToAddressesAndWildcardsToCategories) {
  World world;
  fill(world);
  const PanConfig config(world.text());
  EXPECT_STREQ(config.object("address", "hci-fqdn-login.microsoftonline.com").child_value("fqdn"),
               "login.microsoftonline.com");
  // The apex is in the category because the policy means it; elsewhere it is not. So is the other
  // name: on web ports the category says all.
  EXPECT_EQ(PanConfig::members(config.category("hci-prod-hci-microsoft-update").child("list")),
            (Strings{"*.update.microsoft.com/", "*.windowsupdate.com/", "go.microsoft.com/",
                     "windowsupdate.com/"}));
  EXPECT_EQ(PanConfig::members(config.category("hci-url-powershellgallery.com").child("list")),
            (Strings{"*.powershellgallery.com/"}));

  const pugi::xml_node exact = config.rule("prod-main-psgallery.get");
  EXPECT_EQ(PanConfig::members(exact.child("destination")),
            (Strings{"hci-prod-hci-aad-authority"}));
  EXPECT_EQ(PanConfig::members(exact.child("category")), (Strings{"any"}));
  const pugi::xml_node url = config.rule("prod-main-psgallery.get-url");
  EXPECT_EQ(PanConfig::members(url.child("destination")), (Strings{"any"}));
  EXPECT_EQ(PanConfig::members(url.child("category")), (Strings{"hci-url-powershellgallery.com"}));
  EXPECT_EQ(PanConfig::members(url.child("service")), (Strings{"hci-tcp-443"}));
}

TEST(PaloAlto, KeepsPortsAndApplicationsApart) {
  World world;
  fill(world);
  const PanConfig config(world.text());
  EXPECT_EQ(
      PanConfig::members(config.rule("prod-hci-failover-clustering.heartbeat").child("service")),
      (Strings{"hci-udp-3343"}));
  const pugi::xml_node icmp = config.rule("prod-hci-failover-clustering.heartbeat-icmp");
  // hci-icmp-13 is what another rule makes of type 13; all of ICMP includes it.
  EXPECT_EQ(PanConfig::members(icmp.child("application")),
            (Strings{"hci-icmp-13", "icmp", "ipv6-icmp", "ping", "ping6"}));
  EXPECT_EQ(PanConfig::members(icmp.child("service")), (Strings{"application-default"}));
  EXPECT_EQ(PanConfig::members(config.rule("prod-main-monitoring.ping").child("application")),
            (Strings{"hci-icmp-13", "ping", "ping6"}));
  EXPECT_EQ(PanConfig::members(config.rule("prod-main-gre.tunnel-ip").child("application")),
            (Strings{"hci-ip-47"}));
  EXPECT_STREQ(config.object("application", "hci-ip-47")
                   .child("default")
                   .child_value("ident-by-ip-protocol"),
               "47");
  // The custom applications, two rules with FQDN objects and what these close, and a deny by
  // category.
  EXPECT_EQ(world.messages().size(), 5u) << joined(world.messages());
}

TEST(PaloAlto, GivesAServiceToEveryProtocolOfARule) {
  World world;
  world.servers("10.1.0.11");
  world.allow("main/a.mixed", {world.any()}, {world.servers()},
              tcp(135) | tcp(445) | tcp(5000, 5099) | udp(137));
  world.allow("main/a.all-tcp", {world.any()}, {world.servers()}, tcp(0, 65535));
  const PanConfig config(world.text());
  EXPECT_EQ(joined(config.problems()), "");
  EXPECT_EQ(PanConfig::members(config.rule("prod-main-a.mixed").child("service")),
            (Strings{"hci-tcp-135_445_5000-5099", "hci-udp-137"}));
  EXPECT_STREQ(config.object("service", "hci-tcp-135_445_5000-5099")
                   .child("protocol")
                   .child("tcp")
                   .child_value("port"),
               "135,445,5000-5099");
  EXPECT_STREQ(config.object("service", "hci-tcp-0-65535")
                   .child("protocol")
                   .child("tcp")
                   .child_value("port"),
               "0-65535");
}

TEST(PaloAlto, SplitsPortListsThatAreTooLong) {
  World world;
  world.servers("10.1.0.11");
  net::ServiceSet many;
  for (std::uint16_t port = 10000; port < 12000; port = static_cast<std::uint16_t>(port + 5)) {
    many = many | tcp(port);
  }
  world.allow("main/a.many", {world.any()}, {world.servers()}, many);
  const PanConfig config(world.text());
  EXPECT_EQ(joined(config.problems()), "");
  EXPECT_GE(PanConfig::members(config.rule("prod-main-a.many").child("service")).size(), 3u);
  for (unsigned port = 9999; port < 12002; ++port) {
    EXPECT_EQ(config.allows({"10.9.9.9", "10.1.0.11", "", 6, port}, {{"x", "10.1.0.0/16"}}),
              port >= 10000 && port < 12000 && port % 5 == 0)
        << port;
  }
}

TEST(PaloAlto, KeepsNamesShortAndApart) {
  World world;
  world.servers("10.1.0.11 10.1.0.12");
  const std::string tail(80, 'x');
  for (const char* id : {"main/a.b (c -> d)", "main/a-b.c", "main/a.b/c", "main-a.b-c",
                         "MAIN/a.b/c", "main/a.b (c->d)"}) {
    world.allow(id, {world.any()}, {world.servers()}, tcp(1));
  }
  world.allow("main/" + tail + ".one", {world.any()}, {world.servers()}, tcp(1));
  world.allow("main/" + tail + ".two", {world.any()}, {world.servers()}, tcp(1) | icmp());
  NamedSet* first = world.role("hci/a-role", "10.5.0.1 10.5.0.3");
  NamedSet* second = world.role("hci-a/role", "10.5.0.5 10.5.0.7");
  NamedSet* third = world.role("role-" + tail, "10.5.0.9 10.5.0.11");
  world.allow("main/roles.r", {first, second, third}, {world.servers()}, tcp(2));
  NamedSet* long_name =
      world.endpoint("e", {std::string(60, 'h') + "." + std::string(60, 'h') + ".example",
                           "*." + std::string(60, 'w') + ".example"});
  world.allow("main/names.n", {world.servers()}, {long_name}, tcp(443));
  NamedSet* wild = &world.set(Kind::literal, "*." + std::string(60, 'v') + ".example");
  wild->set.names = names({wild->name});
  world.allow("main/names.w", {world.servers()}, {wild}, tcp(443));
  const PanConfig config(world.text());
  EXPECT_FALSE(world.failed());
  EXPECT_EQ(joined(config.problems()), "");
  EXPECT_EQ(PanConfig::members(config.rule("prod-main-roles.r").child("source")).size(), 3u);
}

TEST(PaloAlto, NamesDoNotDependOnOtherRules) {
  World world;
  fill(world);
  const std::string before = world.text();
  world.allow("hci/zz.added", {world.servers()}, {world.role("added", "10.77.0.1 10.77.0.9")},
              tcp(777));
  const std::string after = world.text();
  std::vector<std::string> old_lines, new_lines;
  const auto split_lines = [](const std::string& text, Strings& out) {
    std::size_t at = 0;
    while (at < text.size()) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      out.push_back(text.substr(at, end - at));
      at = end + 1;
    }
  };
  split_lines(before, old_lines);
  split_lines(after, new_lines);
  // What was there is still there, in the same order.
  std::size_t found = 0;
  for (const std::string& line : new_lines) {
    if (found < old_lines.size() && line == old_lines[found]) ++found;
  }
  EXPECT_EQ(found, old_lines.size());
  EXPECT_EQ(world.text(), after);
}

TEST(PaloAlto, SurvivesHostileText) {
  const std::string evil =
      "</description><action>allow</action> \" ' \xe2\x80\x98\xe2\x80\x9e $x `y` ]]> --> '@ "
      "#>\n\r\t"
      "\x01\x7f \xe2\x80\xae gnp \xef\xbf\xbf \xef\xbf\xbe \xc2\x85 &amp; \xff <!-- \xd8\x9c";
  World world;
  fill(world);
  world.cluster().name = "prod";
  for (Rule& rule : world.cluster().rules) {
    rule.title = evil;
    rule.note = evil;
    rule.origin.source = evil;
    rule.owner = evil;
    rule.reason = evil;
  }
  world.cluster().rules.front().title = evil + std::string(5000, '&');
  NamedSet* role = world.role("role </entry> \"' \xf0\x9f\x98\x80", "10.66.0.1 10.66.0.3");
  role->title = evil;
  NamedSet* other = world.role("\xd1\x80\xd0\xbe\xd0\xbb\xd1\x8c", "10.66.0.5 10.66.0.7");
  other->title = std::string(3000, '"');
  world.allow("main/</rules>.\"'&", {role, other}, {world.servers()}, tcp(9));
  const std::string text = world.text();
  const PanConfig config(text);
  EXPECT_EQ(joined(config.problems()), "");
  for (const char* never : {"\x01", "\x7f", "\xe2\x80\xae", "\xef\xbf\xbf", "\xef\xbf\xbe", "\xff",
                            "\xc2\x85", "\xd8\x9c", "<!--"}) {
    EXPECT_EQ(text.find(never), std::string::npos) << never;
  }
  const pugi::xml_node rule = config.rule("prod-hci-dns.query");
  EXPECT_STREQ(rule.child_value("action"), "allow");
  EXPECT_NE(std::string(rule.child_value("description")).find("</description><action>"),
            std::string::npos);
  std::size_t bad = 0;
  EXPECT_TRUE(valid_utf8(text, &bad)) << bad;
}

TEST(PaloAlto, NeverCutsAwayOwnerAndSource) {
  World world;
  world.servers("10.1.0.11");
  const std::string much(3000, 'm');
  Rule& rule =
      world.rule(Rule::Kind::exception, "main/CHG1.x", {world.any()}, {world.servers()}, tcp(1));
  rule.title = much;
  rule.reason = much;
  rule.owner = "owner@contoso.example";
  rule.expires = *parse_date("2022-06-30");
  const PanConfig config(world.text());
  EXPECT_EQ(joined(config.problems()), "");
  const std::string description = config.rule("prod-main-CHG1.x").child_value("description");
  for (const char* part : {"main/CHG1.x", "2022-06-30", "owner@contoso.example",
                           "https://learn.microsoft.com/azure-stack/hci"}) {
    EXPECT_NE(description.find(part), std::string::npos) << part;
  }
}

TEST(PaloAlto, LogsAndProfiles) {
  World world;
  fill(world);
  world.option("log_setting", "to-siem");
  world.option("profile_group", "Outbound");
  const PanConfig config(world.text());
  EXPECT_EQ(joined(config.problems()), "");
  for (const auto& rule : config.rules()) {
    const bool allow = rule.child_value("action") == std::string("allow");
    EXPECT_STREQ(rule.child_value("log-setting"), "to-siem");
    EXPECT_EQ(static_cast<bool>(rule.child("profile-setting")), allow);
    const bool logged = rule.attribute("name").value() == std::string("prod-main-backup.veeam");
    EXPECT_STREQ(rule.child_value("log-start"), logged ? "yes" : "no");
  }
}

TEST(PaloAlto, TakesZonesFromTheTarget) {
  World world;
  fill(world);
  add_zones(world);
  world.option("outside_zone", "untrust");
  const PanConfig config(world.text());
  const auto zones = [&](const char* rule, const char* field) {
    return PanConfig::members(config.rule(rule).child(field));
  };
  EXPECT_EQ(zones("prod-hci-windows-admin-center.winrm", "from"), (Strings{"mgmt"}));
  EXPECT_EQ(zones("prod-hci-windows-admin-center.winrm", "to"), (Strings{"hci-east", "hci-west"}));
  EXPECT_EQ(zones("prod-hci-registration.login", "to"), (Strings{"untrust"}));
  EXPECT_EQ(zones("prod-main-psgallery.get-url", "to"), (Strings{"untrust"}));
  EXPECT_EQ(zones("prod-main-backup.veeam", "from"), (Strings{"untrust"}));

  world.device().flows.clear();
  World unknown;
  fill(unknown);
  add_zones(unknown);
  const PanConfig open(unknown.text());
  EXPECT_EQ(PanConfig::members(open.rule("prod-main-backup.veeam").child("from")),
            (Strings{"any"}));
}

TEST(PaloAlto, CleansUpOnlyWhatIsTheServers) {
  World world;
  fill(world);
  add_zones(world);
  const PanConfig config(world.text());
  std::vector<pugi::xml_node> cleanup(config.rules().end() - 4, config.rules().end());
  EXPECT_STREQ(cleanup[0].attribute("name").value(), "prod-cleanup-servers-any-intrazone");
  EXPECT_STREQ(cleanup[1].attribute("name").value(), "prod-cleanup-servers-any");
  EXPECT_STREQ(cleanup[2].attribute("name").value(), "prod-cleanup-any-servers-intrazone");
  EXPECT_STREQ(cleanup[3].attribute("name").value(), "prod-cleanup-any-servers");
  for (const auto& rule : cleanup) {
    EXPECT_STREQ(rule.child_value("action"), "deny");
    const bool source = PanConfig::members(rule.child("source")) == Strings{"hci-prod-servers"};
    const bool destination =
        PanConfig::members(rule.child("destination")) == Strings{"hci-prod-servers"};
    EXPECT_TRUE(source || destination);
  }
  EXPECT_STREQ(cleanup[0].child_value("rule-type"), "intrazone");
  EXPECT_EQ(PanConfig::members(cleanup[0].child("from")), (Strings{"hci-east", "hci-west"}));
  // Others in our zones go on as before.
  std::string by;
  config.allows({"10.1.0.99", "10.0.5.3", "", 6, 22}, device_zones, &by);
  EXPECT_EQ(by, "interzone-default");
  config.allows({"10.1.0.99", "10.1.0.98", "", 6, 22}, device_zones, &by);
  EXPECT_EQ(by, "intrazone-default");
}

TEST(PaloAlto, CleansUpOnlyWhatTheDeviceSees) {
  World world;
  fill(world);
  add_zones(world);
  const NamedSet* east = world.cluster().named.at("site.east");
  const NamedSet* west = world.cluster().named.at("site.west");
  world.device().flows.clear();
  world.allow("hci/storage-replica.smb", {east}, {west}, tcp(445));
  world.sees(east, west, true);
  world.option("device_group", "HCI");
  const PanConfig config(world.text());
  EXPECT_EQ(joined(config.problems()), "");
  EXPECT_TRUE(config.panorama());
  EXPECT_EQ(PanConfig::names(config.base().child("pre-rulebase").child("security").child("rules")),
            (Strings{"prod-hci-storage-replica.smb"}));
  EXPECT_EQ(PanConfig::names(config.base().child("post-rulebase").child("security").child("rules")),
            (Strings{"prod-cleanup-site.east-site.west", "prod-cleanup-site.west-site.east"}));
  const pugi::xml_node rule = config.rule("prod-cleanup-site.east-site.west");
  EXPECT_EQ(PanConfig::members(rule.child("from")), (Strings{"hci-east"}));
  EXPECT_EQ(PanConfig::members(rule.child("to")), (Strings{"hci-west"}));
  std::string by;
  config.allows({"10.1.0.11", "8.8.8.8", "", 6, 443}, device_zones, &by);
  EXPECT_EQ(by, "interzone-default");
}

TEST(PaloAlto, CleansUpOnlyTheServicesThatTheDeviceSees) {
  World world;
  world.servers("10.1.0.11");
  world.sees(world.any(), world.servers(), false, tcp(0, 65535) | icmp());
  const PanConfig config(world.text());
  EXPECT_EQ(joined(config.problems()), "");
  EXPECT_EQ(config.rules().size(), 2u);
  std::string by;
  config.allows({"10.9.9.9", "10.1.0.11", "", 17, 53}, {}, &by);
  EXPECT_EQ(by, "intrazone-default");  // both in "world"
  EXPECT_FALSE(config.allows({"10.9.9.9", "10.1.0.11", "", 6, 53}, {}));
  EXPECT_FALSE(config.allows({"10.9.9.9", "10.1.0.11", "", 1, 8}, {}));
}

TEST(PaloAlto, LeavesDefaultDenyOutWhenAsked) {
  World world;
  fill(world);
  world.option("default_deny", sema::Value{false, {}});
  const PanConfig config(world.text());
  for (const auto& rule : config.rules()) {
    EXPECT_EQ(std::string(rule.attribute("name").value()).find("cleanup"), std::string::npos);
  }
  EXPECT_NE(joined(world.messages()).find("`default_deny` is off"), std::string::npos);
}

TEST(PaloAlto, AnyOfOneFamilyIsNotAny) {
  World world;
  world.servers("10.1.0.11 fd00::1");
  NamedSet* v4 = world.literal("0.0.0.0/0");
  world.allow("main/a.v4", {v4}, {world.servers()}, tcp(1));
  const PanConfig config(world.text());
  EXPECT_EQ(PanConfig::members(config.rule("prod-main-a.v4").child("source")),
            (Strings{"hci-net-0.0.0.0_0"}));
  EXPECT_TRUE(config.allows({"9.9.9.9", "10.1.0.11", "", 6, 1}, {}));
  EXPECT_FALSE(config.allows({"2001:db8::1", "fd00::1", "", 6, 1}, {}));
}

TEST(PaloAlto, EmitsOnlyTheFamiliesThatBothEndsHave) {
  World world;
  world.servers("10.1.0.11 fd00::1");
  NamedSet* v4 = world.literal("10.9.0.1");
  NamedSet* v6 = world.literal("fd00:9::1");
  world.allow("main/a.x", {v4, v6}, {world.literal("10.1.0.11")}, tcp(1) | icmp() | icmpv6());
  const PanConfig config(world.text());
  EXPECT_EQ(PanConfig::members(config.rule("prod-main-a.x").child("source")),
            (Strings{"hci-host-10.9.0.1"}));
  EXPECT_EQ(PanConfig::members(config.rule("prod-main-a.x-icmp").child("application")),
            (Strings{"icmp", "ping"}));
  EXPECT_FALSE(config.object("address", "hci-host-fd00-9--1"));
}

// ---- what cannot be said -------------------------------------------------------

std::string refusal(World& world) {
  world.emit();
  EXPECT_TRUE(world.failed());
  return joined(world.messages());
}

TEST(PaloAlto, RefusesAWildcardOnOtherPorts) {
  World world;
  world.servers("10.1.0.11");
  NamedSet* bus = world.endpoint("hci/bus", {"*.servicebus.windows.net"});
  world.allow("hci/arc.bus", {world.servers()}, {bus}, tcp(443) | tcp(5671));
  EXPECT_NE(refusal(world).find("E0612: Palo Alto PAN-OS cannot express `hci/bus` on tcp/5671"),
            std::string::npos);
}

TEST(PaloAlto, WidensAWildcardToItsServiceTagAloud) {
  World world;
  world.servers("10.1.0.11");
  NamedSet* bus = world.endpoint("hci/bus", {"*.servicebus.windows.net"});
  bus->tag = "ServiceBus";
  bus->tag_addresses = addresses("20.0.0.0/24 20.1.0.0/24");
  world.allow("hci/arc.bus", {world.servers()}, {bus}, tcp(443) | tcp(5671));
  const Emission emission = world.emit();
  EXPECT_FALSE(world.failed());
  EXPECT_NE(joined(world.messages())
                .find("W0611: rule `hci/arc.bus` is wider on Palo Alto PAN-OS: "
                      "on tcp/5671, `hci/bus` is every address of its service "
                      "tag `ServiceBus`"),
            std::string::npos)
      << joined(world.messages());
  ASSERT_EQ(emission.remarks.size(), 1u);
  EXPECT_EQ(emission.remarks[0].code, "W0611");
  const PanConfig config(emission.artefacts[0].text);
  EXPECT_EQ(joined(config.problems()), "");
  EXPECT_TRUE(config.allows({"10.1.0.11", "20.0.0.7", "", 6, 5671}, {}));
  EXPECT_FALSE(config.allows({"10.1.0.11", "20.0.0.7", "", 6, 443}, {{"a", "10.0.0.0/8"}}));
  EXPECT_TRUE(config.allows({"10.1.0.11", "20.0.0.7", "x.servicebus.windows.net", 6, 443}, {}));
}

TEST(PaloAlto, RefusesAWildcardAsSource) {
  World world;
  world.servers("10.1.0.11");
  NamedSet* bus = world.endpoint("hci/bus", {"*.servicebus.windows.net"});
  world.allow("hci/arc.bus", {bus}, {world.servers()}, tcp(443));
  EXPECT_NE(refusal(world).find("E0612"), std::string::npos);
}

TEST(PaloAlto, RefusesNamesWithExceptions) {
  World world;
  world.servers("10.1.0.11");
  NamedSet* some = world.endpoint("some", {"*.contoso.example"});
  some->set.names = some->set.names - names({"x.contoso.example"});
  world.allow("main/a.b", {world.servers()}, {some}, tcp(443));
  NamedSet* most = &world.set(Kind::literal, "any except x.contoso.example");
  most->set = net::PeerSet::all();
  most->set.names = most->set.names - names({"x.contoso.example"});
  world.allow("main/a.c", {world.servers()}, {most}, tcp(443));
  const std::string said = refusal(world);
  EXPECT_NE(said.find("`some`: names with exceptions"), std::string::npos) << said;
  EXPECT_NE(said.find("`any except x.contoso.example`: names with"), std::string::npos) << said;
}

TEST(PaloAlto, NeedsTheAddressesOfAServiceTag) {
  World world;
  world.servers("10.1.0.11");
  NamedSet* tag = &world.set(Kind::endpoint, "hci/resource-manager");
  tag->tag = "AzureResourceManager";
  tag->set.names = net::DomainSet(NamedSet::tag_name(tag->tag));
  world.allow("main/a.b", {world.servers()}, {tag}, tcp(443));
  EXPECT_NE(refusal(world).find("E0615"), std::string::npos);

  tag->tag_addresses = addresses("20.0.0.0/24 20.1.0.0/24 2603::/40");
  const PanConfig config(world.text());
  EXPECT_FALSE(world.failed());
  EXPECT_EQ(joined(config.problems()), "");
  EXPECT_EQ(PanConfig::members(
                config.object("address-group", "hci-prod-hci-resource-manager").child("static")),
            (Strings{"hci-net-20.0.0.0_24", "hci-net-20.1.0.0_24", "hci-net-2603--_40"}));
}

TEST(PaloAlto, RefusesIcmpCodesAndMostProtocols) {
  World world;
  world.servers("10.1.0.11");
  world.allow("main/a.code", {world.any()}, {world.servers()},
              net::ServiceSet::of({{65536 + 3 * 256 + 4, 65536 + 3 * 256 + 4}}));
  world.allow("main/a.most", {world.any()}, {world.servers()}, net::ServiceSet::any() - tcp(445));
  const std::string said = refusal(world);
  EXPECT_NE(said.find("single ICMP codes"), std::string::npos) << said;
  EXPECT_NE(said.find("applications"), std::string::npos) << said;
}

TEST(PaloAlto, ChecksItsOptions) {
  const auto said = [](const std::string& option, const std::string& value) {
    World world;
    world.servers("10.1.0.11");
    world.option(option, value);
    return refusal(world);
  };
  EXPECT_NE(said("version", "8.1").find("E0611: `version` is not valid for `palo-alto`"),
            std::string::npos);
  EXPECT_NE(said("vsys", "vs1"), "");
  EXPECT_NE(said("vsys", "vsys0"), "");
  EXPECT_NE(said("device_group", "shared"), "");
  EXPECT_NE(said("device_group", std::string(32, 'x')), "");
  EXPECT_NE(said("device_group", "a\"b"), "");
  EXPECT_NE(said("log_setting", "a<b"), "");
  EXPECT_NE(said("profile_group", ""), "");
  EXPECT_NE(said("outside_zone", "multicast"), "");
  EXPECT_NE(said("outside_zone", "untrust").find("nothing without `zones`"), std::string::npos);

  World overlapping;
  overlapping.servers("10.1.0.11");
  overlapping.zones({{"a", overlapping.literal("10.0.0.0/8")},
                     {"b", overlapping.literal("10.1.0.0/16")},
                     {"any", overlapping.literal("11.0.0.0/8")},
                     {std::string(32, 'z'), overlapping.literal("12.0.0.0/8")}});
  const std::string all = refusal(overlapping);
  EXPECT_NE(all.find("`a` and `b` both hold 10.1.0.0/16"), std::string::npos) << all;
  EXPECT_NE(all.find("zone `any`"), std::string::npos) << all;
  EXPECT_NE(all.find("longer than 31"), std::string::npos) << all;

  World both;
  both.servers("10.1.0.11");
  both.option("vsys", "vsys2");
  both.option("device_group", "HCI");
  EXPECT_NE(refusal(both).find("`vsys` or `device_group`"), std::string::npos);
}

TEST(PaloAlto, TakesOptions) {
  World world;
  world.servers("10.1.0.11");
  world.option("version", "11.1");
  world.option("vsys", "vsys7");
  const std::string text = world.text();
  EXPECT_FALSE(world.failed());
  EXPECT_NE(text.find("<config version=\"11.1.0\""), std::string::npos);
  EXPECT_NE(text.find("<entry name=\"vsys7\">"), std::string::npos);
}

TEST(PaloAlto, KeepsTheFileNameLoadable) {
  World world;
  world.servers("10.1.0.11");
  world.cluster().name = "a-cluster-with-a-name-that-is-rather-long-for-a-file";
  const Emission emission = world.emit();
  EXPECT_LE(emission.artefacts.at(0).path.size(), 32u);
  EXPECT_TRUE(emission.artefacts.at(0).path.ends_with(".xml"));
  EXPECT_EQ(joined(PanConfig(emission.artefacts.at(0).text).problems()), "");
}

}  // namespace
}  // namespace hcipol::backends::palo_alto::testing
