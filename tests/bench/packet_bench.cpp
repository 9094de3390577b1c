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

/// A rule, and a packet that it allows; as one of a list of iptables or of nftables, too.
struct Rule {
  std::string text;  ///< of the policy, behind its name
  GatewayLab::Probe probe;
  std::string iptables, nftables;
  std::string name = {};  ///< that the packet's destination is known by
};

/// A kind of rules, the i-th of them.
struct Shape {
  const char* name;
  bool v6;
  Rule (*rule)(unsigned i);
};

net::Address address(const std::string& text) {
  return net::parse_address(text).value();
}

/// From one /24 to another on a port of UDP.
Rule pair_of(unsigned i) {
  const std::string from = fmt::format("10.{}.{}.", i / 250, i % 250);
  const std::string to = fmt::format("172.{}.{}.", i / 250, i * 7 % 250);
  const unsigned port = 1024 + i * 13 % 40000;
  return {fmt::format("{}0/24 -> {}0/24 on udp/{}", from, to, port),
          {address(from + "9"), address(to + "9"), 17U << 16 | port},
          fmt::format("-s {}0/24 -d {}0/24 -p udp -m multiport --dports {}", from, to, port),
          fmt::format("ip saddr {}0/24 ip daddr {}0/24 udp dport {}", from, to, port)};
}

/// The server to a name on a port of its own.
Rule name_of(unsigned i) {
  const std::string name = fmt::format("h{}.example.com", i);
  const unsigned port = 1024 + i;
  return {fmt::format("servers -> \"{}\" on udp/{}", name, port),
          {address("192.168.0.11"), address(fmt::format("203.0.{}.{}", i / 250, 1 + i % 250)),
           17U << 16 | port},
          fmt::format("-p udp -m multiport --dports {} -m set --match-set HCI-lab.{}-dns4 dst",
                      port, name),
          fmt::format("udp dport {} ip daddr @dns4.{}", port, name),
          name};
}

/// Hosts of one /64 to the server.
Rule host_of(unsigned i) {
  const std::uint64_t number = 1 + i * 2654435761ULL % (1ULL << 44);
  const std::string from =
      fmt::format("fd01::{:x}:{:x}:{:x}", number >> 32, number >> 16 & 65535, number & 65535);
  return {fmt::format("{} -> servers on udp/445", from),
          {address(from), address("fd00::11"), 17U << 16 | 445},
          fmt::format("-s {} -d fd00::11 -p udp -m multiport --dports 445", from),
          fmt::format("ip6 saddr {} ip6 daddr fd00::11 udp dport 445", from)};
}

/// From one host to another on 40 ranges of ports.
Rule ranges_of(unsigned i) {
  const std::string from = fmt::format("10.{}.{}.1", i / 250, i % 250);
  const std::string to = fmt::format("172.{}.{}.1", i / 250, i % 250);
  std::string ports, all, some, lines;
  for (unsigned n = 0; n < 40; ++n) {
    const unsigned first = 1000 + 1000 * n + i % 500;
    ports += fmt::format("{}udp/{}-{}", n == 0 ? "" : ", ", first, first + 30);
    all += fmt::format("{}{}-{}", n == 0 ? "" : ", ", first, first + 30);
    if (n < 7) some += fmt::format("{}{}:{}", n == 0 ? "" : ",", first, first + 30);
  }
  return {fmt::format("{} -> {} on [{}]", from, to, ports),
          {address(from), address(to), 17U << 16 | (3000 + i % 500)},
          fmt::format("-s {} -d {} -p udp -m multiport --dports {}", from, to, some),
          fmt::format("ip saddr {} ip daddr {} udp dport {{ {} }}", from, to, all)};
}

constexpr Shape shapes[]{{"pairs", false, pair_of},
                         {"names", false, name_of},
                         {"hosts6", true, host_of},
                         {"ranges", false, ranges_of}};

std::string policy_of(const Shape& shape, unsigned rules) {
  std::string out =
      "cluster \"lab\" {\n  node \"n1\" { address = [192.168.0.11, fd00::11] }\n"
      "  enable \"x\"\n}\nfeature \"x\" {\n";
  for (unsigned i = 0; i < rules; ++i) {
    out += fmt::format("  allow \"r{}\" {}\n", i, shape.rule(i).text);
  }
  return out + "}\n";
}

/// Rules all over the list, of which each has a hit.
std::vector<Rule> hits_of(const Shape& shape, unsigned rules) {
  std::vector<Rule> out;
  for (unsigned i = 0; i < flows; ++i) {
    // A stride without a common factor, so that neighbours in the list do not follow each other.
    out.push_back(shape.rule(static_cast<unsigned>(i * 7919ULL % rules)));
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
    "    ct state established,related accept\n    ct state invalid drop\n";

using Files = std::map<std::string, std::string>;

Files list_of(bool iptables, const Shape& shape, unsigned rules) {
  std::string out = iptables ? frame_of_iptables : frame_of_nftables;
  std::string sets;
  for (unsigned i = 0; i < rules; ++i) {
    const Rule rule = shape.rule(i);
    out += iptables ? fmt::format("-A HCI-lab {} -j ACCEPT\n", rule.iptables)
                    : fmt::format("    {} accept\n", rule.nftables);
    if (rule.name.empty()) continue;
    sets += iptables ? fmt::format("create HCI-lab.{}-dns4 hash:ip timeout 86400\n", rule.name)
                     : fmt::format(
                           "  set dns4.{} {{ type ipv4_addr; flags dynamic,timeout; timeout "
                           "86400s; size 65536; }}\n",
                           rule.name);
  }
  if (iptables) {
    return {{shape.v6 ? "rules.v6" : "rules.v4", out + "COMMIT\n"}, {"ipset", sets}};
  }
  out.insert(out.find('\n') + 1, sets);
  return {{"ruleset.nft", out + "  }\n}\n"}};
}

/// What dnsmasq would have done.
std::string learn(bool iptables, const std::vector<Rule>& hits) {
  std::string out;
  for (const Rule& rule : hits) {
    if (rule.name.empty()) continue;
    const std::string to = net::to_string(rule.probe.to);
    out += iptables ? fmt::format("add HCI-lab.{}-dns4 {} -exist\n", rule.name, to)
                    : fmt::format("add element inet HCI-lab dns4.{} {{ {} }}\n", rule.name, to);
  }
  return out;
}

std::string load(const std::string& variant, bool v6) {
  if (variant.empty()) return "nft -f ruleset.nft && nft -f learn";
  const std::string tool = fmt::format("{}-{}", v6 ? "ip6tables" : "iptables", variant);
  return fmt::format(
      "export XTABLES_LOCKFILE=$PWD/lock\n[ ! -e ipset ] || ipset restore <ipset\n"
      "ipset restore <learn\n{0}-restore --noflush <rules.v{1} && {0} -I FORWARD -j HCI-lab",
      tool, v6 ? 6 : 4);
}
std::string unload(const std::string& variant) {
  return variant == "legacy" ? "iptables-legacy -F; iptables-legacy -X; ip6tables-legacy -F; "
                               "ip6tables-legacy -X; ipset destroy"
                             : "nft flush ruleset; ipset destroy";
}

/// Nanoseconds: the least of several rounds, of which each takes about the same time.
double measure(GatewayLab& lab, const std::string& variant, bool v6, Files files,
               const std::vector<Rule>& hits, bool named) {
  files["learn"] = named ? learn(!variant.empty(), hits) : "";
  const test::gateway::Folder folder(files);
  const std::string go = "cd " + folder.path() + " || exit 1\n";
  if (const auto [status, out] = lab.run(go + load(variant, v6)); status != 0) {
    fmt::print(stderr, "does not load: {}\n", out);
    std::exit(1);
  }
  std::vector<GatewayLab::Probe> probes;
  for (const Rule& rule : hits) probes.push_back(rule.probe);
  double best = lab.flood(probes, 2 * flows);
  const auto packets = static_cast<unsigned>(std::clamp(0.15 / best, 1000.0, 50000.0));
  for (unsigned i = 0; i < rounds; ++i) best = std::min(best, lab.flood(probes, packets));
  lab.run(unload(variant));
  return best * 1e9;
}

void measure(GatewayLab& lab, const Shape& shape, unsigned rules) {
  test::EmittedPolicy policy({{"main.hcipol", policy_of(shape, rules)}}, ".");
  const std::vector<Rule> hits = hits_of(shape, rules);
  for (const std::string variant : {"nft", "legacy", ""}) {
    const bool iptables = !variant.empty();
    Files ours;
    for (const test::Emitted& one : policy.devices()) {
      if (one.backend->name != (iptables ? "iptables" : "nftables")) continue;
      for (const auto& artefact : one.emission.artefacts) ours[artefact.path] = artefact.text;
    }
    const auto of = [&](const Files& files, bool named) {
      return measure(lab, variant, shape.v6, files, hits, named);
    };
    const double none = of(list_of(iptables, shape, 0), false);
    const double own = of(ours, true);
    const double list = of(list_of(iptables, shape, rules), true);
    fmt::print("{:<8} {:>6} {:<16} {:>8.0f} {:>8.0f} {:>8.0f} {:>12.2f} {:>12.2f}\n", shape.name,
               rules, iptables ? "iptables-" + variant : "nftables", none, own, list, own / none,
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
  fmt::print("{:<8} {:>6} {:<16} {:>8} {:>8} {:>8} {:>12} {:>12}\n", "shape", "rules", "device",
             "none", "ours", "list", "ours / none", "list / none");
  GatewayLab lab;
  for (const Shape& shape : shapes) {
    if (argc == 1) {
      for (const unsigned rules : {100u, 1000u, 10000u}) measure(lab, shape, rules);
    }
    for (int i = 1; i < argc; ++i) measure(lab, shape, static_cast<unsigned>(std::atoi(argv[i])));
  }
}
