// How the gateway and what lies before and behind it are made.
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <stdexcept>

#include "tests/support/gateway_lab.h"

namespace hcipol::test {

namespace {

/// Neighbours know each other from the start, and refusals go back to where packets come from. No
/// connection ends by itself, however long a busy machine leaves the lab waiting for its turn.
constexpr std::string_view gateway_script = R"(set -e
for key in ipv4/conf/all/rp_filter ipv4/conf/default/rp_filter ipv4/icmp_ratelimit ipv4/icmp_ratemask \
  ipv6/icmp/ratelimit ipv4/conf/all/send_redirects ipv4/conf/default/send_redirects; do
  echo 0 > /proc/sys/net/$key
done
for key in ipv4/icmp_msgs_per_sec ipv4/icmp_msgs_burst; do
  [ ! -e /proc/sys/net/$key ] || echo 100000000 > /proc/sys/net/$key
done
for key in generic gre gre_stream icmp icmpv6 tcp_max_retrans tcp_syn_recv tcp_syn_sent tcp_unacknowledged \
  udp udp_stream; do
  echo 86400 > /proc/sys/net/netfilter/nf_conntrack_${key%%_*}_timeout${key#${key%%_*}}
done
echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad
ip link set lo up
ip link set to-left up
ip link set to-right up
echo 0 > /proc/sys/net/ipv4/conf/to-left/rp_filter
echo 0 > /proc/sys/net/ipv4/conf/to-right/rp_filter
ip -batch - <<TEXT
addr add 192.0.0.11/32 dev to-left
addr add 192.0.0.21/32 dev to-right
neigh replace 192.0.0.12 lladdr 02:00:00:00:01:02 dev to-left
neigh replace 192.0.0.22 lladdr 02:00:00:00:02:02 dev to-right
route add default via 192.0.0.12 dev to-left onlink
route add default via 192.0.0.12 dev to-left onlink table 101
route add default via 192.0.0.22 dev to-right onlink table 100
rule add iif to-left lookup 100 pref 10
rule add iif to-right lookup 101 pref 10
TEXT
ip -6 -batch - <<TEXT
addr add fd99:1::1/64 dev to-left nodad
addr add fd99:2::1/64 dev to-right nodad
neigh replace fd99:1::2 lladdr 02:00:00:00:01:02 dev to-left
neigh replace fd99:2::2 lladdr 02:00:00:00:02:02 dev to-right
route add default via fd99:1::2 dev to-left
route add default via fd99:1::2 dev to-left table 101
route add default via fd99:2::2 dev to-right table 100
rule add iif to-left lookup 100 pref 10
rule add iif to-right lookup 101 pref 10
TEXT
echo 1 > /proc/sys/net/ipv4/ip_forward
echo 1 > /proc/sys/net/ipv6/conf/all/forwarding)";

}  // namespace

std::pair<int, std::string> GatewayLab::shell(const std::string& script) {
  const std::string command = "PATH=$PATH:/usr/sbin:/sbin\nexport PATH\n{ " + script + "\n} 2>&1";
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("no shell");
  std::string out;
  std::array<char, 4096> buffer;
  while (const std::size_t n = fread(buffer.data(), 1, buffer.size(), pipe)) {
    out.append(buffer.data(), n);
  }
  const int status = pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 255, out};
}

void GatewayLab::fail(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

std::string GatewayLab::missing(const std::vector<std::string>& programs) {
  if (geteuid() != 0) return "needs root, for network namespaces";
  if (shell("unshare -n true").first != 0) return "no network namespace to be had";
  for (const std::string& program : programs) {
    if (shell("command -v " + program).first != 0) return "needs " + program;
  }
  return {};
}

GatewayLab::GatewayLab() : buffer_(65536) {
  home_ = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  if (home_ < 0) fail("no namespace of the process");
  try {
    for (const Side side : {before, gateway, behind}) {
      if (unshare(CLONE_NEWNET) != 0) fail("no network namespace");
      places_[side] = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    }
    forget();  // the kernel has its settings of connections once it has been asked for some
    build();
    open_socket(before, "left");
    open_socket(behind, "right");
  } catch (...) {
    leave();
    throw;
  }
  leave();
}

void GatewayLab::build() {
  // Both hosts are nothing but the ends of cables: their kernels answer nobody.
  for (const Side side : {before, behind}) {
    enter(side);
    shell("echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6");
  }
  enter(gateway);
  for (const auto& [side, name] : {std::pair(before, "left"), std::pair(behind, "right")}) {
    const int net = side == before ? 1 : 2;
    const auto made = shell(fmt::format(
        "ip link add to-{0} address 02:00:00:00:0{1}:01 type veth peer name {0} address "
        "02:00:00:00:0{1}:02 netns /proc/{2}/fd/{3}",
        name, net, getpid(), places_[side]));
    if (made.first != 0) throw std::runtime_error(made.second);
    enter(side);
    shell(fmt::format("ip link set {} up", name));
    enter(gateway);
  }
  const auto [status, out] = shell(std::string(gateway_script));
  if (status != 0) throw std::runtime_error(out);
}

void GatewayLab::open_socket(Side side, const char* interface) {
  enter(side);
  const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ALL));
  if (fd < 0) fail("no packet socket");
  sockets_[side] = fd;
  const int on = 1, room = 64 << 20;
  if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) != 0 ||
      setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) != 0) {
    fail("no room for packets");
  }
  sockaddr_ll place{};
  place.sll_family = AF_PACKET;
  place.sll_protocol = htons(ETH_P_ALL);
  place.sll_ifindex = static_cast<int>(if_nametoindex(interface));
  if (bind(fd, reinterpret_cast<sockaddr*>(&place), sizeof place) != 0) fail(interface);
}

}  // namespace hcipol::test
