// One machine's own firewall, and tables that are the policy's alone.
#include <gtest/gtest.h>

#include "gateway_machine.h"
#include "iptables_reader.h"
#include "tests/support/emitted.h"
#include "tests/support/random_policy.h"
#include "tests/support/repository.h"

namespace hcipol::test::iptables {
namespace {

using gateway::Builder;
using gateway::Kind;
using gateway::ProbePacket;
using gateway::tcp;
using gateway::udp;
using policy::NamedSet;

class IptablesMachine : public gateway::Machine {
 protected:
  IptablesMachine() : Machine("iptables") {}

  static std::string table(const std::string& text) { return text.substr(text.find("*filter\n")); }
};

TEST_F(IptablesMachine, WhatItReceivesAndSendsAsWritten) {
  const auto all = files();
  EXPECT_EQ(table(all.at("rules.v4")), R"(*filter
:HCI-prod.in - [0:0]
:HCI-prod.i.ours - [0:0]
:HCI-prod.i.flows - [0:0]
:HCI-prod.i.ops - [0:0]
:HCI-prod.i.denied - [0:0]
:HCI-prod.out - [0:0]
:HCI-prod.o.ours - [0:0]
:HCI-prod.o.flows - [0:0]
:HCI-prod.o.jump - [0:0]
:HCI-prod.o.denied - [0:0]
-A HCI-prod.in -i lo -j RETURN
-A HCI-prod.in -d 10.9.0.7 -g HCI-prod.i.ours
-A HCI-prod.i.ours -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A HCI-prod.i.ours -m conntrack --ctstate INVALID -j DROP
-A HCI-prod.i.ours -j HCI-prod.i.flows
-A HCI-prod.i.ours -g HCI-prod.i.denied
-A HCI-prod.i.flows -s 10.9.1.0/24 -j HCI-prod.i.ops
-A HCI-prod.i.ops -d 10.9.0.7 -p tcp -m tcp --dport 22 -m comment --comment "ops/ssh" -j ACCEPT
-A HCI-prod.i.denied -m limit --limit 10/min --limit-burst 20 -j NFLOG --nflog-prefix "HCI-prod denied" --nflog-group 5
-A HCI-prod.i.denied -p tcp -j REJECT --reject-with tcp-reset
-A HCI-prod.i.denied -j REJECT --reject-with icmp-admin-prohibited
-A HCI-prod.out -o lo -j RETURN
-A HCI-prod.out -s 10.9.0.7 -g HCI-prod.o.ours
-A HCI-prod.o.ours -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A HCI-prod.o.ours -m conntrack --ctstate INVALID -j DROP
-A HCI-prod.o.ours -j HCI-prod.o.flows
-A HCI-prod.o.ours -g HCI-prod.o.denied
-A HCI-prod.o.flows -s 10.9.0.7 -j HCI-prod.o.jump
-A HCI-prod.o.jump -p tcp -m tcp --dport 5985:5986 -m set --match-set HCI-prod.servers-v4 dst -m comment --comment "hci/winrm" -j ACCEPT
-A HCI-prod.o.jump -d 10.9.2.53 -p udp -m multiport --dports 53 -m comment --comment "ops/dns" -j ACCEPT
-A HCI-prod.o.denied -m limit --limit 10/min --limit-burst 20 -j NFLOG --nflog-prefix "HCI-prod denied" --nflog-group 5
-A HCI-prod.o.denied -p tcp -j REJECT --reject-with tcp-reset
-A HCI-prod.o.denied -j REJECT --reject-with icmp-admin-prohibited
COMMIT
)");
  EXPECT_NE(
      all.at("apply.sh").find("hooks='INPUT:HCI-prod.in OUTPUT:HCI-prod.out'\ntable=shared\n"),
      std::string::npos);
  EXPECT_TRUE(b.reports().empty()) << b.reports().front();
}

TEST_F(IptablesMachine, AFamilyThatItHasNotIsLeftAlone) {
  b.view.machine = policy::Peers{{b.set("four", {"10.9.0.7"})}};
  b.device.flows.clear();
  EXPECT_EQ(table(files().at("rules.v6")),
            "*filter\n:HCI-prod.in - [0:0]\n:HCI-prod.out - [0:0]\nCOMMIT\n");
}

TEST_F(IptablesMachine, OfTheWholeTableNothingIsLeftToOthers) {
  b.option("table", std::string("own"));
  const auto all = files();
  const std::string v6 = table(all.at("rules.v6"));
  EXPECT_EQ(v6.substr(0, v6.find("-A HCI-prod.i.")), R"(*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT DROP [0:0]
:HCI-prod.in - [0:0]
:HCI-prod.i.denied - [0:0]
:HCI-prod.out - [0:0]
:HCI-prod.o.flows - [0:0]
:HCI-prod.o.jump - [0:0]
:HCI-prod.o.denied - [0:0]
-A INPUT -j HCI-prod.in
-A OUTPUT -j HCI-prod.out
-A HCI-prod.in -i lo -j ACCEPT
-A HCI-prod.in -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A HCI-prod.in -m conntrack --ctstate INVALID -j DROP
-A HCI-prod.in -p ipv6-icmp -m icmp6 --icmpv6-type 133 -m hl --hl-eq 255 -j ACCEPT
-A HCI-prod.in -p ipv6-icmp -m icmp6 --icmpv6-type 134 -m hl --hl-eq 255 -j ACCEPT
-A HCI-prod.in -p ipv6-icmp -m icmp6 --icmpv6-type 135 -m hl --hl-eq 255 -j ACCEPT
-A HCI-prod.in -p ipv6-icmp -m icmp6 --icmpv6-type 136 -m hl --hl-eq 255 -j ACCEPT
-A HCI-prod.in -p ipv6-icmp -m icmp6 --icmpv6-type 130 -m conntrack --ctstate UNTRACKED -j ACCEPT
-A HCI-prod.in -p ipv6-icmp -m icmp6 --icmpv6-type 131 -m conntrack --ctstate UNTRACKED -j ACCEPT
-A HCI-prod.in -p ipv6-icmp -m icmp6 --icmpv6-type 132 -m conntrack --ctstate UNTRACKED -j ACCEPT
-A HCI-prod.in -p ipv6-icmp -m icmp6 --icmpv6-type 143 -m conntrack --ctstate UNTRACKED -j ACCEPT
-A HCI-prod.in -g HCI-prod.i.denied
)");
  ASSERT_EQ(b.reports().size(), 1U);
  EXPECT_EQ(b.reports().front(),
            "W0615 iptables: table = \"own\": all other rules of the filter table go, what nothing "
            "allows is denied to everyone, and nothing is forwarded");
}

TEST(IptablesOwnTable, AGatewayForwardsWhatIsAllowedAndNothingElse) {
  Builder b("iptables");
  b.servers({"10.0.0.1"});
  b.option("table", std::string("own"));
  b.option("default", std::string("drop"));
  b.allow("hci/winrm", b.set("wac", {"10.9.0.7"}), b.cluster.servers, tcp(5985));
  const std::string v4 = b.emit().at("rules.v4");
  EXPECT_EQ(v4.substr(v4.find("*filter")), R"(*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:HCI-prod - [0:0]
:HCI-prod.flows - [0:0]
:HCI-prod.wac - [0:0]
:HCI-prod.denied - [0:0]
-A FORWARD -j HCI-prod
-A HCI-prod -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A HCI-prod -m conntrack --ctstate INVALID -j DROP
-A HCI-prod -j HCI-prod.flows
-A HCI-prod -g HCI-prod.denied
-A HCI-prod.flows -s 10.9.0.7 -j HCI-prod.wac
-A HCI-prod.wac -d 10.0.0.1 -p tcp -m tcp --dport 5985 -m comment --comment "hci/winrm" -j ACCEPT
-A HCI-prod.denied -m limit --limit 10/min --limit-burst 20 -j NFLOG --nflog-prefix "HCI-prod denied" --nflog-group 5
-A HCI-prod.denied -j DROP
COMMIT
)");
  EXPECT_EQ(v4.find("--noflush"), std::string::npos) << "how to load it by hand";
  ASSERT_EQ(b.reports().size(), 1U);
  EXPECT_NE(b.reports().front().find("what the gateway itself receives and sends is let through"),
            std::string::npos);
}

TEST_F(IptablesMachine, NeighboursAndListenersAndItselfPass) {
  for (const std::string table : {"shared", "own"}) {
    b.option("table", table);
    auto all = files();
    RulesReader v6;
    v6.read(all["rules.v6"]);
    SetReader sets;
    sets.read(all["ipset"]);
    const auto verdict = [&](const char* from, const char* to, unsigned type, unsigned hops,
                             bool in) {
      const ProbePacket packet{*net::parse_address(from),
                               *net::parse_address(to),
                               58,
                               type * 256,
                               "UNTRACKED",
                               hops,
                               {},
                               {}};
      return v6.verdict(in ? "HCI-prod.in" : "HCI-prod.out", packet, sets);
    };
    const std::string unknown = table == "own" ? "REJECT" : "";
    for (const unsigned type : {133U, 134U, 135U, 136U}) {
      EXPECT_EQ(verdict("fd09::8", "fd09::7", type, 255, true), "ACCEPT");
      EXPECT_EQ(verdict("fd09::7", "ff02::1:ff00:8", type, 255, false), "ACCEPT");
      EXPECT_EQ(verdict("fd09::8", "fd09::7", type, 254, true), "REJECT") << "from a router";
      EXPECT_EQ(verdict("fe80::1", "ff02::1", type, 255, true), table == "own" ? "ACCEPT" : "");
    }
    for (const unsigned type : {130U, 131U, 132U, 143U}) {
      EXPECT_EQ(verdict("fe80::1", "ff02::16", type, 1, true), table == "own" ? "ACCEPT" : "");
    }
    EXPECT_EQ(verdict("fe80::1", "ff02::1", 137, 255, true), unknown) << "a redirect";
    ProbePacket itself{*net::parse_address("fd09::7"),
                       *net::parse_address("fd09::7"),
                       6,
                       8080,
                       "NEW",
                       64,
                       "lo",
                       ""};
    EXPECT_EQ(v6.verdict("HCI-prod.in", itself, sets), table == "own" ? "ACCEPT" : "");
    std::swap(itself.in_interface, itself.out_interface);
    EXPECT_EQ(v6.verdict("HCI-prod.out", itself, sets), table == "own" ? "ACCEPT" : "");
  }
}

TEST_F(IptablesMachine, LongNamesFitWithTheWayBeforeThem) {
  b.option("chain", std::string("abcdefghijklmnop"));
  b.allow("x", b.set("a name that is longer than any label", {"10.9.3.0/24", "10.9.5.0/24"}), jump,
          tcp(1));
  for (const auto& [path, text] : files()) {
    if (!path.starts_with("rules.")) continue;
    RulesReader reader;
    reader.read(text);  // throws for a chain's name that is too long
  }
}

TEST(IptablesPage, NamesEveryOptionFileAndCommand) {
  const std::string page =
      files_below("backends/iptables", {"README.md"}).at("backends/iptables/README.md");
  for (const auto& option : backends::find("iptables")->options) {
    EXPECT_NE(page.find("`" + std::string(option.name) + "`"), std::string::npos) << option.name;
  }
  for (const char* command : {"check", "apply", "confirm", "status", "persist", "remove"}) {
    EXPECT_NE(page.find(std::string("apply.sh ") + command), std::string::npos) << command;
  }
  for (const char* file : {"rules.v4", "rules.v6", "ipset", "dnsmasq.conf", "dnsmasq-cache.conf"}) {
    EXPECT_NE(page.find("`" + std::string(file) + "`"), std::string::npos) << file;
  }
}

TEST_F(IptablesMachine, OptionsAreChecked) {
  struct Case {
    const char* option;
    const char* value;
    const char* says;
  };
  const std::vector<Case> cases{
      {"mode", "hosts", "E0611 `hosts` is not valid for `mode`: it is one of gateway and host"},
      {"mode", "gateway", "E0611 `jump` is not valid for `host`: it is for mode = \"host\""},
      {"table", "mine", "E0611 `mine` is not valid for `table`: it is one of shared and own"}};
  for (const Case& one : cases) {
    b.option(one.option, std::string(one.value));
    b.emit();
    ASSERT_FALSE(b.reports().empty()) << one.says;
    EXPECT_EQ(b.reports().front(), one.says);
    b.view.options.erase(one.option);
    b.option("mode", std::string("host"));
  }
  b.option("table", std::string("own"));
  b.option("default", std::string("return"));
  b.emit();
  EXPECT_EQ(b.reports().front(),
            "E0611 `return` is not valid for `default`: with table = \"own\" there are no other "
            "rules to return to");
  b.view.options.erase("table");
  b.view.options.erase("default");

  b.view.machine.reset();
  b.emit();
  EXPECT_EQ(
      b.reports().front(),
      "E0611 `host` is not valid for `mode`: it needs the addresses of the machine: host = …");
  b.view.machine = policy::Peers{{jump}};
  b.sees({b.any()}, {b.cluster.servers}, false);
  b.emit();
  EXPECT_EQ(
      b.reports().front(),
      "E0611 `any -> servers` is not valid for `sees`: in mode = \"host\" the machine is at one "
      "end of it");
}

// ---- random policies, compiled whole, against a second opinion on the policy and another reader

struct OwnTarget {
  const char* folder;
  const char* text;
  bool all_servers;  ///< the machine is both nodes, or n1
  bool own;
  const char* refusal;
};

const std::vector<OwnTarget>& own_targets() {
  static const std::vector<OwnTarget> all{
      {"iptables-all", "target \"iptables\" \"all\" {\n  mode = \"host\"\n  host = servers\n}\n",
       true, false, "REJECT"},
      {"iptables-one",
       "target \"iptables\" \"one\" {\n  mode    = \"host\"\n  host    = node.n1\n  default = "
       "\"drop\"\n}\n",
       false, false, "DROP"},
      {"iptables-own",
       "target \"iptables\" \"own\" {\n  mode  = \"host\"\n  host  = node.n1\n  table = "
       "\"own\"\n}\n",
       false, true, "REJECT"},
  };
  return all;
}

bool possible(const ProbePacket& packet) {
  const bool v6 = packet.from.family == net::Family::ipv6;
  return packet.protocol != (v6 ? 1U : 58U);
}

TEST(IptablesMachineSemantics, EachWayPassesWhatThePolicyAllows) {
  std::string targets;
  for (const OwnTarget& one : own_targets()) targets += one.text;
  std::mt19937 random(11);
  unsigned checked = 0;
  std::map<std::string, unsigned> verdicts;
  for (int round = 0; round < (sanitized ? 4 : 25); ++round) {
    test::RandomPolicy policy = test::random_policy(random, 6);
    const std::string text = policy.text() + targets;
    EmittedPolicy compiled({{"main.hcipol", text}}, ".");
    const net::AddressSet n1 = [&] {
      for (const Emitted& one : compiled.devices()) {
        if (one.name == "c iptables-one")
          return one.device->cluster->nodes.front()->set->set.addresses;
      }
      return net::AddressSet();
    }();
    ASSERT_FALSE(n1.empty()) << text;
    const Marks allowed = policy.allowed();
    for (const OwnTarget& target : own_targets()) {
      const auto found = std::find_if(
          compiled.devices().begin(), compiled.devices().end(),
          [&](const Emitted& one) { return one.name == "c " + std::string(target.folder); });
      ASSERT_NE(found, compiled.devices().end());
      if (found->refused) continue;
      std::map<std::string, std::string> all;
      for (const auto& artefact : found->emission.artefacts) all[artefact.path] = artefact.text;
      RulesReader v4, v6;
      v4.read(all["rules.v4"]);
      v6.read(all["rules.v6"]);
      SetReader sets;
      sets.read(all["ipset"]);
      for (std::size_t i = 0; i < allowed.size(); ++i) {
        const net::Packet& packet = packets()[i];
        const auto* from = std::get_if<net::Address>(&packet.from);
        const auto* to = std::get_if<net::Address>(&packet.to);
        if (from == nullptr || to == nullptr || from->family != to->family) continue;
        const ProbePacket probe{*from, *to, packet.service >> 16, packet.service & 65535, "NEW", 64,
                                {},    {}};
        if (!possible(probe)) continue;
        for (const bool in : {true, false}) {
          const net::Address& own = in ? *to : *from;
          const bool its = target.all_servers ? is_server(net::Endpoint(own)) : n1.contains(own);
          std::string expected = its || target.own ? target.refusal : "";
          if (its && allowed[i] != 0) expected = "ACCEPT";
          const std::string chain = in ? "HCI-c.in" : "HCI-c.out";
          const auto& rules = from->family == net::Family::ipv4 ? v4 : v6;
          const std::string verdict = rules.verdict(chain, probe, sets);
          ASSERT_EQ(verdict, expected)
              << target.folder << (in ? " receives " : " sends ") << net::to_string(*from) << " -> "
              << net::to_string(*to) << " on " << probe.protocol << "/" << probe.detail << "\n"
              << text << all["rules.v4"] << all["rules.v6"] << all["ipset"];
          ++checked;
          ++verdicts[verdict];
        }
      }
    }
  }
  EXPECT_GT(checked, sanitized ? 500U : 10'000U);
  for (const char* verdict : {"ACCEPT", "DROP", "REJECT", ""}) EXPECT_GT(verdicts[verdict], 50U);
}

}  // namespace
}  // namespace hcipol::test::iptables
