// Windows matches one protocol per rule, or all of them.
#include "backends/windows_firewall/services.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "backends/common/text.h"

namespace hcipol::backends::windows_firewall {

namespace {

// Without the protocol.
unsigned detail(std::uint32_t point) {
  return point & 0xffffu;
}

void add_ports(std::vector<std::string>& out, const net::ServiceRange& ports) {
  std::string& text = out.emplace_back(text_of(decimal(detail(ports.first))));
  if (ports.first != ports.last) put(text, "-", decimal(detail(ports.last)));
}

// A type alone means every code; `1:*` is not known to work in New-NetFirewallRule.
void add_types(std::vector<std::string>& out, const net::ServiceRange& run) {
  const unsigned run_first = detail(run.first), run_last = detail(run.last);
  for (unsigned type = run_first >> 8; type <= run_last >> 8; ++type) {
    const unsigned first = type == run_first >> 8 ? run_first & 0xffu : 0;
    const unsigned last = type == run_last >> 8 ? run_last & 0xffu : 0xff;
    if (first == 0 && last == 0xff) {
      out.push_back(fmt::format("{}", type));
      continue;
    }
    for (unsigned code = first; code <= last; ++code) {
      out.push_back(fmt::format("{}:{}", type, code));
    }
  }
}

void set_match(Match& out, net::ServiceSet service, std::uint8_t protocol) {
  out.service = std::move(service);
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
  if (out.service.contains_whole(protocol)) return;
  for (const net::ServiceRange& range : out.service.ranges()) {
    if (net::has_ports(protocol)) {
      add_ports(out.ports, range);
    } else {
      add_types(out.icmp_types, range);
    }
  }
}

}  // namespace

std::vector<Match> matches(const net::ServiceSet& service) {
  std::vector<Match> out;
  if (service.is_any()) {
    out.push_back({"Any", both, {}, {}, service});
    return out;
  }
  const std::vector<std::uint8_t> protocols = service.protocols();
  out.reserve(protocols.size());
  for (const std::uint8_t protocol : protocols) {
    set_match(out.emplace_back(), protocols.size() == 1 ? service : service.only(protocol),
              protocol);
  }
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
