// Which protocols Azure Firewall knows: network rules TCP, UDP, ICMP and Any; application rules
// HTTP, HTTPS (and SQL Server, for which the language has no word).
#include "backends/azure_firewall/services.h"

#include <algorithm>

namespace hcipol::backends::azure_firewall {

namespace {

constexpr std::uint16_t last_port = 65'535;
constexpr int https_port = 443;
constexpr int http_port = 80;

/// Ports go from 1. Nothing uses port 0, so a run that starts there is told from 1 on.
std::vector<std::string> port_texts(const std::vector<net::PortRange>& ranges) {
  std::vector<std::string> out;
  for (const net::PortRange& range : ranges) {
    if (range.first <= 1 && range.last == last_port) return {"*"};
    if (range.last == 0) continue;
    const std::uint16_t first = std::max<std::uint16_t>(range.first, 1);
    out.push_back(first == range.last ? std::to_string(first)
                                      : std::to_string(first) + "-" + std::to_string(range.last));
  }
  return out;
}

void add_ports(Layer4Services& out, const net::ServiceSet& service, std::uint8_t protocol,
               std::string_view name, std::string_view suffix) {
  std::vector<std::string> ports = port_texts(service.ports(protocol));
  if (ports.empty()) {
    out.impossible = out.impossible | service.only(protocol);
  } else if (!out.parts.empty() && out.parts.back().ports == ports) {
    out.parts.back().protocols.push_back(name);
    out.parts.back().suffix = "-tcp-udp";
  } else {
    out.parts.push_back({{name}, std::move(ports), suffix});
  }
}

}  // namespace

net::ServiceSet without_icmpv6(const net::ServiceSet& service) {
  const net::ServiceSet icmpv6 = net::ServiceSet::whole(net::protocol::icmpv6);
  return (service | icmpv6).is_any() ? net::ServiceSet::any() : service - icmpv6;
}

Layer4Services layer4(const net::ServiceSet& service) {
  Layer4Services out;
  if (service.is_any()) {
    out.parts.push_back({{"Any"}, {"*"}, "-any"});
    return out;
  }
  for (const std::uint8_t protocol : service.protocols()) {
    switch (protocol) {
      case net::protocol::tcp: add_ports(out, service, protocol, "TCP", "-tcp"); break;
      case net::protocol::udp: add_ports(out, service, protocol, "UDP", "-udp"); break;
      case net::protocol::icmp: break;
      default: out.impossible = out.impossible | net::ServiceSet::whole(protocol);
    }
  }
  // After the others, because TCP and UDP look for each other in the last part.
  if (!service.only(net::protocol::icmp).empty()) {
    out.icmp_widened = !service.contains_whole(net::protocol::icmp);
    out.parts.push_back({{"ICMP"}, {"*"}, "-icmp"});
  }
  return out;
}

net::ServiceSet service_of(const Layer4& part, const net::ServiceSet& service) {
  net::ServiceSet out;
  for (const std::string_view name : part.protocols) {
    if (name == "Any") return service;
    out = out | service.only(name == "TCP"   ? net::protocol::tcp
                             : name == "UDP" ? net::protocol::udp
                                             : net::protocol::icmp);
  }
  return out;
}

std::vector<ApplicationProtocol> web_protocols(const net::ServiceSet& service) {
  std::vector<ApplicationProtocol> out;
  for (const net::PortRange& range : service.ports(net::protocol::tcp)) {
    if (range.first != range.last) continue;
    if (range.first == https_port) out.insert(out.begin(), {"Https", https_port});
    if (range.first == http_port) out.push_back({"Http", http_port});
  }
  return out;
}

net::ServiceSet service_of(const std::vector<ApplicationProtocol>& protocols) {
  net::ServiceSet out;
  for (const ApplicationProtocol& protocol : protocols) {
    const auto port = static_cast<std::uint16_t>(protocol.port);
    out = out | net::ServiceSet::ports(net::protocol::tcp, port, port);
  }
  return out;
}

}  // namespace hcipol::backends::azure_firewall
