// Real packets through a gateway, and real answers through its dnsmasq.
#include <gtest/gtest.h>

#include "gateway_kernel.h"
#include "gateway_policy.h"
#include "support/text.h"
#include "tests/support/repository.h"

namespace hcipol::test::nftables {
namespace {

using gateway::Builder;
using gateway::Folder;
using gateway::ProbePacket;
using gateway::RandomPolicy;
using gateway::tcp;

/// What a host can send and be asked by: no addresses that nobody has.
bool is_host(const net::Address& address) {
  const std::string text = net::to_string(address);
  if (address.family == net::Family::ipv6) {
    return text.starts_with("fd0") || text.starts_with("2001:");
  }
  const int first = std::stoi(text);
  return first > 0 && first < 224 && first != 127 && !text.starts_with("192.0.0.");
}

/// "10.0.0.1 10.0.0.2 tcp 445", or "" for packets that the tool does not send.
std::string line_of(const ProbePacket& probe) {
  const bool v6 = probe.from.family == net::Family::ipv6;
  if (probe.from == probe.to || !is_host(probe.from) || !is_host(probe.to)) return {};
  const bool ports = probe.protocol == 6 || probe.protocol == 17;
  const bool echo = v6 ? probe.protocol == 58 && probe.detail == 0x8000
                       : probe.protocol == 1 && probe.detail == 0x0800;
  if (!echo && (!ports || probe.detail == 0)) return {};
  const std::string what = echo ? "icmp" : probe.protocol == 6 ? "tcp" : "udp";
  return net::to_string(probe.from) + " " + net::to_string(probe.to) + " " + what + " " +
         std::to_string(echo ? probe.detail / 256 : probe.detail);
}

std::string outcome(const std::string& verdict, const ProbePacket& probe) {
  if (verdict == "DROP") return "silence";
  if (verdict == "REJECT") return probe.protocol == 6 ? "reset" : "unreachable";
  return "pass";
}

class NftablesTraffic : public ::testing::Test {
 protected:
  void SetUp() override {
    way_ = gateway::namespace_with(
        "nft list ruleset && ip link add hcipolc0 type veth && python3 --version");
    if (way_.empty()) GTEST_SKIP() << "no network namespace with nft, ip and python3 to be had";
  }

  std::string way_;
};

/// At and beside the ends of every set and service of the policies.
TEST_F(NftablesTraffic, PacketsFareAsTheFlowsSay) {
  const std::string tool = (repository() / "tests/unit/backends/nftables_traffic.py").string();
  std::map<std::string, int> outcomes;
  for (unsigned seed = 200; seed < 205; ++seed) {
    SCOPED_TRACE(seed);
    RandomPolicy policy("nftables", seed);
    std::string probes;
    std::vector<std::string> lines, expected;
    for (const ProbePacket& probe : policy.probes()) {
      const std::string line = line_of(probe);
      if (line.empty() || lines.size() == 30) continue;
      lines.push_back(line);
      expected.push_back(outcome(policy.expected(probe), probe));
      probes += line + "\n";
    }
    auto files = policy.b.emit();
    files["probes"] = probes;
    for (const auto& one : policy.resolved) {
      files["ruleset.nft"] += gateway::learn(files["dnsmasq.conf"], one.name, one.address);
    }
    const Folder folder(files);
    const auto [status, out] = folder.run("PATH=$PATH:/usr/sbin:/sbin timeout 120 " + way_ +
                                          " python3 '" + tool + "' ruleset.nft probes");
    ASSERT_EQ(status, 0) << out;
    const auto actual = split(out, '\n');
    ASSERT_EQ(actual.size(), lines.size() + 1) << out;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      EXPECT_EQ(actual[i], expected[i]) << lines[i] << "\n" << files["ruleset.nft"];
      ++outcomes[expected[i]];
    }
  }
  for (const char* kind : {"pass", "reset", "unreachable", "silence"}) {
    EXPECT_GT(outcomes[kind], 3) << kind;
  }
}

/// The gateway's dnsmasq asks another one and tells the kernel what it hears.
TEST_F(NftablesTraffic, DnsmasqFillsTheSets) {
  Builder b("nftables");
  b.servers({"10.0.0.1", "fd00::1"});
  b.allow("hci/a", b.cluster.servers, b.set("hci/portal", {"portal.example"}), tcp(443));
  b.allow("hci/b", b.cluster.servers, b.set("hci/cdn", {"*.portal.example"}), tcp(80));
  auto files = b.emit();
  files["ask.py"] = R"(import socket, struct, sys, time
for name in sys.argv[1:]:
    for kind in (1, 28):
        query = struct.pack("!6H", kind, 0x0100, 1, 0, 0, 0)
        query += b"".join(bytes([len(p)]) + p.encode() for p in name.split(".")) + b"\0"
        query += struct.pack("!2H", kind, 1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.5)
            for attempt in range(20):
                try:
                    s.sendto(query, ("127.0.0.1", 53))
                    s.recv(1000)
                    break
                except (TimeoutError, ConnectionRefusedError):
                    time.sleep(0.1)
)";
  files["script.sh"] = R"(PATH=$PATH:/usr/sbin:/sbin
set -e
ip link set lo up
nft -f ruleset.nft
common="--no-resolv --no-hosts --bind-interfaces --keep-in-foreground --user=root --pid-file"
dnsmasq $common -C /dev/null --listen-address=127.0.0.2 \
  --address=/portal.example/203.0.113.1 --address=/portal.example/2001:db8::1 \
  --address=/a.portal.example/203.0.113.2 --address=/other.example/203.0.113.3 &
upstream=$!
cat dnsmasq.conf dnsmasq-cache.conf > all
dnsmasq $common -C $PWD/all --listen-address=127.0.0.1 --server=127.0.0.2 &
resolver=$!
python3 ask.py portal.example a.portal.example other.example
for set in dns4.hci-portal dns6.hci-portal dns4.hci-cdn dns6.hci-cdn; do
  nft list set inet HCI-prod $set | sed -n "s/.*elements = /$set /p" | sed 's/ expires [^,} ]*//g'
done
kill $resolver $upstream
)";
  const Folder folder(files);
  if (folder.run("PATH=$PATH:/usr/sbin; command -v dnsmasq").first != 0)
    GTEST_SKIP() << "no dnsmasq";
  const auto [status, out] = folder.run("timeout 60 " + way_ + " sh script.sh 2> errors");
  EXPECT_EQ(status, 0) << out << folder.text("errors");
  EXPECT_EQ(out,
            "dns4.hci-portal { 203.0.113.1, 203.0.113.2 }\n"
            "dns6.hci-portal { 2001:db8::1 }\n"
            "dns4.hci-cdn { 203.0.113.1, 203.0.113.2 }\n"
            "dns6.hci-cdn { 2001:db8::1 }\n")
      << folder.text("errors");
}

}  // namespace
}  // namespace hcipol::test::nftables
