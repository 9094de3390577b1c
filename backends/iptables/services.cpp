// Three numbers mean "any" to iptables and so cannot be matched: protocol 0, ICMP type 255, no
// port.
#include "backends/iptables/services.h"

#include <cstddef>

namespace hcipol::backends::iptables {

namespace {

namespace protocol = net::protocol;

constexpr std::size_t port_slots = 15;

Service only_protocol(std::uint8_t number) {
  Service service;
  service.protocol = number;
  return service;
}

void add_ports(std::vector<Service>& out, const net::ServiceSet& set, std::uint8_t number) {
  std::size_t free = 0;
  for (const net::PortRange& range : set.ports(number)) {
    const std::size_t slots = range.first == range.last ? 1 : 2;
    if (slots > free) {
      out.push_back(only_protocol(number));
      free = port_slots;
    }
    out.back().ports.push_back(range);
    free -= slots;
  }
}

void add_types(std::vector<Service>& out, const net::ServiceSet& set, std::uint8_t number,
               std::string& fault) {
  for (const net::PortRange& run : set.ports(number)) {
    for (unsigned point = run.first; point <= run.last;) {
      const unsigned type = point >> 8;
      const bool whole = (point & 255) == 0 && point + 255 <= run.last;
      if (number == protocol::icmp && type == 255) {
        fault = "ICMP type 255, which stands for every type there";
        return;
      }
      Service& service = out.emplace_back(only_protocol(number));
      service.type = static_cast<std::uint8_t>(type);
      if (!whole) service.code = static_cast<std::uint8_t>(point & 255);
      point += whole ? 256 : 1;
    }
  }
}

/// The one protocol that `set` has nothing of, all others being whole; or none.
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
  std::vector<Service> out;
  const auto absentee = sole_absentee(set);
  if (absentee && *absentee != 0) {
    out.push_back(only_protocol(*absentee));
    out.back().negated = true;
  }
  // ICMP belongs to one family each: the other protocol number can be on the wire, but nobody
  // there answers to it.
  const std::uint8_t foreign = family == net::Family::ipv4 ? protocol::icmpv6 : protocol::icmp;
  for (const std::uint8_t number : set.protocols()) {
    if (number == foreign || (absentee && number != *absentee && *absentee != 0)) continue;
    if (number == 0) {
      fault = "IP protocol 0, which stands for every protocol there";
    } else if (set.contains_whole(number)) {
      out.push_back(only_protocol(number));
    } else if (net::has_ports(number)) {
      add_ports(out, set, number);
    } else {
      add_types(out, set, number, fault);
    }
  }
  return out;
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

}  // namespace hcipol::backends::iptables
