// apply.sh where several share a gateway: clusters, both kinds of firewall, dnsmasq, systemd; and
// where something fails, is full, killed or missing.
#include <gtest/gtest.h>

#include "gateway_builder.h"
#include "tests/support/gateway_kernel.h"
#include "tests/support/repository.h"

namespace hcipol::test::gateway {
namespace {

/// Asks the dnsmasq here for addresses.
constexpr const char* ask = R"(import socket, struct, sys, time
for name in sys.argv[1:]:
    query = struct.pack("!6H", 1, 0x0100, 1, 0, 0, 0)
    query += b"".join(bytes([len(p)]) + p.encode() for p in name.split(".")) + b"\0"
    query += struct.pack("!2H", 1, 1)
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

struct Site {
  std::string folder;
  std::string backend;
  std::string chain;  ///< "": the default
  std::string server;
  std::map<std::string, std::string> names;  ///< role → host name
};

std::string machine_with_all() {
  return namespace_with(
      "ipset create hcipolc-probe hash:net && iptables-nft-restore --version && "
      "nft add table inet hcipolc_probe && dnsmasq --version && ip link show lo && "
      "python3 --version && unshare -m mount -t tmpfs none /mnt");
}

void write_sites(const Folder& folder) {
  const std::map<std::string, std::string> names{{"www", "www.example.com"},
                                                 {"org", "example.org"}};
  for (const Site& site :
       {Site{"a", "iptables", "", "10.0.0.1", names}, Site{"n", "nftables", "", "10.0.0.1", names},
        Site{"b",
             "iptables",
             "HCI-other",
             "10.1.0.1",
             {{"www", "www.example.com"}, {"deep", "deep.example.org"}}},
        Site{"later", "iptables", "", "10.0.0.1", {}}}) {
    Builder b(site.backend);
    if (!site.chain.empty()) b.option("chain", site.chain);
    b.servers({site.server});
    b.allow("a.dns", b.cluster.servers, b.set("dns", {"10.0.9.0/24"}), udp(53));
    for (const auto& [role, name] : site.names)
      b.allow("b." + role, b.cluster.servers, b.set(role, {name}), tcp(443));
    std::filesystem::create_directories(folder.path() + "/" + site.folder);
    for (const auto& [path, text] : b.emit()) folder.write(site.folder + "/" + path, text);
  }
}

/// `call`: a script beside this test and what it is told.
void run_script(const Folder& folder, const std::string& way, const std::string& call,
                const std::string& variant = "nft") {
  const std::string path = (repository() / "tests/unit/backends" / call).string();
  const auto [status, out] = folder.run("V=" + variant + " " + way + " -m sh " + path);
  EXPECT_EQ(status, 0) << out;
  EXPECT_EQ(out.find("not ok"), std::string::npos) << out;
  EXPECT_TRUE(out.ends_with("done\n")) << out;
}

TEST(GatewayApply, SharesAMachine) {
  const std::string way = machine_with_all();
  if (way.empty()) GTEST_SKIP() << "no network namespace with all tools to be had";
  const std::map<std::string, std::string> beside{{"ask.py", ask}};
  const Folder folder(beside);
  write_sites(folder);
  run_script(folder, way, "gateway_apply.sh");
}

TEST(GatewayApply, SaysWhatDidNotSucceed) {
  const std::string way = machine_with_all();
  if (way.empty()) GTEST_SKIP() << "no network namespace with all tools to be had";
  const Folder folder({});
  write_sites(folder);
  run_script(folder, way, "gateway_faults.sh");
}

TEST(GatewayApply, TakesEveryExample) {
  const std::string way = machine_with_all();
  if (way.empty()) GTEST_SKIP() << "no network namespace with all tools to be had";
  const std::string examples = (repository() / "examples").string();
  const Folder folder({}), of_legacy({});
  run_script(folder, way, "gateway_examples.sh " + examples + "/*/build/*/*tables*", "nft");
  // The other variant is told the same, so what has most in it will do.
  run_script(of_legacy, way, "gateway_examples.sh " + examples + "/0[24]-*/build/*/iptables*",
             "legacy");
}

}  // namespace
}  // namespace hcipol::test::gateway
