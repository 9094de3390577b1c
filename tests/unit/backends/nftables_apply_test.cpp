// apply.sh on the kernel: what it loads, takes back, keeps over a boot and removes; and that a
// change of policy loses no packet.
#include <gtest/gtest.h>

#include "gateway_builder.h"
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

/// Two policies of one cluster: the first knows a vendor and a name that the second does not.
std::map<std::string, std::string> policy_files(bool first) {
  Builder b("nftables");
  b.servers({"10.0.0.1", "10.0.0.2", "fd00::1"});
  const NamedSet* wac = b.set("wac", {"10.0.5.10", "fd00:5::10"});
  b.allow("a.dns", b.cluster.servers, b.set("dns", {"10.0.9.0/24", "fd00:9::/64"}), udp(53));
  if (first) {
    b.allow("a.winrm", wac, b.cluster.servers, tcp(5985, 5986));
    b.allow("b.vendor", b.set("vendor", {"203.0.113.40"}), b.cluster.servers, tcp(445));
    b.allow("b.site", b.cluster.servers, b.set("example", {"www.example.com"}), tcp(443));
    policy::Rule& rule = b.rule("c.not", Kind::deny, {b.any()}, {b.cluster.servers}, tcp(23));
    rule.log = true;
    rule.title = "a vendor's \"own\" \\ way";
  } else {
    b.allow("b.rpc", b.set("others", {"10.0.6.0/24"}), b.cluster.servers, tcp(135));
  }
  return b.emit();
}

/// The cluster's table on a machine that administers it.
std::map<std::string, std::string> machine_files() {
  Builder b("nftables");
  b.servers({"10.0.0.1", "10.0.0.2", "fd00::1"});
  const NamedSet* wac = b.set("wac", {"10.0.5.10", "fd00:5::10"});
  b.view.machine = policy::Peers{{wac}};
  b.option("mode", std::string("host"));
  b.allow("a.winrm", wac, b.cluster.servers, tcp(5985, 5986));
  b.allow("b.ssh", b.set("ops", {"10.0.6.0/24", "fd00:6::/64"}), wac, tcp(22));
  return b.emit();
}

TEST(NftablesApply, LoadsTakesBackKeepsAndRemoves) {
  const std::string way = gateway::nftables_namespace();
  if (way.empty()) GTEST_SKIP() << "no network namespace with nft to be had";
  const Folder folder({});
  for (const bool first : {true, false}) {
    const std::string below = folder.path() + (first ? "/first/" : "/second/");
    std::filesystem::create_directories(below);
    for (const auto& [path, text] : policy_files(first)) write_file(below + path, text);
  }
  std::filesystem::create_directories(folder.path() + "/host/");
  for (const auto& [path, text] : machine_files())
    write_file(folder.path() + "/host/" + path, text);
  const std::string script = (repository() / "tests/unit/backends/nftables_apply.sh").string();
  const auto [status, out] = folder.run(way + " sh " + script);
  EXPECT_EQ(status, 0) << out;
  EXPECT_EQ(out.find("not ok"), std::string::npos) << out;
  EXPECT_TRUE(out.ends_with("done\n")) << out;
}

}  // namespace
}  // namespace hcipol::test::nftables
