// Real packets to and from a machine with its rules loaded by apply.sh: what the policy allows
// passes, all else of the machine's does not, with neighbours that must be found first.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/emitted.h"
#include "tests/support/gateway_kernel.h"
#include "tests/support/random_policy.h"
#include "tests/support/repository.h"

namespace hcipol::test::gateway {
namespace {

using Json = nlohmann::ordered_json;

/// What a host can send and be asked by, and the tool does not use itself.
bool is_sendable(const net::Address& address) {
  const std::string text = net::to_string(address);
  if (address.family == net::Family::ipv6) {
    return text.starts_with("fd0") || text.starts_with("2001:");
  }
  const int first = std::stoi(text);
  return first > 0 && first < 224 && first != 127 && !text.starts_with("192.0.0.");
}

/// A probe of the tool, or null for what it does not send.
Json probe_of(const net::Packet& packet, bool allowed) {
  const auto* from = std::get_if<net::Address>(&packet.from);
  const auto* to = std::get_if<net::Address>(&packet.to);
  if (from == nullptr || to == nullptr || from->family != to->family || *from == *to) return {};
  if (!is_sendable(*from) || !is_sendable(*to)) return {};
  const unsigned protocol = packet.service >> 16;
  const unsigned detail = packet.service & 65535;
  const bool v6 = from->family == net::Family::ipv6;
  const bool echo = v6 ? protocol == 58 && detail == 0x8000 : protocol == 1 && detail == 0x0800;
  if (!echo && ((protocol != 6 && protocol != 17) || detail == 0)) return {};
  Json out{{"src", net::to_string(*from)},
           {"dst", net::to_string(*to)},
           {"proto", echo            ? "icmp"
                     : protocol == 6 ? "tcp"
                                     : "udp"},
           {"expect", allowed ? "allow" : "deny"}};
  if (!echo) out["dport"] = detail;
  return out;
}

struct MachineCase {
  const char* name;
  const char* backend;
  const char* target;
  const char* variant;  ///< of iptables
};

const std::vector<MachineCase>& machine_cases() {
  static const std::vector<MachineCase> all{
      {"beside_nft", "iptables", "  mode = \"host\"\n  host = node.n1\n", "nft"},
      {"beside_legacy", "iptables", "  mode = \"host\"\n  host = node.n1\n  default = \"drop\"\n",
       "legacy"},
      {"alone_nft", "iptables",
       "  mode = \"host\"\n  host = node.n1\n  table = \"own\"\n  default = \"drop\"\n", "nft"},
      {"alone_legacy", "iptables", "  mode = \"host\"\n  host = node.n1\n  table = \"own\"\n",
       "legacy"},
      {"nftables_reject", "nftables", "  mode = \"host\"\n  host = node.n1\n", ""},
      {"nftables_drop", "nftables", "  mode = \"host\"\n  host = node.n1\n  default = \"drop\"\n",
       ""}};
  return all;
}

class MachineTraffic : public ::testing::TestWithParam<MachineCase> {
 protected:
  void SetUp() override {
    tool_ = repository() / "../shared/tools/traffic.py";
    if (!std::filesystem::exists(tool_)) GTEST_SKIP() << "no ../shared/tools/traffic.py";
    if (iptables_namespace().empty() || nftables_namespace().empty() ||
        namespace_with("ip link add hcipolc0 type veth && python3 --version").empty()) {
      GTEST_SKIP() << "no network namespace with iptables, ipset, nft, ip and python3 to be had";
    }
  }
  /// Those of one variant come first on the path.
  static std::string tools() {
    const std::string variant = GetParam().variant;
    if (variant.empty()) return "";
    return "for t in iptables ip6tables; do for p in '' -save -restore; do\n"
           "ln -sf \"$(command -v $t-" +
           variant + "$p)\" tools/$t$p\ndone; done\nPATH=$PWD/tools:$PATH\nexport PATH\n";
  }
  std::filesystem::path tool_;
};

TEST_P(MachineTraffic, PassesWhatThePolicyAllows) {
  std::mt19937 random(static_cast<unsigned>(GetParam().name[0]) * 1000 +
                      static_cast<unsigned>(GetParam().name[7]));
  std::size_t sent = 0;
  std::size_t passing = 0;
  for (int drawn = 0; passing < 30; ++drawn) {
    ASSERT_LT(drawn, 50) << "no policy allows the machine anything";
    test::RandomPolicy policy = test::random_policy(random, 12);
    EmittedPolicy compiled({{"main.hcipol", policy.text() + "target \"" + GetParam().backend +
                                                "\" \"m\" {\n" + GetParam().target + "}\n"}},
                           ".");
    const std::string name = std::string("c ") + GetParam().backend + "-m";
    const auto device = std::find_if(compiled.devices().begin(), compiled.devices().end(),
                                     [&](const Emitted& one) { return one.name == name; });
    ASSERT_NE(device, compiled.devices().end()) << policy.text();
    ASSERT_FALSE(device->refused);
    const net::AddressSet own = device->device->view->machine->parts.front()->set.addresses;
    const Marks allowed = policy.allowed();
    std::map<std::string, std::string> files;
    for (const auto& artefact : device->emission.artefacts) files[artefact.path] = artefact.text;
    std::size_t passing_here = 0;
    std::map<std::string, Json> probes{{"output", Json::array()}, {"input", Json::array()}};
    for (std::size_t i = 0; i < allowed.size(); ++i) {
      const auto* from = std::get_if<net::Address>(&packets()[i].from);
      const auto* to = std::get_if<net::Address>(&packets()[i].to);
      const bool sends = from != nullptr && own.contains(*from);
      const bool receives = to != nullptr && own.contains(*to);
      if (sends == receives) continue;
      Json probe = probe_of(packets()[i], allowed[i] != 0);
      if (probe.is_null()) continue;
      passing_here += allowed[i];
      probes[sends ? "output" : "input"].push_back(std::move(probe));
    }
    if (passing_here < 10) continue;
    passing += passing_here;
    for (const auto& [mode, list] : probes) {
      SCOPED_TRACE(mode);
      if (list.empty()) continue;
      sent += list.size();
      files["probes.json"] = list.dump();
      const Folder folder(files);
      folder.write("load.sh",
                   "set -e\ncd " + folder.path() +
                       "\nmkdir -p tools root/etc/dnsmasq.d\nPATH=$PATH:/usr/sbin:/sbin\n" +
                       tools() +
                       "HCIPOLC_ROOT=$PWD/root XTABLES_LOCKFILE=$PWD/lock "
                       "sh apply.sh apply --yes\n");
      const auto [status, out] = folder.run("timeout 200 python3 '" + tool_.string() +
                                            "' --probes probes.json --ndp real --mode " + mode +
                                            " --exec 'sh " + folder.path() + "/load.sh'");
      EXPECT_EQ(status, 0) << out.substr(0, 4000) << policy.text() << files["rules.v4"]
                           << files["ruleset.nft"];
    }
  }
  RecordProperty("probes", static_cast<int>(sent));
  EXPECT_GT(sent, 100U);
}

INSTANTIATE_TEST_SUITE_P(Machines, MachineTraffic, testing::ValuesIn(machine_cases()),
                         [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace hcipol::test::gateway
