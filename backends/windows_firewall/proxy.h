// The servers' own proxy settings: one list of what is reached directly, and how each part of
// Windows writes it.
#pragma once

#include <string>
#include <vector>

#include "backends/backend.h"
#include "net/address.h"
#include "net/domain_set.h"

namespace hcipol::backends::windows_firewall {

/// What is reached without the proxy, in no part's syntax.
struct Bypass {
  std::vector<std::string> hosts;         ///< without a domain: "localhost", "e1"
  std::vector<net::Cidr> prefixes;        ///< single addresses too
  std::vector<net::DomainPattern> names;  ///< "host.example", "*.host.example"
};

/// What WinINet and WinHTTP take: `*` stands for any text, so a prefix of IPv4 becomes whole octets
/// ("10.1.*") or several entries; addresses of IPv6 stand in brackets, as in a URL. Prefixes of
/// IPv6 cannot be said and are added to `unsaid`.
std::vector<std::string> windows_bypass(const Bypass& bypass, std::vector<net::Cidr>& unsaid);
/// What programs take that read NO_PROXY: prefixes as such, ".host.example" for what lies below a
/// name. A name without the dot also stands for what lies below it.
std::vector<std::string> environment_bypass(const Bypass& bypass);
/// The services that the Azure Arc agent reaches directly: those of which every host is in the
/// list ("proxy.bypass" of azcmagent, for the public cloud).
std::vector<std::string> arc_bypass(const Bypass& bypass);

/// What the script does about the server's proxy settings.
struct ProxySettings {
  enum class Mode { ignored, none, set };
  Mode mode = Mode::none;
  // Of `set` only.
  std::string server;  ///< "10.0.9.10:9090"
  std::vector<std::string> windows_bypass;
  std::vector<std::string> environment_bypass;
  std::vector<std::string> arc_bypass;
};

/// The settings of the cluster's proxy. A proxy that Windows cannot be pointed to (several, a range
/// of addresses or ports) is noted, and its settings are ignored.
ProxySettings proxy_settings(const flow::DevicePolicy& device, bool wanted, EmitContext& context);

}  // namespace hcipol::backends::windows_firewall
