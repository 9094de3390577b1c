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
    b.rule("c.not", Kind::deny, {b.any()}, {b.cluster.servers}, tcp(23)).log = true;
  } else {
    b.allow("b.rpc", wac, b.cluster.servers, tcp(135));
  }
  for (const auto& [path, text] : b.emit()) files[(first ? "first/" : "second/") + path] = text;
}

TEST_P(IptablesApply, LoadsTakesBackKeepsAndRemoves) {
  const std::string way = gateway::iptables_namespace();
  if (way.empty()) GTEST_SKIP() << "no network namespace with iptables and ipset to be had";
  std::map<std::string, std::string> files;
  Builder first("iptables"), second("iptables");
  write(first, true, files);
  write(second, false, files);
  const Folder folder({});
  for (const auto& [path, text] : files) {
    const std::string name = folder.path() + "/" + path;
    std::filesystem::create_directories(std::filesystem::path(name).parent_path());
    write_file(name, text);
  }
  const std::string script = (repository() / "tests/unit/backends/iptables_apply.sh").string();
  const auto [status, out] =
      folder.run(std::string("V=") + GetParam() + " " + way + " sh " + script);
  EXPECT_EQ(status, 0) << out;
  EXPECT_EQ(out.find("not ok"), std::string::npos) << out;
  EXPECT_TRUE(out.ends_with("done\n")) << out;
}

INSTANTIATE_TEST_SUITE_P(Variants, IptablesApply, testing::Values("nft", "legacy"));

}  // namespace
}  // namespace hcipol::test::iptables
