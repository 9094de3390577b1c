// Windows matches one protocol per rule, or all of them.
#include "backends/windows_firewall/services.h"

#include <fmt/format.h>

#include <string>

namespace hcipol::backends::windows_firewall {

namespace {

std::vector<std::string> port_texts(const std::vector<net::PortRange>& ranges) {
  std::vector<std::string> out;
  for (const auto& [first, last] : ranges) {
    out.push_back(first == last ? fmt::format("{}", first) : fmt::format("{}-{}", first, last));
  }
  return out;
}

// A type alone means every code; `1:*` is not known to work in New-NetFirewallRule.
std::vector<std::string> type_texts(const std::vector<net::PortRange>& runs) {
  std::vector<std::string> out;
  for (const auto& run : runs) {
    for (unsigned type = run.first >> 8; type <= run.last >> 8u; ++type) {
      const unsigned first = type == run.first >> 8u ? run.first & 0xffu : 0;
      const unsigned last = type == run.last >> 8u ? run.last & 0xffu : 0xff;
      if (first == 0 && last == 0xff) {
        out.push_back(fmt::format("{}", type));
        continue;
      }
      for (unsigned code = first; code <= last; ++code) {
        out.push_back(fmt::format("{}:{}", type, code));
      }
    }
  }
  return out;
}

Match match(const net::ServiceSet& service, std::uint8_t protocol) {
  Match out;
  out.service = service.only(protocol);
  const bool whole = service.contains_whole(protocol);
  switch (protocol) {
    case net::protocol::tcp: out.protocol = "TCP"; break;
    case net::protocol::udp: out.protocol = "UDP"; break;
    case net::protocol::icmp:
      out.protocol = "ICMPv4";
      out.families = v4;
      break;
    case net::protocol::icmpv6:
      out.protocol = "ICMPv6";
      out.families = v6;
      break;
    default: out.protocol = fmt::format("{}", protocol);
  }
  if (whole) return out;
  auto& details = net::has_ports(protocol) ? out.ports : out.icmp_types;
  const std::vector<net::PortRange> ranges = service.ports(protocol);
  details = net::has_ports(protocol) ? port_texts(ranges) : type_texts(ranges);
  return out;
}

}  // namespace

std::vector<Match> matches(const net::ServiceSet& service) {
  if (service.is_any()) return {Match{"Any", both, {}, {}, service}};
  std::vector<Match> out;
  for (const std::uint8_t protocol : service.protocols()) out.push_back(match(service, protocol));
  return out;
}

net::ServiceSet service_of(const BuiltinRule& builtin) {
  const auto detail = static_cast<std::uint16_t>(std::stoul(std::string(builtin.detail)));
  if (builtin.protocol == "TCP") return net::ServiceSet::ports(net::protocol::tcp, detail, detail);
  if (builtin.protocol == "UDP") return net::ServiceSet::ports(net::protocol::udp, detail, detail);
  const bool v4_only = builtin.protocol == "ICMPv4";
  return net::ServiceSet::icmp_type(v4_only ? net::protocol::icmp : net::protocol::icmpv6,
                                    static_cast<std::uint8_t>(detail));
}

}  // namespace hcipol::backends::windows_firewall
