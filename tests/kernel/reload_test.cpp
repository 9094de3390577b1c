// A gateway at work gets another policy by apply.sh, to and fro, while packets that both policies
// allow go through it.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "tests/kernel/judge.h"
#include "tests/support/gateway_kernel.h"
#include "tests/unit/backends/gateway_builder.h"

namespace hcipol::test::kernel {
namespace {

using gateway::Builder;
using gateway::tcp;
using gateway::udp;

/// Both know the first server's name service; each of them has more of its own.
Files policy_of(const Loader& loader, bool first) {
  Builder b(loader.backend);
  b.servers({"10.0.0.1", "10.0.0.2", "fd00::1"});
  b.allow("a.dns", b.cluster.servers, b.set("dns", {"10.0.9.0/24", "10.0.11.0/24", "fd00:9::/64"}),
          udp(53));
  b.allow("a.site", b.cluster.servers, b.set("site", {"www.example.com"}), tcp(443));
  if (first) {
    b.allow("b.vendor", b.set("vendor", {"203.0.113.40", "203.0.113.44"}), b.cluster.servers,
            tcp(445));
  } else {
    b.allow("b.rpc", b.set("wac", {"10.0.6.0/24"}), b.cluster.servers, tcp(135));
  }
  return b.emit();
}

/// Tools of one variant come first on the path.
std::string tools(const Loader& loader) {
  if (*loader.variant == '\0') return "";
  return std::string(
             "mkdir tools\nfor t in iptables ip6tables; do for p in '' -save -restore; do\n") +
         "ln -s $(command -v $t-" + loader.variant + "$p) tools/$t$p; done; done\n" +
         "export PATH=$PWD/tools:$PATH XTABLES_LOCKFILE=$PWD/lock\n";
}

constexpr std::size_t most_shown = 20;  ///< of lost packets

/// How often each rule that refuses has been met, of chains that reloads leave as they are. Rules
/// of nftables are not counted.
std::string refusals(const GatewayLab& lab, const std::string& folder) {
  return lab
      .run("cd " + folder +
           "/tools && for t in ./iptables ./ip6tables; do XTABLES_LOCKFILE=../lock $t-save -c -t "
           "filter | grep -E -e '-j (DROP|REJECT)'; done")
      .second;
}

class KernelReload : public testing::TestWithParam<Loader> {};

TEST_P(KernelReload, LosesNoPacketAndNoLearntAddress) {
  if (!Judge::missing().empty()) GTEST_SKIP() << Judge::missing();
  GatewayLab lab;
  const gateway::Folder folder({});
  for (const bool first : {true, false}) {
    const std::string below = folder.path() + (first ? "/first" : "/second");
    std::filesystem::create_directories(below);
    for (const auto& [path, text] : policy_of(GetParam(), first)) {
      folder.write((first ? "first/" : "second/") + path, text);
    }
  }
  const std::string head = "cd " + folder.path() + "\nset -e\nexport HCIPOLC_ROOT=$PWD/root\n" +
                           tools(GetParam()) + "mkdir -p root/etc/dnsmasq.d\n";
  const bool iptables = std::string_view(GetParam().backend) == "iptables";
  const std::string learn = iptables
                                ? "ipset add HCI-prod.site-dns4 20.190.128.9\n"
                                : "nft add element inet HCI-prod dns4.site '{ 20.190.128.9 }'\n";
  const auto [status, out] = lab.run(head + "sh first/apply.sh apply --yes\n" + learn);
  ASSERT_EQ(status, 0) << out;
  folder.write("work.sh",
               "PATH=$PATH:/usr/sbin:/sbin\n" + head.substr(0, head.find("mkdir tools")) +
                   (iptables ? "export PATH=$PWD/tools:$PATH XTABLES_LOCKFILE=$PWD/lock\n" : "") +
                   "for i in 1 2 3 4; do\n  sh second/apply.sh apply --yes\n"
                   "  sh first/apply.sh apply --yes\ndone\n");
  const auto at = [](const char* text) { return net::parse_address(text).value(); };
  std::vector<GatewayLab::Probe> probes;
  for (int i = 0; i < 200; ++i) {
    probes.push_back({at("10.0.0.1"), at("10.0.9.7"), 17U << 16 | 53});
    probes.push_back({at("10.0.0.2"), at("10.0.11.7"), 17U << 16 | 53});
    probes.push_back({at("fd00::1"), at("fd00:9::7"), 17U << 16 | 53});
    probes.push_back({at("10.0.0.1"), at("20.190.128.9"), 6U << 16 | 443});
  }
  lab.watch();
  lab.start({"sh", folder.path() + "/work.sh"});
  std::size_t sent = 0, lost = 0;
  std::string which;
  std::optional<int> ended;
  while (!ended) {
    ended = lab.ended();
    const auto fates = lab.send(probes);
    for (std::size_t i = 0; i < fates.size(); ++i, ++sent) {
      if (fates[i] == Fate::passed || ++lost > most_shown) continue;
      which += fmt::format("  {} -> {}, the {}th in all: {}\n", net::to_string(probes[i].from),
                           net::to_string(probes[i].to), sent + 1, to_string(fates[i]));
    }
  }
  EXPECT_EQ(*ended, 0);
  EXPECT_EQ(lab.overflowed(), 0U) << "packets that arrived, and that the test's own sockets lost";
  EXPECT_EQ(lost, 0U) << "of " << sent << ":\n"
                      << which << fmt::format("{}", fmt::join(lab.watched(), "\n")) << "\n"
                      << (iptables ? refusals(lab, folder.path()) : "");
  EXPECT_GT(sent, 2 * probes.size());
}

INSTANTIATE_TEST_SUITE_P(Devices, KernelReload, testing::ValuesIn(loaders),
                         [](const auto& loader) { return std::string(loader.param.name); });

}  // namespace
}  // namespace hcipol::test::kernel
