// Lists of boxes in the shapes that rules have, and in shapes that break weaker methods; the same
// on every run.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "net/packet_set.h"

namespace hcipol::bench {

class BoxShapes {
 public:
  /// 150 rules a cluster, made of modules that all clusters share: 16 roles of a /24 each, and as
  /// destinations groups of up to 30 prefixes, service tags of up to 2,500, names, own roles,
  /// neighbours' roles and the whole cluster.
  std::vector<std::vector<net::Box>> product(std::size_t clusters) {
    constexpr std::size_t rules = 150;
    std::vector<net::PeerSet> groups, tags, names;
    for (int i = 0; i < 200; ++i) groups.push_back(prefixes(1 + below(30), 0xac10'0000, 20, 22));
    for (int i = 0; i < 40; ++i) {
      const double size = std::pow(10.0, 1.3 + static_cast<double>(below(1000)) / 1000 * 2.1);
      tags.push_back(prefixes(20 + static_cast<std::size_t>(size), 0x0d00'0000, 27, 20));
    }
    for (std::size_t i = 0; i < 500; ++i) {
      const bool wildcard = below(4) == 0;
      const std::string zone = fmt::format("zone{}.example.com", below(120));
      names.push_back(named(wildcard ? zone : fmt::format("h{}.{}", below(40), zone), wildcard));
    }
    std::vector<net::ServiceSet> services;
    for (int i = 0; i < 60; ++i) services.push_back(random_services());

    struct Template {
      std::size_t from, kind, a, b, service;
    };
    std::vector<std::vector<Template>> modules(90);
    for (auto& module : modules) {
      for (int i = 0; i < 5; ++i) {
        module.push_back({below(16), below(100), below(1000), below(16), below(services.size())});
      }
    }

    std::vector<std::vector<net::Box>> out(clusters);
    for (std::size_t c = 0; c < clusters; ++c) {
      while (out[c].size() < rules) {
        for (const Template& t : modules[below(modules.size())]) {
          const auto to = t.kind < 30   ? groups[t.a % groups.size()]
                          : t.kind < 55 ? role(c, t.b)
                          : t.kind < 70 ? tags[t.a % tags.size()]
                          : t.kind < 85 ? names[t.a % names.size()]
                          : t.kind < 95 ? role((c + 1 + t.a % 5) % clusters, t.b)
                                        : net::PeerSet{range(cluster_base(c), 20), {}};
          out[c].push_back({role(c, t.from), to, services[t.service]});
        }
      }
    }
    return out;
  }

  /// Prefixes of all lengths on both sides, nested as those of an access list (never wide on both),
  /// and a port, runs of ports or a whole protocol. One rule in 20 is covered by the two after it.
  std::vector<net::Box> access_list(std::size_t rules) {
    static constexpr unsigned lengths[] = {0, 8, 12, 16, 20, 24, 24, 24, 28, 31, 31, 32};
    const auto address = [&] {
      // A few networks with much below them, so that rules overlap.
      const auto base = static_cast<std::uint32_t>(below(12) * 0x0a00'0000 + below(6) * 0x10'0000);
      return base + static_cast<std::uint32_t>(below(1U << 16));
    };
    const auto side = [](std::uint32_t at, unsigned length) {
      return net::PeerSet{range(at, length), {}};
    };
    std::vector<net::Box> out;
    while (out.size() < rules) {
      const unsigned from = lengths[below(std::size(lengths))];
      const unsigned to = lengths[below(std::size(lengths))];
      if (from + to < 36) continue;
      const std::uint32_t source = address();
      const std::uint32_t target = address();
      const auto service = below(4) == 0 ? net::ServiceSet::whole(6) : random_services();
      out.push_back({side(source, from), side(target, to), service});
      if (below(20) != 0 || from == 0 || to == 32) continue;
      const std::uint32_t half = 1U << (31 - to);
      for (const std::uint32_t at : {target & ~half, target | half}) {
        out.push_back({side(source, from - 1), side(at, to + 1), service});
      }
    }
    return out;
  }

  /// Half "one address to one address", half "any to one address": nodes of one axis with nothing
  /// to share.
  std::vector<net::Box> crossing(std::size_t rules) {
    const auto address = [&] { return net::PeerSet{range(random32(), 32), {}}; };
    std::vector<net::Box> out;
    for (std::size_t i = 0; i < rules; ++i) {
      const net::PeerSet from = i % 2 == 0 ? address() : net::PeerSet::all();
      out.push_back({from, address(), net::ServiceSet::any()});
    }
    return out;
  }

 private:
  std::size_t below(std::size_t limit) { return random_() % limit; }
  std::uint32_t random32() { return static_cast<std::uint32_t>(random_()); }

  static std::uint32_t cluster_base(std::size_t cluster) {
    return 0x0a00'0000 + (static_cast<std::uint32_t>(cluster) << 12);
  }
  static net::AddressSet range(std::uint32_t address, unsigned length) {
    const net::Address inside{net::Family::ipv4, 0, address};
    return net::AddressSet(
        net::AddressRange{net::first_of(inside, length), net::last_of(inside, length)});
  }
  static net::PeerSet role(std::size_t cluster, std::size_t number) {
    return {range(cluster_base(cluster) + (static_cast<std::uint32_t>(number) << 8), 24), {}};
  }
  static net::PeerSet named(const std::string& name, bool wildcard) {
    return {{}, net::DomainSet(net::DomainPattern{name, wildcard})};
  }

  /// Prefixes of `shortest` bits or up to 11 more, within 2^bits addresses from `base` on.
  net::PeerSet prefixes(std::size_t count, std::uint32_t base, unsigned bits, unsigned shortest) {
    net::PeerSet out;
    std::vector<net::AddressRange> ranges;
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint32_t address = base + (random32() & ((1U << bits) - 1));
      const auto set = range(address, shortest + static_cast<unsigned>(below(11)));
      ranges.push_back(set.ranges().front());
    }
    return {net::AddressSet::of(std::move(ranges)), {}};
  }

  net::ServiceSet random_services() {
    const std::uint8_t protocol = below(3) == 0 ? net::protocol::udp : net::protocol::tcp;
    if (below(10) == 0) return net::ServiceSet::whole(protocol);
    net::ServiceSet out;
    for (std::size_t i = 0, n = 1 + below(4); i < n; ++i) {
      const auto first = static_cast<std::uint16_t>(1 + below(10'000));
      const auto more = static_cast<std::uint16_t>(below(4) == 0 ? below(2000) : 0);
      out = out | net::ServiceSet::ports(protocol, first, static_cast<std::uint16_t>(first + more));
    }
    return out;
  }

  std::mt19937_64 random_{1};
};

}  // namespace hcipol::bench
