// The gateway as a machine: raw sockets see what its filter has let in, and send what it must let
// out.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <unordered_map>

#include "tests/support/gateway_lab.h"

namespace hcipol::test {

namespace {

constexpr std::size_t of_ethernet = 14, of_ipv6 = 40;

/// Asks for the gateway's address on the left cable. No filter for IP has a say in it.
Bytes arp_request() {
  Bytes out(left_mac.begin(), left_mac.end());
  out.insert(out.end(), before_mac.begin(), before_mac.end());
  const Bytes head{8, 6, 0, 1, 8, 0, 6, 4, 0, 1};
  out.insert(out.end(), head.begin(), head.end());
  out.insert(out.end(), before_mac.begin(), before_mac.end());
  const Bytes addresses{192, 0, 0, 12, 0, 0, 0, 0, 0, 0, 192, 0, 0, 11};
  out.insert(out.end(), addresses.begin(), addresses.end());
  return out;
}

bool is_arp_reply(const std::uint8_t* frame, std::size_t size) {
  return size >= of_ethernet + 28 && frame[12] == 8 && frame[13] == 6 && frame[21] == 2;
}

/// The probes of a batch by what comes back of them.
class Batch {
 public:
  std::size_t add(const Opening& opening) {
    by_id_[opening.id] = by_tag_[opening.tag] = openings_.size();
    openings_.push_back(opening);
    return openings_.size() - 1;
  }
  const Opening& opening(std::size_t index) const { return openings_[index]; }
  std::optional<std::size_t> of(const Seen& seen) const {
    if (seen.kind == Seen::Kind::reset) return in(by_tag_, seen.tag);
    return in(by_id_, seen.id);
  }
  /// Whether the far end has something to say to it.
  bool asks(std::size_t index) const {
    return answer_to(openings_[index], before_mac, left_mac).has_value();
  }

 private:
  template <class Map>
  static std::optional<std::size_t> in(const Map& map, typename Map::key_type key) {
    const auto found = map.find(key);
    if (found == map.end()) return std::nullopt;
    return found->second;
  }

  std::vector<Opening> openings_;
  std::unordered_map<std::uint32_t, std::size_t> by_id_;
  std::unordered_map<std::uint16_t, std::size_t> by_tag_;
};

Fate refusal(const Seen& seen) {
  return seen.kind == Seen::Kind::reset ? Fate::reset : Fate::unreachable;
}

bool is_refusal(const Seen& seen) {
  return seen.kind == Seen::Kind::reset || seen.kind == Seen::Kind::unreachable;
}

}  // namespace

void GatewayLab::own(const net::AddressSet& addresses) {
  if (raw_.empty()) open_raw();
  std::string script = "set -e\n";
  for (const char* family : {"-4", "-6"}) {
    script += fmt::format("ip {} route flush table local proto 99\n", family);
  }
  for (const net::Cidr& cidr : addresses.cidrs()) {
    script +=
        fmt::format("ip route add local {} dev lo table local proto 99\n", net::to_string(cidr));
  }
  const auto [status, out] = run(script);
  if (status != 0) throw std::runtime_error(out);
  own_ = addresses;
}

void GatewayLab::open_raw() {
  enter(gateway);
  const auto open = [](net::Family family, int protocol) {
    const int domain = family == net::Family::ipv4 ? AF_INET : AF_INET6;
    const int fd = socket(domain, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
    const int room = 4 << 20;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    return fd;
  };
  bool good = true;
  for (const net::Family family : {net::Family::ipv4, net::Family::ipv6}) {
    const bool v6 = family == net::Family::ipv6;
    for (const int protocol : {v6 ? 58 : 1, 6, 17, 47, 50, 89}) {
      raw_.push_back({open(family, protocol), family, static_cast<std::uint8_t>(protocol)});
      good = good && raw_.back().fd >= 0;
    }
    // Whoever opens this one writes the header as well.
    senders_[family] = open(family, IPPROTO_RAW);
    good = good && senders_[family] >= 0;
  }
  leave();
  if (!good) fail("no raw socket");
}

/// Sends what is behind the frame's Ethernet header from the gateway.
void GatewayLab::emit(const Bytes& frame) const {
  const bool v6 = frame[12] == 0x86;
  const std::uint8_t* packet = frame.data() + of_ethernet;
  const std::size_t size = frame.size() - of_ethernet;
  sockaddr_storage to{};
  socklen_t length = 0;
  if (v6) {
    auto& place = reinterpret_cast<sockaddr_in6&>(to);
    place.sin6_family = AF_INET6;
    std::memcpy(&place.sin6_addr, packet + 24, 16);
    length = sizeof place;
  } else {
    auto& place = reinterpret_cast<sockaddr_in&>(to);
    place.sin_family = AF_INET;
    std::memcpy(&place.sin_addr, packet + 16, 4);
    length = sizeof place;
  }
  const int fd = senders_.at(v6 ? net::Family::ipv6 : net::Family::ipv4);
  const ssize_t sent = sendto(fd, packet, size, 0, reinterpret_cast<const sockaddr*>(&to), length);
  // It is told when the filter takes a packet away.
  if (sent < 0 && errno != EPERM) fail("the machine cannot send");
}

/// What has been let in; an IPv6 socket keeps the header to itself.
template <class At>
void GatewayLab::take_own(const At& at) {
  for (const Raw& raw : raw_) {
    const bool v6 = raw.family == net::Family::ipv6;
    const std::size_t before_it = of_ethernet + (v6 ? of_ipv6 : 0);
    for (;;) {
      const ssize_t size = recv(raw.fd, buffer_.data() + before_it, buffer_.size() - before_it, 0);
      if (size < 0) break;
      std::fill_n(buffer_.begin(), before_it, std::uint8_t{0});
      buffer_[12] = v6 ? 0x86 : 8;
      buffer_[13] = v6 ? 0xdd : 0;
      if (v6) buffer_[of_ethernet + 6] = raw.protocol;
      const auto seen = seen_in(buffer_.data(), before_it + static_cast<std::size_t>(size));
      if (seen) at(*seen);
    }
  }
}

/// As settle(), whatever the machine's filter says of echoes.
template <class At>
void GatewayLab::settle_own(const At& at) {
  using Clock = std::chrono::steady_clock;
  put(before, arp_request());
  bool back = false;
  const auto until = Clock::now() + std::chrono::seconds(20);
  for (bool late = false; !back && !late;) {
    late = Clock::now() >= until;
    take(before, [&](const std::uint8_t* frame, std::size_t size) {
      back = back || is_arp_reply(frame, size);
      if (const auto seen = seen_in(frame, size)) at(*seen);
    });
    pollfd wait{sockets_[before], POLLIN, 0};
    if (!back) poll(&wait, 1, 100);
  }
  if (!back) throw std::runtime_error("the machine does not answer");
}

/// No program listens, so the kernel answers what comes in: with a reset, an error, or a reply.
void GatewayLab::receive_some(std::span<const Probe> probes, std::span<Fate> fates) {
  Batch batch;
  for (const Probe& probe : probes) {
    const Opening one{probe.from, probe.to, probe.service, next_tag(), ++id_};
    fates[batch.add(one)] = Fate::silent;
    put(before, frame_of(one, before_mac, left_mac));
  }
  std::vector<bool> answered(probes.size());
  settle_own([&](const Seen& seen) {
    const auto at = batch.of(seen);
    if (!at) return;
    answered[*at] = true;
    if (is_refusal(seen)) fates[*at] = refusal(seen);
  });
  take_own([&](const Seen& seen) {
    const auto at = batch.of(seen);
    if (!at || seen.kind != Seen::Kind::opening) return;
    fates[*at] = answered[*at] || !batch.asks(*at) ? Fate::passed : Fate::one_way;
  });
}

void GatewayLab::emit_some(std::span<const Probe> probes, std::span<Fate> fates) {
  Batch batch;
  for (const Probe& probe : probes) {
    const Opening one{probe.from, probe.to, probe.service, next_tag(), ++id_};
    fates[batch.add(one)] = Fate::silent;
    emit(frame_of(one, before_mac, left_mac));
  }
  settle_own([&](const Seen& seen) {
    const auto at = batch.of(seen);
    if (!at || seen.kind != Seen::Kind::opening) return;
    const auto answer = answer_to(batch.opening(*at), before_mac, left_mac);
    fates[*at] = answer ? Fate::one_way : Fate::passed;
    if (answer) put(before, *answer);
  });
  settle_own([](const Seen&) {});
  take_own([&](const Seen& seen) {
    const auto at = batch.of(seen);
    if (!at) return;
    if (seen.kind == Seen::Kind::answer) fates[*at] = Fate::passed;
    if (is_refusal(seen) && fates[*at] == Fate::silent) fates[*at] = refusal(seen);
  });
}

/// It arrives where it came from, by the loopback interface.
void GatewayLab::emit_to_itself(std::span<const Probe> probes, std::span<Fate> fates) {
  Batch batch;
  for (const Probe& probe : probes) {
    const Opening one{probe.from, probe.to, probe.service, next_tag(), ++id_};
    fates[batch.add(one)] = Fate::silent;
    emit(frame_of(one, before_mac, left_mac));
  }
  settle_own([](const Seen&) {});
  take_own([&](const Seen& seen) {
    const auto at = batch.of(seen);
    if (!at) return;
    if (seen.kind == Seen::Kind::opening) fates[*at] = Fate::passed;
    if (is_refusal(seen) && fates[*at] == Fate::silent) fates[*at] = refusal(seen);
  });
}

std::vector<Fate> GatewayLab::send_own(std::span<const Probe> probes) {
  const auto way_of = [&](const Probe& probe) {
    if (!own_.contains(probe.to)) return &GatewayLab::emit_some;
    return own_.contains(probe.from) ? &GatewayLab::emit_to_itself : &GatewayLab::receive_some;
  };
  std::vector<Fate> out(probes.size(), Fate::silent);
  for (const SendSome way :
       {&GatewayLab::receive_some, &GatewayLab::emit_some, &GatewayLab::emit_to_itself}) {
    std::vector<Probe> some;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < probes.size(); ++i) {
      if (way_of(probes[i]) != way) continue;
      some.push_back(probes[i]);
      places.push_back(i);
    }
    const auto fates = send(some, way);
    for (std::size_t i = 0; i < places.size(); ++i) out[places[i]] = fates[i];
  }
  return out;
}

}  // namespace hcipol::test
