// Real answers through a gateway's dnsmasq: which names fill which sets.
#include <gtest/gtest.h>

#include "gateway_builder.h"
#include "tests/support/gateway_kernel.h"

namespace hcipol::test::nftables {
namespace {

using gateway::Builder;
using gateway::Folder;
using gateway::tcp;

class NftablesNames : public ::testing::Test {
 protected:
  void SetUp() override {
    way_ = gateway::namespace_with("nft list ruleset && ip link show lo && python3 --version");
    if (way_.empty()) GTEST_SKIP() << "no network namespace with nft, ip and python3 to be had";
  }

  std::string way_;
};

/// The gateway's dnsmasq asks another one and tells the kernel what it hears.
TEST_F(NftablesNames, DnsmasqFillsTheSets) {
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
