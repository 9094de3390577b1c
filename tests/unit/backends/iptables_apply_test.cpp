// apply.sh on the kernel: what it loads, takes back, keeps over a boot and removes.
#include <gtest/gtest.h>

#include "gateway_builder.h"
#include "tests/support/gateway_kernel.h"
#include "tests/support/repository.h"

namespace hcipol::test::iptables {
namespace {

using gateway::Builder;
using gateway::Folder;
using gateway::Kind;
using gateway::tcp;
using gateway::udp;
using policy::NamedSet;

class IptablesApply : public testing::TestWithParam<const char*> {};

/// Two policies of one cluster: the first knows a vendor and a name that the second does not.
void write(Builder& b, bool first, std::map<std::string, std::string>& files) {
  b.servers({"10.0.0.1", "10.0.0.2", "fd00::1"});
  const NamedSet* wac = b.set("wac", {"10.0.5.10", "fd00:5::10"});
  b.allow("a.winrm", wac, b.cluster.servers, tcp(5985, 5986));
  b.allow("a.dns", b.cluster.servers, b.set("dns", {"10.0.9.0/24", "fd00:9::/64"}), udp(53));
  if (first) {
    b.allow("b.vendor", b.set("vendor", {"203.0.113.40"}), b.cluster.servers, tcp(445));
    b.allow("b.site", b.cluster.servers, b.set("example", {"www.example.com"}), tcp(443));
    policy::Rule& rule = b.rule("c.not", Kind::deny, {b.any()}, {b.cluster.servers}, tcp(23));
    rule.log = true;
    rule.title = "a vendor's \"own\" \\ way";
  } else {
    b.allow("b.rpc", wac, b.cluster.servers, tcp(135));
  }
  for (const auto& [path, text] : b.emit()) files[(first ? "first/" : "second/") + path] = text;
}

/// Runs a script beside the files in a namespace with the variant's tools.
void run(const std::string& way, const std::string& variant, const std::string& script,
         const std::map<std::string, std::string>& files) {
  const Folder folder({});
  for (const auto& [path, text] : files) {
    const std::string name = folder.path() + "/" + path;
    std::filesystem::create_directories(std::filesystem::path(name).parent_path());
    write_file(name, text);
  }
  const std::string path = (repository() / "tests/unit/backends" / script).string();
  const auto [status, out] = folder.run("V=" + variant + " " + way + " sh " + path);
  EXPECT_EQ(status, 0) << out;
  EXPECT_EQ(out.find("not ok"), std::string::npos) << out;
  EXPECT_TRUE(out.ends_with("done\n")) << out;
}

/// A policy without names, for a gateway or for the machine 10.0.5.10, alone or beside others.
void write_table(const std::string& folder, bool host, bool own, bool more,
                 std::map<std::string, std::string>& files, const std::string& chain = "") {
  Builder b("iptables");
  if (!chain.empty()) b.option("chain", chain);
  b.servers({"10.0.0.1", "10.0.0.2", "fd00::1"});
  const NamedSet* wac = b.set("wac", {"10.0.5.10", "fd00:5::10"});
  b.allow("a.winrm", wac, b.cluster.servers, tcp(5985, 5986));
  if (more && host) b.allow("b.ssh", b.set("ops", {"10.0.9.1", "10.0.9.3"}), wac, tcp(22));
  if (more && !host)
    b.allow("b.rpc", b.set("ops", {"10.0.9.1", "10.0.9.3"}), b.cluster.servers, tcp(135));
  if (host) {
    b.option("mode", std::string("host"));
    b.view.machine = policy::Peers{{wac}};
  }
  if (own) b.option("table", std::string("own"));
  for (const auto& [path, text] : b.emit()) files[folder + "/" + path] = text;
}

TEST_P(IptablesApply, TakesTheTableAndGivesItBack) {
  const std::string way = gateway::iptables_namespace();
  if (way.empty()) GTEST_SKIP() << "no network namespace with iptables and ipset to be had";
  std::map<std::string, std::string> files;
  write_table("own", false, true, false, files);
  write_table("next", false, true, true, files);
  write_table("gateway", false, false, true, files);
  write_table("host", true, false, true, files);
  write_table("alone", true, true, true, files);
  write_table("other", false, false, true, files, "HCI-other");
  write_table("site", true, false, true, files, "HCI-other");
  run(way + " -m", GetParam(), "iptables_apply_table.sh", files);
}

TEST_P(IptablesApply, LoadsTakesBackKeepsAndRemoves) {
  const std::string way = gateway::iptables_namespace();
  if (way.empty()) GTEST_SKIP() << "no network namespace with iptables and ipset to be had";
  std::map<std::string, std::string> files;
  Builder first("iptables"), second("iptables");
  write(first, true, files);
  write(second, false, files);
  run(way, GetParam(), "iptables_apply.sh", files);
}

INSTANTIATE_TEST_SUITE_P(Variants, IptablesApply, testing::Values("nft", "legacy"));

}  // namespace
}  // namespace hcipol::test::iptables
