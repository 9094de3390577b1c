// Services as Azure's rules have them: protocols with ports for layer 4, HTTP and HTTPS for
// layer 7.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "backends/azure_firewall/document.h"
#include "net/service.h"

namespace hcipol::backends::azure_firewall {

/// Protocols that share their ports: one network rule.
struct Layer4 {
  std::vector<std::string_view> protocols;
  std::vector<std::string> ports;
  std::string_view suffix;  ///< for the names of rules: "-tcp"
};

/// A service of IPv4, taken apart.
struct Layer4Services {
  std::vector<Layer4> parts;
  bool icmp_widened = false;   ///< only some types or codes were asked for; Azure has none
  net::ServiceSet impossible;  ///< other protocols, and port 0 on its own
};
Layer4Services layer4(const net::ServiceSet& service);
/// What of `service` is in a part of it.
net::ServiceSet service_of(const Layer4& part, const net::ServiceSet& service);

/// Without ICMPv6, which IPv4 does not have; any service stays any.
net::ServiceSet without_icmpv6(const net::ServiceSet& service);

/// HTTPS on 443 and HTTP on 80, as far as the service has these ports on their own: in a longer run
/// of ports nothing says that they are meant for the web.
std::vector<ApplicationProtocol> web_protocols(const net::ServiceSet& service);
/// tcp/80 and tcp/443.
net::ServiceSet service_of(const std::vector<ApplicationProtocol>& protocols);

}  // namespace hcipol::backends::azure_firewall
