// Three numbers mean "any" to iptables and so cannot be matched: protocol 0, ICMP type 255, no
// port.
#include "backends/iptables/services.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace hcipol::backends::iptables {

namespace {

namespace protocol = net::protocol;

constexpr std::size_t port_slots = 15;

Service only_protocol(std::uint8_t number) {
  Service service;
  service.protocol = number;
  return service;
}

/// Lines for the parts of a set, which come in order.
class ServiceLister {
 public:
  explicit ServiceLister(std::string& fault) : fault_(fault) {}

  void add(std::uint8_t number, net::PortRange part) {
    if (number == 0) {
      fault_ = "IP protocol 0, which stands for every protocol there";
    } else if (part.first == 0 && part.last == 65535) {
      out_.push_back(only_protocol(number));
    } else if (net::has_ports(number)) {
      add_ports(number, part);
    } else {
      add_types(number, part);
    }
  }

  void add_all_but(std::uint8_t number) {
    out_.push_back(only_protocol(number));
    out_.back().negated = true;
  }

  std::vector<Service> take() { return std::move(out_); }

 private:
  void add_ports(std::uint8_t number, net::PortRange range) {
    const std::size_t slots = range.first == range.last ? 1 : 2;
    if (slots > free_ || out_.empty() || out_.back().protocol != number) {
      out_.push_back(only_protocol(number));
      free_ = port_slots;
    }
    out_.back().ports.push_back(range);
    free_ -= slots;
  }

  void add_types(std::uint8_t number, net::PortRange run) {
    for (unsigned point = run.first; point <= run.last;) {
      const unsigned type = point >> 8;
      const bool whole = (point & 255) == 0 && point + 255 <= run.last;
      if (number == protocol::icmp && type == 255) {
        fault_ = "ICMP type 255, which stands for every type there";
        return;
      }
      Service& service = out_.emplace_back(only_protocol(number));
      service.type = static_cast<std::uint8_t>(type);
      if (!whole) service.code = static_cast<std::uint8_t>(point & 255);
      point += whole ? 256 : 1;
    }
  }

  std::string& fault_;
  std::vector<Service> out_;
  std::size_t free_ = 0;  ///< slots of the last line, if it has ports
};

/// The one protocol that `set` does not have whole, all others being whole; or none.
std::optional<std::uint8_t> sole_absentee(const net::ServiceSet& set) {
  // Quick for what all policies have: of two protocols at least one would be whole.
  if (!set.contains_whole(253) && !set.contains_whole(254)) return std::nullopt;
  const net::ServiceSet rest = net::ServiceSet::any() - set;
  const auto absent = rest.protocols();
  if (absent.size() != 1) return std::nullopt;
  return absent.front();
}

}  // namespace

std::vector<Service> lines_of(const net::ServiceSet& set, net::Family family, std::string& fault) {
  if (set.is_any()) return {Service{}};
  ServiceLister lister(fault);
  // All others are one line, which leaves what the set has of this one.
  const auto absentee = sole_absentee(set);
  const bool all_but_one = absentee && *absentee != 0;
  if (all_but_one) lister.add_all_but(*absentee);
  // ICMP belongs to one family each: the other protocol number can be on the wire, but nobody
  // there answers to it.
  const std::uint8_t foreign = family == net::Family::ipv4 ? protocol::icmpv6 : protocol::icmp;
  for (const net::ServiceRange& range : set.ranges()) {
    for (std::uint32_t number = range.first >> 16; number <= range.last >> 16; ++number) {
      if (number == foreign || (all_but_one && number != *absentee)) continue;
      const std::uint32_t first = std::max(range.first, number << 16);
      const std::uint32_t last = std::min(range.last, number << 16 | 65535);
      lister.add(static_cast<std::uint8_t>(number),
                 {static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(last)});
    }
  }
  return lister.take();
}

net::ServiceSet set_of(const Service& service) {
  if (!service.protocol) return net::ServiceSet::any();
  const net::ServiceSet whole = net::ServiceSet::whole(*service.protocol);
  if (service.negated) return net::ServiceSet::any() - whole;
  const std::uint32_t base = std::uint32_t{*service.protocol} << 16;
  if (service.type && service.code) {
    return net::ServiceSet::containing(base | std::uint32_t{*service.type} << 8 | *service.code);
  }
  if (service.type) return net::ServiceSet::icmp_type(*service.protocol, *service.type);
  if (service.ports.empty()) return whole;
  std::vector<net::ServiceRange> ranges;
  for (const net::PortRange& range : service.ports) {
    ranges.push_back({base | range.first, base | range.last});
  }
  return net::ServiceSet::of(std::move(ranges));
}

const ServiceLines& ServiceBook::lines(const net::ServiceSet& set) {
  const auto [place, fresh] = entries_.try_emplace(&set);
  ServiceLines& out = place->second;
  if (!fresh) return out;
  auto& [v4, v6] = out.by_family;
  v4 = make(set, net::Family::ipv4, out.fault);
  const bool alike = std::none_of(set.ranges().begin(), set.ranges().end(), [](const auto& range) {
    const auto meets = [&](std::uint32_t number) {
      return range.first >> 16 <= number && number <= range.last >> 16;
    };
    return meets(protocol::icmp) || meets(protocol::icmpv6);
  });
  v6 = alike ? v4 : make(set, net::Family::ipv6, out.fault);
  return out;
}

std::span<const Service> ServiceBook::make(const net::ServiceSet& set, net::Family family,
                                           std::string& fault) {
  return document_.service_lists.emplace_back(lines_of(set, family, fault));
}

}  // namespace hcipol::backends::iptables
