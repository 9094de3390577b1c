// Where packets vanish. Rules of the lab's own, in tables that nobody else touches, count them at
// each place that they come by; what the kernel counts of drops names the reason.
#include <fmt/format.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string_view>

#include "tests/support/gateway_lab.h"

namespace hcipol::test {

namespace {

constexpr int ways = 2;
constexpr std::array<const char*, ways> way_names{"openings", "answers"};

/// On the gateway, from cable to cable: the hook, and what lies behind a packet that is counted
/// there. Rules for forwarding have priority 0, and connections are confirmed last of all.
struct Hop {
  const char* counter;
  const char* hook;
  const char* text;
};
constexpr Hop gateway_hops[] = {
    {"in", "prerouting priority -450", "read by the gateway"},
    {"routed", "forward priority -1", "tracked and routed by it, rules not asked yet"},
    {"allowed", "forward priority 1", "past its rules"},
    {"out", "postrouting priority 2000000000", "leaving it, connection not confirmed yet"},
};

std::string gateway_table() {
  std::string out = "table inet lab-watch {\n";
  for (const Hop& hop : gateway_hops) {
    for (const char* way : way_names) {
      out += fmt::format("  counter {}-{} {{ }}\n", hop.counter, way);
    }
    out += fmt::format("  chain {} {{\n    type filter hook {};\n", hop.counter, hop.hook);
    for (int way = 0; way < ways; ++way) {
      out += fmt::format("    iifname to-{} meta l4proto {{ tcp, udp }} counter name {}-{}\n",
                         way == 0 ? "left" : "right", hop.counter, way_names[way]);
    }
    out += "  }\n";
  }
  return out + "}\n";
}

/// Of a cable's far end. What a packet socket gets, it gets before this; a reset is no answer.
std::string end_table(const char* interface) {
  return fmt::format(R"(table netdev lab-watch {{
  counter end {{ }}
  chain end {{
    type filter hook ingress device {} priority 0
    tcp flags rst return
    meta protocol {{ ip, ip6 }} meta l4proto {{ tcp, udp }} counter name end
  }}
}}
)",
                     interface);
}

/// What `nft list counters` says, by the counters' names.
std::map<std::string, std::uint64_t> read_counters(const std::string& text) {
  std::map<std::string, std::uint64_t> out;
  std::istringstream in(text);
  std::string name;
  for (std::string word; in >> word;) {
    if (word == "counter") in >> name;
    if (word == "packets") in >> out[name];
  }
  return out;
}

/// Of what the kernel counts, that which a lost packet may be found in.
bool tells_of_loss(std::string_view name) {
  constexpr std::string_view parts[] = {"rop",   "iscard", "rror",    "NoRoute",    "nvalid",
                                        "fail",  "early",  "squeeze", "unresolved", "full",
                                        "Trunc", "clash",  "restart"};
  return std::any_of(std::begin(parts), std::end(parts), [&](std::string_view part) {
    return name.find(part) != std::string_view::npos;
  });
}

class Reader {
 public:
  explicit Reader(std::string where) : where_(std::move(where)) {}

  /// Lines in pairs, "Ip: Name …" and "Ip: 1 …".
  void pairs(const char* file) {
    std::ifstream in(path(file));
    for (std::string names, values; std::getline(in, names) && std::getline(in, values);) {
      std::istringstream name(names), value(values);
      std::string kind, text;
      name >> kind;
      value >> kind;
      for (std::uint64_t number = 0; name >> text && value >> number;) add(kind + text, number);
    }
  }
  /// A name and a number on each line.
  void lines(const char* file) {
    std::ifstream in(path(file));
    std::string name;
    for (std::uint64_t number = 0; in >> name >> number;) add(name, number);
  }
  /// Names, then for each CPU a line of hexadecimal numbers.
  void columns(const char* file) {
    std::ifstream in(path(file));
    std::string names;
    std::getline(in, names);
    cpus(in, names, file);
  }
  void softnet() {
    std::ifstream in(path("softnet_stat"));
    cpus(in, "processed dropped squeezed", "softnet_stat");
  }
  void devices() {
    std::ifstream in(path("dev"));
    for (std::string line; std::getline(in, line);) {
      const auto colon = line.find(':');
      if (colon == std::string::npos) continue;
      std::istringstream numbers(line.substr(colon + 1));
      std::array<std::uint64_t, 16> n{};
      for (auto& number : n) numbers >> number;
      const std::string name = line.substr(line.find_first_not_of(' '), colon);
      const auto device = name.substr(0, name.find(':'));
      add(device + " receive errors", n[2]);
      add(device + " receive drops", n[3]);
      add(device + " transmit errors", n[10]);
      add(device + " transmit drops", n[11]);
    }
  }
  std::map<std::string, std::uint64_t> taken() { return std::move(out_); }

 private:
  static std::string path(const char* file) { return std::string("/proc/thread-self/net/") + file; }
  void add(const std::string& name, std::uint64_t number) {
    if (tells_of_loss(name)) out_[where_ + ": " + name] += number;
  }
  void cpus(std::istream& in, const std::string& names, const char* file) {
    for (std::string line; std::getline(in, line);) {
      std::istringstream name(names), value(line);
      value >> std::hex;
      std::string text;
      for (std::uint64_t number = 0; name >> text && value >> number;) {
        add(std::string(file) + " " + text, number);
      }
    }
  }

  std::string where_;
  std::map<std::string, std::uint64_t> out_;
};

}  // namespace

std::map<std::string, std::uint64_t> GatewayLab::kernel_counts() const {
  std::map<std::string, std::uint64_t> out;
  // The far ends' kernels answer nobody: they drop all that their sockets have got.
  for (const auto& [side, name] :
       {std::pair(before, "before"), {gateway, "gateway"}, {behind, "behind"}}) {
    enter(side);
    Reader reader(name);
    if (side == gateway) {
      reader.pairs("snmp");
      reader.pairs("netstat");
      reader.lines("snmp6");
      reader.columns("stat/nf_conntrack");
    }
    reader.devices();
    leave();
    out.merge(reader.taken());
  }
  Reader machine("machine");
  machine.softnet();
  machine.columns("stat/arp_cache");
  machine.columns("stat/ndisc_cache");
  out.merge(machine.taken());
  return out;
}

void GatewayLab::watch() {
  const auto add = [&](Side side, const std::string& table) {
    enter(side);
    const auto [status, out] = shell("nft -f - <<'TEXT'\n" + table + "TEXT");
    leave();
    if (status != 0) throw std::runtime_error(out);
  };
  add(gateway, gateway_table());
  add(before, end_table("left"));
  add(behind, end_table("right"));
  watched_ = {};
  watched_.kernel = kernel_counts();
  overflowed();
}

std::uint64_t GatewayLab::overflowed() {
  std::uint64_t out = 0;
  for (const auto& [side, fd] : sockets_) {
    tpacket_stats stats{};
    socklen_t size = sizeof stats;
    // Reading sets it back to zero.
    if (getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size) != 0) fail("no statistics");
    out += stats.tp_drops;
  }
  return out;
}

std::vector<std::string> GatewayLab::watched() const {
  std::map<Side, std::map<std::string, std::uint64_t>> counters;
  for (const auto& [side, fd] : places_) {
    enter(side);
    counters[side] = read_counters(shell("nft list counters").second);
    leave();
  }
  std::vector<std::string> out;
  for (int way = 0; way < ways; ++way) {
    std::vector<std::pair<std::string, std::uint64_t>> hops{{"sent", watched_.sent.at(way)}};
    for (const Hop& hop : gateway_hops) {
      hops.emplace_back(hop.text,
                        counters[gateway][fmt::format("{}-{}", hop.counter, way_names[way])]);
    }
    hops.emplace_back("at the far end of the cable", counters[way == 0 ? behind : before]["end"]);
    hops.emplace_back("received", watched_.received.at(way));
    for (std::size_t i = 0; i < hops.size(); ++i) {
      out.push_back(fmt::format("{}: {} {}", way_names[way], hops[i].second, hops[i].first));
      if (i > 0 && hops[i].second < hops[i - 1].second) {
        out.back() += fmt::format(", {} lost before this", hops[i - 1].second - hops[i].second);
      }
    }
  }
  for (const auto& [name, count] : kernel_counts()) {
    const auto was = watched_.kernel.find(name);
    const std::uint64_t more = count - (was == watched_.kernel.end() ? 0 : was->second);
    if (more != 0) out.push_back(fmt::format("{} +{}", name, more));
  }
  return out;
}

}  // namespace hcipol::test
