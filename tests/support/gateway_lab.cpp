// One thread on one CPU puts packets into a virtual cable; the kernel carries each as far as it
// goes before the next, so that what has not arrived after an echo of the gateway never will.
#include "tests/support/gateway_lab.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <unordered_map>

#include "support/text.h"

namespace hcipol::test {

namespace {

using Clock = std::chrono::steady_clock;
using net::Address;
using net::Family;

constexpr Mac right_mac{2, 0, 0, 0, 2, 1}, behind_mac{2, 0, 0, 0, 2, 2};
constexpr std::size_t in_flight = 32;  ///< far fewer than the kernel's queues hold

Address address(std::string_view text) {
  return net::parse_address(text).value();
}

/// The thread stays where it is, so that the kernel handles its packets in their order.
class OneCpu {
 public:
  OneCpu() {
    CPU_ZERO(&all_);
    sched_getaffinity(0, sizeof all_, &all_);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<unsigned>(sched_getcpu()), &one);
    if (sched_setaffinity(0, sizeof one, &one) != 0) {
      throw std::runtime_error("the thread cannot be kept on one CPU");
    }
  }
  ~OneCpu() { sched_setaffinity(0, sizeof all_, &all_); }
  OneCpu(const OneCpu&) = delete;
  OneCpu& operator=(const OneCpu&) = delete;

 private:
  cpu_set_t all_;
};

bool is_host(const Address& one) {
  if (one.family == Family::ipv6) {
    const auto top = one.high >> 56;
    return ((top & 0xe0) == 0x20 || (top & 0xfe) == 0xfc) && one.high >> 48 != 0xfd99;
  }
  const auto first = one.low >> 24;
  return first > 0 && first < 224 && first != 127 && one.low >> 8 != 0xc00000;
}

}  // namespace

std::string to_string(Fate fate) {
  switch (fate) {
    case Fate::passed: return "passed";
    case Fate::one_way: return "passed, but not the answer";
    case Fate::reset: return "reset";
    case Fate::unreachable: return "unreachable";
    case Fate::silent: return "silence";
  }
  return "";
}

GatewayLab::~GatewayLab() {
  stop();
  for (const auto& [side, fd] : sockets_) close(fd);
  for (const Raw& raw : raw_) close(raw.fd);
  for (const auto& [family, fd] : senders_) close(fd);
  for (const auto& [side, fd] : places_) close(fd);
  close(home_);
}

void GatewayLab::enter(Side side) const {
  if (setns(places_.at(side), CLONE_NEWNET) != 0) fail("cannot enter a namespace");
}
void GatewayLab::leave() const {
  // To go on in the wrong namespace would be to send where nobody looks.
  if (setns(home_, CLONE_NEWNET) != 0) std::abort();
}

std::pair<int, std::string> GatewayLab::run(const std::string& script) const {
  enter(gateway);
  auto out = shell(script);
  leave();
  return out;
}

void GatewayLab::start(const std::vector<std::string>& words) {
  enter(gateway);
  const pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    std::vector<char*> arguments;
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    const int nothing = open("/dev/null", O_RDWR);
    for (const int fd : {0, 1, 2}) dup2(nothing, fd);
    setenv("PATH", "/usr/sbin:/sbin:/usr/bin:/bin", 1);
    execvp(arguments[0], arguments.data());
    _exit(127);
  }
  leave();
  if (child < 0) fail("cannot start " + words.front());
  running_.push_back(child);
}

std::optional<int> GatewayLab::ended() {
  int status = 0;
  if (running_.empty() || waitpid(running_.back(), &status, WNOHANG) == 0) return std::nullopt;
  running_.pop_back();
  return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

void GatewayLab::stop() {
  for (const pid_t child : running_) {
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
  }
  running_.clear();
}

void GatewayLab::forget() const {
  enter(gateway);
  const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
  leave();
  struct {
    nlmsghdr head;
    nfgenmsg message;
  } flush{};
  flush.head.nlmsg_len = sizeof flush;
  flush.head.nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE;
  flush.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  struct {
    nlmsghdr head;
    nlmsgerr error;
    std::array<char, 64> rest;
  } said{};
  const bool ok = ::send(fd, &flush, sizeof flush, 0) == sizeof flush &&
                  recv(fd, &said, sizeof said, 0) > 0 && said.error.error == 0;
  close(fd);
  if (!ok) throw std::runtime_error("connections cannot be forgotten");
}

void GatewayLab::put(Side side, const Bytes& frame) const {
  const ssize_t sent = ::send(sockets_.at(side), frame.data(), frame.size(), 0);
  if (sent != static_cast<ssize_t>(frame.size())) fail("cannot send");
}

std::uint16_t GatewayLab::next_tag() {
  if (++tag_ == 60000) tag_ = 20000;
  return tag_;
}

template <class At>
void GatewayLab::settle(Side side, const At& at) {
  const bool left = side == before;
  Opening echo{address(left ? "192.0.0.12" : "192.0.0.22"),
               address(left ? "192.0.0.11" : "192.0.0.21"), 1U << 16 | 8 << 8, next_tag(), ++id_};
  put(side, left ? frame_of(echo, before_mac, left_mac) : frame_of(echo, behind_mac, right_mac));
  // The gateway's own answers all go to the left.
  bool back = false;
  const auto until = Clock::now() + std::chrono::seconds(20);
  for (bool late = false; !back && !late;) {
    // A process that was kept waiting for longer than this looks once more.
    late = Clock::now() >= until;
    take(before, [&](const std::uint8_t* frame, std::size_t size) {
      const auto seen = seen_in(frame, size);
      if (seen && seen->id == echo.id && seen->kind == Seen::Kind::opening) {
        back = true;
      } else if (seen) {
        at(*seen);
      }
    });
    pollfd wait{sockets_[before], POLLIN, 0};
    if (!back) poll(&wait, 1, 100);
  }
  if (!back) throw std::runtime_error("the gateway does not answer");
}

void GatewayLab::send_some(std::span<const Probe> probes, std::span<Fate> fates) {
  std::unordered_map<std::uint32_t, std::size_t> by_id;
  std::unordered_map<std::uint16_t, std::size_t> by_tag;
  std::vector<Opening> openings;
  for (std::size_t i = 0; i < probes.size(); ++i) {
    const Probe& probe = probes[i];
    const Opening& one =
        openings.emplace_back(Opening{probe.from, probe.to, probe.service, next_tag(), ++id_});
    by_id[one.id] = i;
    by_tag[one.tag] = i;
    fates[i] = Fate::silent;
    put(before, frame_of(one, before_mac, left_mac));
    ++watched_.sent[0];
  }
  const auto note = [&](const Seen& seen) {
    if (seen.kind == Seen::Kind::answer) ++watched_.received[1];
    if (seen.kind == Seen::Kind::reset) {
      if (const auto at = by_tag.find(seen.tag); at != by_tag.end())
        fates[at->second] = Fate::reset;
    } else if (const auto at = by_id.find(seen.id); at != by_id.end()) {
      if (seen.kind == Seen::Kind::unreachable) fates[at->second] = Fate::unreachable;
      if (seen.kind == Seen::Kind::answer) fates[at->second] = Fate::passed;
    }
  };
  settle(before, note);
  take(behind, [&](const std::uint8_t* frame, std::size_t size) {
    const auto seen = seen_in(frame, size);
    const auto at = seen ? by_id.find(seen->id) : by_id.end();
    if (at == by_id.end()) return;
    ++watched_.received[0];
    const auto answer = answer_to(openings[at->second], behind_mac, right_mac);
    fates[at->second] = answer ? Fate::one_way : Fate::passed;
    if (!answer) return;
    put(behind, *answer);
    ++watched_.sent[1];
  });
  settle(behind, note);
}

bool GatewayLab::can_send(const Probe& probe) {
  if (probe.from.family != probe.to.family || probe.from == probe.to) return false;
  if (!is_host(probe.from) || !is_host(probe.to)) return false;
  const unsigned protocol = probe.service >> 16, detail = probe.service & 65535;
  const bool v6 = probe.from.family == Family::ipv6;
  switch (protocol) {
    case 6:
    case 17: return detail != 0;
    // Requests; what else there is, connection tracking takes for the answer to one.
    case 1: return !v6 && (detail >> 8 == 8 || detail >> 8 == 13);
    case 58: return v6 && detail >> 8 == 128;
    // GRE, ESP and OSPF, of which it knows no more than the number.
    default: return protocol == 47 || protocol == 50 || protocol == 89;
  }
}

std::vector<Fate> GatewayLab::send(std::span<const Probe> probes) {
  return send(probes, &GatewayLab::send_some);
}

std::vector<Fate> GatewayLab::send(std::span<const Probe> probes, SendSome send_these) {
  const OneCpu pinned;
  forget();
  std::vector<Fate> out(probes.size(), Fate::silent);
  std::vector<Probe> some;
  std::vector<std::size_t> places;
  std::vector<Fate> fates(in_flight);
  const auto flush = [&] {
    (this->*send_these)(some, std::span(fates).first(some.size()));
    for (std::size_t i = 0; i < some.size(); ++i) out[places[i]] = fates[i];
    some.clear();
    places.clear();
  };
  for (std::size_t i = 0; i < probes.size(); ++i) {
    const unsigned protocol = probes[i].service >> 16;
    const bool apart = protocol != 6 && protocol != 17 && protocol != 1 && protocol != 58;
    // Without ports, what goes the other way belongs to the same connection.
    if (apart && !some.empty()) flush();
    some.push_back(probes[i]);
    places.push_back(i);
    if (apart || some.size() == in_flight) flush();
    if (apart) forget();
  }
  if (!some.empty()) flush();
  return out;
}

double GatewayLab::flood(std::span<const Probe> probes, unsigned packets) {
  const OneCpu pinned;
  forget();
  std::vector<Bytes> frames;
  for (const Probe& probe : probes) {
    frames.push_back(
        frame_of({probe.from, probe.to, probe.service, next_tag(), ++id_}, before_mac, left_mac));
  }
  std::vector<iovec> parts;
  for (Bytes& frame : frames) parts.push_back({frame.data(), frame.size()});
  std::vector<mmsghdr> messages(frames.size());
  for (std::size_t i = 0; i < frames.size(); ++i) {
    messages[i].msg_hdr.msg_iov = &parts[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  // What arrives is only counted by time.
  sock_filter none{BPF_RET, 0, 0, 0};
  const sock_fprog filter{1, &none};
  const int fd = sockets_[behind];
  setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
  const auto ignore = [](const Seen&) {};
  settle(before, ignore);
  const auto start = Clock::now();
  for (unsigned sent = 0; sent < packets;) {
    const auto count =
        static_cast<unsigned>(std::min<std::size_t>(messages.size(), packets - sent));
    const int done = sendmmsg(sockets_[before], messages.data(), count, 0);
    if (done <= 0) fail("cannot send");
    sent += static_cast<unsigned>(done);
  }
  settle(before, ignore);
  const std::chrono::duration<double> took = Clock::now() - start;
  setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &filter, sizeof filter);
  return took.count() / packets;
}

bool GatewayLab::ask(const std::string& name, double seconds) {
  unsigned answered = 0;
  for (const unsigned kind : {1U, 28U}) {
    const std::uint16_t tag = next_tag();
    std::string query{static_cast<char>(tag >> 8), static_cast<char>(tag)};
    query += std::string("\1\0\0\1\0\0\0\0\0\0", 10);
    for (const std::string_view label : split(name, '.')) {
      query += static_cast<char>(label.size());
      query += label;
    }
    query += std::string("\0\0", 2) + static_cast<char>(kind) + std::string("\0\1", 2);
    const Opening to_server{address("192.0.0.12"), address("192.0.0.11"), 17U << 16 | 53, tag, 0};
    put(before, datagram(to_server, query, before_mac, left_mac));
    const auto until = Clock::now() + std::chrono::duration<double>(seconds);
    for (bool done = false; !done && Clock::now() < until;) {
      take(before, [&](const std::uint8_t* frame, std::size_t size) {
        const bool udp = size > 54 && frame[12] == 8 && frame[13] == 0 && frame[23] == 17;
        // Its identifier, and an answer in it.
        if (!udp || (frame[42] << 8 | frame[43]) != tag || frame[49] == 0) return;
        done = true;
        ++answered;
      });
      pollfd wait{sockets_[before], POLLIN, 0};
      if (!done) poll(&wait, 1, 10);
    }
  }
  return answered == 2;
}

}  // namespace hcipol::test
