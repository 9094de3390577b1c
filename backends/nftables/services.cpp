// Unlike iptables, nftables has no number that stands for "any": every set of services can be said.
#include "backends/nftables/services.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace hcipol::backends::nftables {

namespace {

namespace protocol = net::protocol;
using net::PortRange;

/// Types of which every code is a member go into `whole`, what is left of others into `out`.
void add_types(std::vector<Service>& out, const net::ServiceSet& set, std::uint8_t number) {
  Service whole{Service::Kind::types, number, {}};
  std::optional<Service> part;
  for (const PortRange& run : set.ports(number)) {
    for (unsigned point = run.first; point <= run.last;) {
      const unsigned type = point >> 8;
      const unsigned end = std::min<unsigned>(run.last, point | 255);
      const PortRange codes{static_cast<std::uint16_t>(point), static_cast<std::uint16_t>(end)};
      point = end + 1;
      if (codes.last - codes.first == 255) {
        const auto as_type = static_cast<std::uint16_t>(type);
        if (!whole.numbers.empty() && whole.numbers.back().last + 1 == as_type) {
          whole.numbers.back().last = as_type;
        } else {
          whole.numbers.push_back({as_type, as_type});
        }
        continue;
      }
      if (part && part->numbers.back().first >> 8 != type) {
        out.push_back(std::move(*part));
        part.reset();
      }
      if (!part) part = Service{Service::Kind::codes, number, {}};
      part->numbers.push_back(codes);
    }
  }
  if (part) out.push_back(std::move(*part));
  if (!whole.numbers.empty()) out.push_back(std::move(whole));
}

}  // namespace

std::vector<Service> rules_of(const net::ServiceSet& set, net::Family family) {
  std::vector<Service> out;
  Service whole;
  // ICMP belongs to one family each. The other protocol number can be on the wire, but nobody there
  // answers to it: it is named only where all protocols about it are meant.
  const std::uint8_t foreign = family == net::Family::ipv4 ? protocol::icmpv6 : protocol::icmp;
  for (const std::uint8_t number : set.protocols()) {
    if (number == foreign && !set.contains_whole(static_cast<std::uint8_t>(number + 1))) continue;
    if (set.contains_whole(number)) {
      if (!whole.numbers.empty() && whole.numbers.back().last + 1 == number) {
        whole.numbers.back().last = number;
      } else {
        whole.numbers.push_back({number, number});
      }
    } else if (net::has_ports(number)) {
      out.push_back({Service::Kind::ports, number, set.ports(number)});
    } else if (number != foreign) {
      add_types(out, set, number);
    }
  }
  if (!whole.numbers.empty()) out.push_back(std::move(whole));
  return out;
}

net::ServiceSet set_of(const Service* service) {
  if (service == nullptr) return net::ServiceSet::any();
  const std::uint32_t base = std::uint32_t{service->protocol} << 16;
  std::vector<net::ServiceRange> ranges;
  for (const auto [first, last] : service->numbers) {
    switch (service->kind) {
      case Service::Kind::protocols:
        ranges.push_back({std::uint32_t{first} << 16, std::uint32_t{last} << 16 | 65535});
        break;
      case Service::Kind::types:
        ranges.push_back({base | std::uint32_t{first} << 8, base | std::uint32_t{last} << 8 | 255});
        break;
      case Service::Kind::ports:
      case Service::Kind::codes: ranges.push_back({base | first, base | last}); break;
    }
  }
  return net::ServiceSet::of(std::move(ranges));
}

}  // namespace hcipol::backends::nftables
