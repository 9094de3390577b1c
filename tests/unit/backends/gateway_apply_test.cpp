// apply.sh where several share a gateway: clusters, both kinds of firewall, dnsmasq, systemd; and
// where something fails, is full, killed or missing.
#include <gtest/gtest.h>

#include <future>

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

/// talk.py ADDRESS [listen]: who listens speaks, until it is told that it is enough; who is called
/// hears it.
constexpr const char* talk = R"(import os, socket, sys, time
where = (sys.argv[1], 22)
if len(sys.argv) > 2:
    with socket.create_server(where) as s:
        s.settimeout(20)
        c, _ = s.accept()
        open("open", "w").close()
        while not os.path.exists("end"):
            c.send(b"x")
            time.sleep(0.05)
        open("alive", "w").close()
else:
    for attempt in range(100):
        try:
            c = socket.create_connection(where)
            break
        except ConnectionRefusedError:
            time.sleep(0.05)
    while c.recv(1000):
        pass
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

/// A machine that is called by one peer.
void write_machine(const Folder& folder, const std::string& below, const std::string& backend) {
  Builder b(backend);
  b.servers({"10.0.0.1"});
  const policy::NamedSet* jump = b.set("jump", {"10.0.5.10", "fd00:5::10"});
  b.view.machine = policy::Peers{{jump}};
  b.option("mode", std::string("host"));
  b.allow("a.ssh", b.set("ops", {"10.0.9.1", "fd00:9::1"}), jump, tcp(22));
  std::filesystem::create_directories(folder.path() + "/" + below);
  for (const auto& [path, text] : b.emit()) folder.write(below + "/" + path, text);
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

TEST(GatewayApply, CutsNoConnectionThatIsOpen) {
  const std::string way = machine_with_all();
  if (way.empty()) GTEST_SKIP() << "no network namespace with all tools to be had";
  const auto run = [&](const char* variant) {
    const std::map<std::string, std::string> beside{{"talk.py", talk}};
    const Folder folder(beside);
    write_machine(folder, "i", "iptables");
    write_machine(folder, "n", "nftables");
    run_script(folder, way, "gateway_open.sh", variant);
  };
  const auto legacy = std::async(std::launch::async, run, "legacy");
  run("nft");
}

TEST(GatewayApply, SaysWhatDidNotSucceed) {
  const std::string way = machine_with_all();
  if (way.empty()) GTEST_SKIP() << "no network namespace with all tools to be had";
  const auto run = [&](const char* script) {
    const Folder folder({});
    write_sites(folder);
    run_script(folder, way, script);
  };
  const auto full = std::async(std::launch::async, run, "gateway_full.sh");
  run("gateway_faults.sh");
}

TEST(GatewayApply, TakesEveryExample) {
  const std::string way = machine_with_all();
  if (way.empty()) GTEST_SKIP() << "no network namespace with all tools to be had";
  const std::string examples = (repository() / "examples").string();
  const auto run = [&](const char* folders, const char* variant) {
    const Folder folder({});
    run_script(folder, way, "gateway_examples.sh " + examples + folders, variant);
  };
  // The other variant is told the same, so what has most in it will do.
  const auto legacy = std::async(std::launch::async, run, "/0[24]-*/build/*/iptables*", "legacy");
  const auto nft = std::async(std::launch::async, run, "/*/build/*/nftables*", "nft");
  run("/*/build/*/iptables*", "nft");
}

}  // namespace
}  // namespace hcipol::test::gateway
