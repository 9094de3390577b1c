// Time per packet through a gateway, in namespaces of its own: with no rules, with what hcipolc
// writes, and with the same rules as one long list. usage: packet_bench [RULES…]
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "tests/support/emitted.h"
#include "tests/support/gateway_kernel.h"
#include "tests/support/gateway_lab.h"

namespace {

using namespace hcipol;
using test::GatewayLab;

constexpr unsigned rounds = 5;
constexpr unsigned flows = 512;

/// Rule `i`: from one /24 to another on a port of UDP.
struct Pair {
  std::string from, to;
  unsigned port;
};

Pair pair_of(unsigned i) {
  return {fmt::format("10.{}.{}.", i / 250, i % 250),
          fmt::format("172.{}.{}.", i / 250, i * 7 % 250), 1024 + i * 13 % 40000};
}

std::string policy_of(unsigned rules) {
  std::string out =
      "cluster \"lab\" {\n  node \"n1\" { address = 192.168.0.11 }\n  enable \"x\"\n}\n"
      "feature \"x\" {\n";
  for (unsigned i = 0; i < rules; ++i) {
    const Pair pair = pair_of(i);
    out += fmt::format("  allow \"r{}\" {}0/24 -> {}0/24 on udp/{}\n", i, pair.from, pair.to,
                       pair.port);
  }
  return out + "}\n";
}

/// A hit of a rule, of rules all over the list.
std::vector<GatewayLab::Probe> probes_of(unsigned rules) {
  std::vector<GatewayLab::Probe> out;
  for (unsigned i = 0; i < flows; ++i) {
    // A stride without a common factor, so that neighbours in the list do not follow each other.
    const Pair pair = pair_of(static_cast<unsigned>(i * 7919ULL % rules));
    out.push_back({net::parse_address(pair.from + "9").value(),
                   net::parse_address(pair.to + "9").value(), 17U << 16 | pair.port});
  }
  return out;
}

constexpr const char* frame_of_iptables =
    "*filter\n:HCI-lab - [0:0]\n"
    "-A HCI-lab -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
    "-A HCI-lab -m conntrack --ctstate INVALID -j DROP\n";
constexpr const char* frame_of_nftables =
    "table inet HCI-lab {\n  chain forward {\n"
    "    type filter hook forward priority filter; policy accept;\n"
    "    ct state vmap { established : accept, related : accept, invalid : drop }\n";

using Files = std::map<std::string, std::string>;

Files list_of(bool iptables, unsigned rules) {
  std::string out = iptables ? frame_of_iptables : frame_of_nftables;
  for (unsigned i = 0; i < rules; ++i) {
    const Pair pair = pair_of(i);
    out += iptables ? fmt::format(
                          "-A HCI-lab -s {}0/24 -d {}0/24 -p udp -m multiport --dports {} -j "
                          "ACCEPT\n",
                          pair.from, pair.to, pair.port)
                    : fmt::format("    ip saddr {}0/24 ip daddr {}0/24 udp dport {} accept\n",
                                  pair.from, pair.to, pair.port);
  }
  out += iptables ? "COMMIT\n" : "  }\n}\n";
  return {{iptables ? "rules.v4" : "ruleset.nft", out}};
}

std::string load(const std::string& variant) {
  if (variant.empty()) return "nft -f ruleset.nft";
  return fmt::format(
      "export XTABLES_LOCKFILE=$PWD/lock\n[ ! -e ipset ] || ipset restore <ipset\n"
      "iptables-{0}-restore --noflush <rules.v4 && iptables-{0} -I FORWARD -j HCI-lab",
      variant);
}
std::string unload(const std::string& variant) {
  return variant == "legacy" ? "iptables-legacy -F; iptables-legacy -X; ipset destroy"
                             : "nft flush ruleset; ipset destroy";
}

/// Nanoseconds: the least of several rounds, of which each takes about the same time.
double measure(GatewayLab& lab, const std::string& variant, const Files& files,
               const std::vector<GatewayLab::Probe>& probes) {
  const test::gateway::Folder folder(files);
  const std::string go = "cd " + folder.path() + " || exit 1\n";
  if (const auto [status, out] = lab.run(go + load(variant)); status != 0) {
    fmt::print(stderr, "does not load: {}\n", out);
    std::exit(1);
  }
  double best = lab.flood(probes, 2 * flows);
  const auto packets = static_cast<unsigned>(std::clamp(0.15 / best, 1000.0, 50000.0));
  for (unsigned i = 0; i < rounds; ++i) best = std::min(best, lab.flood(probes, packets));
  lab.run(unload(variant));
  return best * 1e9;
}

void measure(GatewayLab& lab, unsigned rules) {
  test::EmittedPolicy policy({{"main.hcipol", policy_of(rules)}}, ".");
  const auto probes = probes_of(rules);
  for (const std::string variant : {"nft", "legacy", ""}) {
    const bool iptables = !variant.empty();
    Files ours;
    for (const test::Emitted& one : policy.devices()) {
      if (one.backend->name != (iptables ? "iptables" : "nftables")) continue;
      for (const auto& artefact : one.emission.artefacts) ours[artefact.path] = artefact.text;
    }
    const double none = measure(lab, variant, list_of(iptables, 0), probes);
    const double shape = measure(lab, variant, ours, probes);
    const double list = measure(lab, variant, list_of(iptables, rules), probes);
    fmt::print("{:>6} {:<16} {:>8.0f} {:>8.0f} {:>8.0f} {:>12.2f} {:>12.2f}\n", rules,
               iptables ? "iptables-" + variant : "nftables", none, shape, list, shape / none,
               list / none);
    std::fflush(stdout);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string missing = GatewayLab::missing(
      {"ip", "nft", "ipset", "iptables-nft-restore", "iptables-legacy-restore"});
  if (!missing.empty()) {
    fmt::print("skipped: packets through a gateway: {}\n", missing);
    return 0;
  }
  fmt::print("ns per packet, the least of {} rounds: no rules, hcipolc's, the same as one list\n",
             rounds);
  fmt::print("{:>6} {:<16} {:>8} {:>8} {:>8} {:>12} {:>12}\n", "rules", "device", "none", "ours",
             "list", "ours / none", "list / none");
  GatewayLab lab;
  if (argc == 1) {
    for (const unsigned rules : {100u, 1000u, 10000u}) measure(lab, rules);
  }
  for (int i = 1; i < argc; ++i) measure(lab, static_cast<unsigned>(std::atoi(argv[i])));
}
