// The azure-nsg backend: directions, address families, tags, priorities, and what is refused.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "azure_nsg_lab.h"
#include "tests/support/repository.h"

namespace hcipol::test::nsg {
namespace {

/// The rules of a template by name.
std::map<std::string, Json> rules_of(const Outcome& outcome) {
  EXPECT_FALSE(outcome.reporter.has_errors()) << outcome.messages();
  std::map<std::string, Json> out;
  if (outcome.reporter.has_errors()) return out;
  const Json template_json = Json::parse(outcome.text());
  EXPECT_EQ(template_json["resources"].size(), 1u);
  for (const Json& rule : template_json["resources"][0]["properties"]["securityRules"]) {
    EXPECT_TRUE(out.emplace(rule["name"], rule["properties"]).second) << rule["name"];
  }
  return out;
}

std::string names(const std::map<std::string, Json>& rules) {
  std::string out;
  for (const auto& [name, rule] : rules) out += name + "\n";
  return out;
}

TEST(AzureNsg, MapsEveryRuleBackAndWhatDeniesTheRestToNone) {
  Lab b;
  b.flow("hci/ad.ldap", {b.servers}, {b.dcs}, tcp(389));
  const Outcome outcome = b.emit_nsg();
  std::size_t rest = 0;
  for (const auto& [id, rule] : outcome.emission.artefacts.at(0).rules) {
    EXPECT_EQ(rule == nullptr, id.find("-deny-rest") != std::string::npos) << id;
    rest += rule == nullptr;
  }
  EXPECT_EQ(outcome.emission.artefacts.at(0).rules.size(), rules_of(outcome).size());
  EXPECT_GT(rest, 1u);
}

TEST(AzureNsg, WritesEachFlowForTheDirectionsThatMeetAServer) {
  Lab b;
  b.option("default", "azure");
  b.flow("hci/ad.ldap", {b.servers}, {b.dcs}, tcp(389) | udp(389)).title = "LDAP";
  b.flow("hci/admin.winrm", {b.management}, {b.servers}, tcp(5985, 5986));
  b.flow("hci/cluster.smb", {b.servers}, {b.servers}, tcp(445));
  const auto rules = rules_of(b.emit_nsg());
  EXPECT_EQ(names(rules),
            "in-hci-admin.winrm\n"
            "in-hci-cluster.smb\nin-hci-cluster.smb-v6\n"
            "out-hci-ad.ldap-tcp\nout-hci-ad.ldap-tcp-v6\n"
            "out-hci-ad.ldap-udp\nout-hci-ad.ldap-udp-v6\n"
            "out-hci-cluster.smb\nout-hci-cluster.smb-v6\n");
  const Json& ldap = rules.at("out-hci-ad.ldap-tcp");
  EXPECT_EQ(ldap["direction"], "Outbound");
  EXPECT_EQ(ldap["access"], "Allow");
  EXPECT_EQ(ldap["protocol"], "Tcp");
  EXPECT_EQ(ldap["sourceAddressPrefixes"].dump(), R"(["10.1.0.11","10.1.0.12"])");
  EXPECT_EQ(ldap["destinationAddressPrefix"], "10.2.0.10");
  EXPECT_EQ(ldap["destinationPortRange"], "389");
  EXPECT_EQ(ldap["sourcePortRange"], "*");
  EXPECT_EQ(ldap["description"], "hci/ad.ldap: LDAP");
  const Json& winrm = rules.at("in-hci-admin.winrm");
  EXPECT_EQ(winrm["direction"], "Inbound");
  EXPECT_EQ(winrm["sourceAddressPrefix"], "10.0.5.0/28");
  EXPECT_EQ(winrm["destinationPortRange"], "5985-5986");
}

TEST(AzureNsg, OrdersExceptionsBeforeDeniesBeforeAllowsBeforeTheRest) {
  Lab b;
  b.flow("main/a.allow", {b.management}, {b.servers}, tcp(445));
  b.flow("main/a.deny", {b.management}, {b.servers}, tcp(445), Kind::deny);
  b.flow("main/CHG1.except", {b.management}, {b.servers}, tcp(445), Kind::exception);
  const auto rules = rules_of(b.emit_nsg());
  const auto priority = [&](const std::string& name) {
    return rules.at(name)["priority"].get<int>();
  };
  EXPECT_GE(priority("in-main-CHG1.except"), 100);
  EXPECT_LT(priority("in-main-CHG1.except"), 1'000);
  EXPECT_GE(priority("in-main-a.deny"), 1'000);
  EXPECT_LT(priority("in-main-a.deny"), 2'000);
  EXPECT_GE(priority("in-main-a.allow"), 2'000);
  EXPECT_LT(priority("in-main-a.allow"), 4'000);
  EXPECT_GT(priority("in-deny-rest"), 4'000);
  EXPECT_EQ(rules.at("in-main-a.deny")["access"], "Deny");
  EXPECT_EQ(rules.at("in-deny-rest")["access"], "Deny");
  EXPECT_EQ(rules.at("in-deny-rest")["sourceAddressPrefix"], "*");
}

// "out" and "in" of one priority are two rules; within a direction each has its own.
TEST(AzureNsg, PrioritiesAreUniqueAndDoNotMove) {
  const auto priorities = [](int features) {
    Lab b;
    b.option("default", "azure");
    for (int i = 0; i < features; ++i) {
      b.flow("hci/f" + std::to_string(i) + ".x", {b.management}, {b.servers},
             tcp(static_cast<std::uint16_t>(1 + i)));
    }
    std::map<std::string, int> out;
    std::set<int> seen;
    for (const auto& [name, rule] : rules_of(b.emit_nsg())) {
      out[name] = rule["priority"];
      EXPECT_TRUE(seen.insert(out[name]).second) << name;
    }
    return out;
  };
  const auto few = priorities(200);
  const auto more = priorities(201);
  int moved = 0;
  for (const auto& [name, priority] : few) moved += more.at(name) != priority;
  EXPECT_LE(moved, 1);
}

TEST(AzureNsg, DeniesTheRestOfWhatItSeesAndNoMore) {
  Lab b;
  b.view().sees = sema::Flow{{{b.servers}}, {{b.dcs, b.servers}}, ServiceSet::any(), true};
  const auto rules = rules_of(b.emit_nsg());
  EXPECT_EQ(names(rules), "in-deny-rest\nin-deny-rest-v6\nout-deny-rest\nout-deny-rest-v6\n");
  EXPECT_EQ(rules.at("out-deny-rest")["destinationAddressPrefixes"].dump(),
            R"(["10.1.0.11","10.1.0.12","10.2.0.10"])");
  b.option("default", "azure");
  EXPECT_EQ(names(rules_of(b.emit_nsg())), "");

  Lab odd;
  odd.view().sees = sema::Flow{
      {{odd.servers}}, {{odd.dcs}}, ServiceSet::icmp_type(net::protocol::icmp, 8), false};
  EXPECT_EQ(odd.emit_nsg().count(Diag::bad_option), 1u);
}

TEST(AzureNsg, ATagStandsAlone) {
  Lab b;
  b.option("default", "azure");
  const NamedSet* storage = b.endpoint("hci/storage", {}, "Storage.WestEurope");
  const NamedSet* monitor = b.endpoint("hci/monitor", {}, "AzureMonitor");
  b.flow("hci/x.out", {b.servers}, {storage, monitor, b.dcs}, tcp(443));
  b.flow("hci/x.in", {b.endpoint("hci/lb", {}, "AzureLoadBalancer")}, {b.servers}, tcp(59999));
  const auto rules = rules_of(b.emit_nsg());
  EXPECT_EQ(rules.at("out-hci-x.out-AzureMonitor")["destinationAddressPrefix"], "AzureMonitor");
  EXPECT_EQ(rules.at("out-hci-x.out-Storage.WestEurope")["destinationAddressPrefix"],
            "Storage.WestEurope");
  EXPECT_EQ(rules.at("out-hci-x.out")["destinationAddressPrefix"], "10.2.0.10");
  EXPECT_EQ(rules.at("in-hci-x.in-AzureLoadBalancer")["sourceAddressPrefix"], "AzureLoadBalancer");
  for (const auto& [name, rule] : rules) {
    for (const char* side : {"sourceAddressPrefixes", "destinationAddressPrefixes"}) {
      for (const Json& entry : rule.value(side, Json::array())) {
        EXPECT_TRUE(net::parse_cidr(entry.get<std::string>())) << name << " " << entry;
      }
    }
  }
}

TEST(AzureNsg, NamesAreAnErrorUnlessSomethingStandsIn) {
  Lab b;
  b.flow("hci/x.name", {b.servers}, {b.endpoint("hci/his", {"gbl.his.arc.azure.com"})}, tcp(443));
  b.flow("hci/x.source", {b.endpoint("hci/clock", {"time.windows.com"})}, {b.servers}, udp(123));
  NamedSet odd;
  odd.name = "internet except one";
  odd.set = {net::internet_addresses(), net::DomainSet::all() - azure::names({"bad.example"})};
  b.flow("hci/x.odd", {b.servers}, {b.add(odd)}, tcp(443));
  const Outcome refused = b.emit_nsg();
  EXPECT_EQ(refused.count(Diag::cannot_express), 3u) << refused.messages();
  EXPECT_TRUE(refused.emission.artefacts.empty());

  Lab stands_in;
  stands_in.option("default", "azure");
  stands_in.flow("hci/x.tag", {stands_in.servers},
                 {stands_in.endpoint("hci/bus", {"*.servicebus.windows.net"}, "ServiceBus")},
                 tcp(443));
  stands_in.flow("hci/x.at", {stands_in.servers},
                 {stands_in.endpoint("hci/clock", {"time.example"}, "", {"203.0.113.7"})},
                 udp(123));
  const Outcome widened = stands_in.emit_nsg();
  EXPECT_EQ(widened.count(Diag::widened), 2u) << widened.messages();
  const auto rules = rules_of(widened);
  EXPECT_EQ(rules.at("out-hci-x.tag-ServiceBus")["destinationAddressPrefix"], "ServiceBus");
  EXPECT_EQ(rules.at("out-hci-x.at")["destinationAddressPrefix"], "203.0.113.7");

  Lab bad_tag;
  bad_tag.flow("hci/x.tag", {bad_tag.servers},
               {bad_tag.endpoint("hci/net", {}, "[resourceGroup().id]")}, tcp(443));
  EXPECT_EQ(bad_tag.emit_nsg().count(Diag::no_service_tags), 1u);
}

TEST(AzureNsg, Protocols) {
  Lab b;
  b.option("default", "azure");
  b.flow("main/a.esp", {b.servers}, {b.dcs}, ServiceSet::whole(50) | ServiceSet::whole(51));
  b.flow("main/a.any", {b.management}, {b.servers}, ServiceSet::any());
  b.flow("main/a.ping", {b.servers}, {b.dcs},
         ServiceSet::icmp_type(net::protocol::icmp, 8) |
             ServiceSet::icmp_type(net::protocol::icmpv6, 128));
  b.flow("main/a.ports", {b.management}, {b.servers}, tcp(0, 65535) | udp(0) | udp(5, 9));
  const Outcome outcome = b.emit_nsg();
  const auto rules = rules_of(outcome);
  EXPECT_EQ(rules.at("out-main-a.esp-esp")["protocol"], "Esp");
  EXPECT_EQ(rules.at("out-main-a.esp-ah-v6")["protocol"], "Ah");
  EXPECT_EQ(rules.at("in-main-a.any")["protocol"], "*");
  EXPECT_EQ(rules.at("out-main-a.ping")["protocol"], "Icmp");
  EXPECT_FALSE(rules.contains("out-main-a.ping-v6"));
  EXPECT_EQ(rules.at("in-main-a.ports-tcp")["destinationPortRange"], "*");
  EXPECT_EQ(rules.at("in-main-a.ports-udp")["destinationPortRanges"].dump(), R"(["0","5-9"])");
  EXPECT_EQ(outcome.count(Diag::widened), 1u) << outcome.messages();
  EXPECT_EQ(outcome.count(Diag::not_enforced), 1u) << outcome.messages();

  Lab other;
  other.flow("main/a.gre", {other.servers}, {other.dcs}, ServiceSet::whole(47));
  EXPECT_EQ(other.emit_nsg().count(Diag::cannot_express), 1u);
}

TEST(AzureNsg, RefusesTrafficThatItDoesNotMeet) {
  for (const bool also_servers : {false, true}) {
    Lab b;
    azure::Sets from{b.management};
    if (also_servers) from.push_back(b.servers);
    b.flow("main/a.b", from, {b.dcs}, tcp(1));
    const Outcome outcome = b.emit_nsg();
    EXPECT_EQ(outcome.count(Diag::cannot_express), 1u);
    EXPECT_NE(outcome.messages().find("between others than the servers"), std::string::npos);
  }
}

TEST(AzureNsg, Limits) {
  const auto emitted = [](std::uint64_t rules, std::uint64_t sources) {
    Lab b;
    b.option("default", "azure");
    std::vector<net::AddressRange> ranges;
    for (std::uint64_t i = 0; i < sources; ++i) {
      const net::Address address{net::Family::ipv4, 0, 0x0b000000 + 2 * i};
      ranges.push_back({address, address});
    }
    NamedSet many;
    many.name = "many";
    many.set.addresses = net::AddressSet::of(std::move(ranges));
    const NamedSet* from = b.add(std::move(many));
    for (std::uint64_t i = 0; i < rules; ++i) {
      b.flow("main/x.r" + std::to_string(i), {from}, {b.set("node.n1", {"10.1.0.11"})},
             tcp(static_cast<std::uint16_t>(i + 1)));
    }
    return b.emit_nsg();
  };
  EXPECT_FALSE(emitted(1'000, 1).reporter.has_errors());
  EXPECT_NE(emitted(1'001, 1).messages().find("1001 security rules, at most 1000"),
            std::string::npos);
  EXPECT_FALSE(emitted(1, 4'000).reporter.has_errors());
  EXPECT_NE(emitted(1, 4'001).messages().find("4001 prefixes and tags of sources, at most 4000"),
            std::string::npos);
  EXPECT_NE(emitted(2, 2'001).messages().find("4002 prefixes"), std::string::npos);
  EXPECT_NE(emitted(2'001, 1).messages().find("2000 allows have priorities"), std::string::npos);
}

TEST(AzureNsg, RefusesBadOptions) {
  const auto refused = [](const std::string& option, const char* value) {
    Lab b;
    b.option(option, value);
    return b.emit_nsg().count(Diag::bad_option);
  };
  EXPECT_EQ(refused("name", "a/b"), 1u);
  EXPECT_EQ(refused("name", "nsg-x"), 0u);
  EXPECT_EQ(refused("default", "allow"), 1u);
  EXPECT_EQ(refused("api_version", "2020-05-01"), 1u);
  EXPECT_EQ(refused("api_version", "2024-10-01"), 0u);
}

TEST(AzureNsg, HostileTextStaysText) {
  const std::string hostile =
      "[resourceGroup().id]\"'`$(x)\n\r\t\x01\x7f,{}]]>-->#>'@\xe2\x80\x98\xe2\x80\x9d\xe2\x80\xae"
      "\xff\\u0022, \"priority\": 1 [concat('a')]";
  Lab b;
  policy::Rule& rule = b.flow("[m]/x.y]", {b.management}, {b.servers}, tcp(443));
  rule.title = hostile;
  b.flow("[a/b.c]", {b.management}, {b.servers}, tcp(444));
  const Outcome outcome = b.emit_nsg();
  for (const auto& [name, one] : rules_of(outcome)) {
    const auto text = one["description"].get<std::string>();
    EXPECT_FALSE(text.starts_with("[") && text.ends_with("]") && !text.starts_with("[[")) << text;
  }
  const std::string& file = outcome.text();
  EXPECT_TRUE(std::all_of(file.begin(), file.end(),
                          [](char c) { return c == '\n' || (c >= ' ' && c < 0x7f); }));
}

TEST(AzureNsg, MicrosoftsSchemaTakesTheTemplate) {
  namespace fs = std::filesystem;
  const fs::path schemas = repository() / "../shared/schemas/azure";
  if (!fs::exists(schemas)) GTEST_SKIP() << "Microsoft's schemas are not here";
  if (!fs::exists("/usr/bin/python3")) GTEST_SKIP() << "/usr/bin/python3 is not here";
  Lab b;
  b.flow("hci/x.out", {b.servers}, {b.endpoint("hci/storage", {}, "Storage"), b.dcs},
         tcp(443) | udp(53) | ServiceSet::whole(50) | ServiceSet::whole(net::protocol::icmp));
  b.flow("hci/x.deny", {b.management}, {b.servers}, tcp(1, 9), Kind::deny);
  const fs::path folder = fs::path(testing::TempDir()) / "azure_nsg_schema";
  fs::create_directories(folder);
  std::string command = "/usr/bin/python3 '" +
                        (repository() / "tests/unit/backends/azure_firewall_schema.py").string() +
                        "' '" + schemas.string() + "'";
  for (const auto& artefact : b.emit_nsg().emission.artefacts) {
    const fs::path path = folder / artefact.path;
    std::ofstream(path) << artefact.text;
    command += " '" + path.string() + "'";
  }
  const int status = WEXITSTATUS(std::system(command.c_str()));
  if (status == 77) GTEST_SKIP() << "python3-jsonschema is not installed";
  EXPECT_EQ(status, 0);
}

TEST(AzureNsg, LongDescriptionsAreCut) {
  Lab b;
  b.flow("main/x.y", {b.management}, {b.servers}, tcp(1)).title = std::string(500, 'x');
  EXPECT_EQ(rules_of(b.emit_nsg()).at("in-main-x.y")["description"].get<std::string>().size(),
            140u);
}

}  // namespace
}  // namespace hcipol::test::nsg
