// One machine's own table, and its page.
#include <gtest/gtest.h>

#include "gateway_machine.h"
#include "nftables_reader.h"
#include "tests/support/gateway_kernel.h"
#include "tests/support/repository.h"

namespace hcipol::test::nftables {
namespace {

using gateway::Builder;
using gateway::Folder;
using gateway::Kind;
using gateway::tcp;
using gateway::udp;
using policy::NamedSet;

class NftablesMachine : public gateway::Machine {
 protected:
  NftablesMachine() : Machine("nftables") {}

  /// The chains with their rules.
  std::string chains() {
    const std::string text = files().at("ruleset.nft");
    return text.substr(text.rfind("\n  chain input {") + 1);
  }
};

TEST_F(NftablesMachine, WhatItReceivesAndSendsAsWritten) {
  const std::string text = files().at("ruleset.nft");
  for (const char* line :
       {"  chain input { type filter hook input priority filter; policy accept; }\n",
        "  chain output { type filter hook output priority filter; policy accept; }\n",
        "      10.9.1.0/24 : jump in.allow.ops,\n",
        "      10.9.0.7 . tcp . 22 comment \"ops/ssh\" : accept,\n",
        "      10.9.0.7 . 10.9.2.53 . udp . 53 comment \"ops/dns\" : accept,\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line;
  }
  EXPECT_EQ(chains(), R"(  chain input {
    iifname "lo" return
    ip daddr 10.9.0.7 goto in.ours
    ip6 daddr fd09::7 goto in.ours
  }
  chain in.ours {
    ct state established,related accept
    ct state invalid drop
    icmpv6 type 133-136 ip6 hoplimit 255 accept
    jump in.allow
    goto denied
  }
  chain in.allow {
    ip saddr vmap @in.allow.from4-24
  }
  chain in.allow.ops {
    ip daddr . meta l4proto . th dport vmap @in.allow.ops.to4
  }
  chain output {
    oifname "lo" return
    ip saddr 10.9.0.7 goto out.ours
    ip6 saddr fd09::7 goto out.ours
  }
  chain out.ours {
    ct state established,related accept
    ct state invalid drop
    icmpv6 type 133-136 ip6 hoplimit 255 accept
    jump out.allow
    goto denied
  }
  chain out.allow {
    ip saddr . ip daddr . meta l4proto . th dport vmap @out.allow.pairs4
    ip6 saddr . ip6 daddr . meta l4proto . th dport vmap @out.allow.pairs6
    ip saddr vmap @out.allow.from4-32
  }
  chain out.allow.jump {
    tcp dport 5985-5986 ip daddr @v4.servers accept comment "hci/winrm"
  }
  chain denied {
    limit rate 10/minute burst 20 packets log prefix "HCI-prod denied" group 5
    meta l4proto tcp reject with tcp reset
    reject with icmpx admin-prohibited
  }
}
)");
  EXPECT_TRUE(b.reports().empty()) << b.reports().front();
}

TEST_F(NftablesMachine, WhatItSeesIsWhatItDenies) {
  b.sees({jump}, {b.any()}, true);
  const std::string both = chains();
  b.sees({jump}, {b.any()}, false);
  b.device.flows.clear();
  const std::string out = chains();
  EXPECT_NE(both.find("    jump in.allow\n    goto denied\n"), std::string::npos) << both;
  EXPECT_NE(both.find("    jump out.allow\n    goto denied\n"), std::string::npos) << both;
  EXPECT_NE(out.find("accept\n    goto denied\n"), std::string::npos) << out;
  EXPECT_NE(out.find("hoplimit 255 accept\n    ip saddr 10.9.0.7 goto denied\n"), std::string::npos)
      << out;
}

TEST_F(NftablesMachine, AFamilyThatItHasNotIsLeftAlone) {
  b.view.machine = policy::Peers{{b.set("four", {"10.9.0.7"})}};
  b.device.flows.clear();
  const std::string text = files().at("ruleset.nft");
  EXPECT_NE(text.find("# The policy gives the machine no IPv6 address: its traffic there is not "
                      "filtered here.\n"),
            std::string::npos);
  EXPECT_EQ(text.substr(text.find("\ntable ")).find("ip6"), std::string::npos);
}

TEST_F(NftablesMachine, NamesAreThoseThatItsOwnResolverHandsOut) {
  b.allow("x", jump, b.set("portal", {"portal.example", "*.portal.example"}), tcp(443));
  const auto all = files();
  EXPECT_NE(all.at("dnsmasq.conf")
                .find("nftset=/portal.example/4#inet#HCI-prod#dns4.portal,6#inet#HCI-prod#dns6."),
            std::string::npos)
      << all.at("dnsmasq.conf");
  ASSERT_EQ(b.reports().size(), 1U);
  EXPECT_NE(b.reports().front().find("the machine's dnsmasq hands out"), std::string::npos);
  EXPECT_NE(b.reports().front().find("the machine must ask no other resolver"), std::string::npos);
  b.option("names", std::string("refuse"));
  b.emit();
  EXPECT_EQ(b.reports().front().substr(0, 5), "E0612");
}

TEST_F(NftablesMachine, WhoseTableItIsMustBeSaid) {
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

TEST_F(NftablesMachine, TheKernelLetsNeighboursAndItselfPass) {
  const std::string way = gateway::nftables_namespace();
  if (way.empty()) GTEST_SKIP() << "no network namespace with nft to be had";
  b.allow("hci/udp", b.set("ops6", {"fd09:1::/64"}), jump, udp(7));
  const Folder folder(files());
  folder.write("load.sh",
               "PATH=$PATH:/usr/sbin:/sbin\nset -e\nnft -c -f ruleset.nft\nnft -f ruleset.nft\n"
               "nft list ruleset > once\nnft -f ruleset.nft\nnft list ruleset > twice\n"
               "cmp once twice\nnft -n -j list ruleset > ruleset.json\n");
  const auto [status, out] = folder.run(way + " sh load.sh");
  ASSERT_EQ(status, 0) << out;
  const RulesetReader table(folder.text("ruleset.json"), "HCI-prod");
  const auto verdict = [&](const char* from, const char* to, unsigned type, unsigned hops,
                           const char* hook) {
    const ProbePacket packet{*net::parse_address(from),
                             *net::parse_address(to),
                             58,
                             type * 256,
                             "UNTRACKED",
                             hops,
                             {},
                             {}};
    return table.verdict(packet, hook);
  };
  for (const unsigned type : {133U, 134U, 135U, 136U}) {
    EXPECT_EQ(verdict("fd09::8", "fd09::7", type, 255, "input"), "ACCEPT");
    EXPECT_EQ(verdict("fd09::7", "ff02::1:ff00:8", type, 255, "output"), "ACCEPT");
    EXPECT_EQ(verdict("fd09::8", "fd09::7", type, 254, "input"), "REJECT") << "from a router";
    EXPECT_EQ(verdict("fe80::1", "ff02::1", type, 255, "input"), "") << "not the machine's";
  }
  EXPECT_EQ(verdict("fd09::8", "fd09::7", 137, 255, "input"), "REJECT") << "a redirect";
  ProbePacket itself{
      *net::parse_address("fd09::7"), *net::parse_address("fd09::7"), 6, 8080, "NEW", 64, "lo", ""};
  EXPECT_EQ(table.verdict(itself, "input"), "");
  std::swap(itself.in_interface, itself.out_interface);
  EXPECT_EQ(table.verdict(itself, "output"), "");
  itself.out_interface = "eth0";
  EXPECT_EQ(table.verdict(itself, "output"), "REJECT");
}

TEST(NftablesPage, NamesEveryOptionFileAndCommand) {
  const std::string page =
      files_below("backends/nftables", {"README.md"}).at("backends/nftables/README.md");
  for (const auto& option : backends::find("nftables")->options) {
    EXPECT_NE(page.find("`" + std::string(option.name) + "`"), std::string::npos) << option.name;
  }
  for (const char* command : {"check", "apply", "confirm", "status", "persist", "remove"}) {
    EXPECT_NE(page.find(std::string("apply.sh ") + command), std::string::npos) << command;
  }
  for (const char* file : {"ruleset.nft", "dnsmasq.conf", "dnsmasq-cache.conf", "apply.sh"}) {
    EXPECT_NE(page.find("`" + std::string(file) + "`"), std::string::npos) << file;
  }
}

}  // namespace
}  // namespace hcipol::test::nftables
