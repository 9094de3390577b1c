// Three syntaxes that look alike and are not: Microsoft's own pages have mixed them up.
#include "backends/windows_firewall/proxy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "backends/windows_firewall/script_text.h"
#include "backends/windows_firewall/settings.h"
#include "support/text.h"

namespace hcipol::backends::windows_firewall {

namespace {

/// Services of `azcmagent config set proxy.bypass` and the hosts that they stand for (Microsoft,
/// "Managing and maintaining the Connected Machine agent"). AMA is left out: its hosts depend on
/// the region and the workspace.
struct ArcService {
  std::string_view name;
  std::array<std::string_view, 3> hosts;  ///< "" for none
};
constexpr std::array arc_services{
    ArcService{"AAD", {"login.windows.net", "login.microsoftonline.com", "pas.windows.net"}},
    ArcService{"ARM", {"management.azure.com", "", ""}},
    ArcService{"Arc", {"*.his.arc.azure.com", "*.guestconfiguration.azure.com", ""}},
};

void add_once(std::vector<std::string>& list, std::string text) {
  if (std::find(list.begin(), list.end(), text) == list.end()) list.push_back(std::move(text));
}

// Octets that the length cuts are written out: at most 128 entries, of /1, /9, /17 or /25.
void add_octets(std::vector<std::string>& out, const net::Cidr& prefix) {
  const unsigned octets = (prefix.length + 7) / 8;
  const std::uint64_t step = std::uint64_t{1} << (32 - 8 * octets);
  const std::uint64_t end = prefix.network.low + (std::uint64_t{1} << (32 - prefix.length));
  for (std::uint64_t at = prefix.network.low; at < end; at += step) {
    std::string text;
    for (unsigned i = 0; i < octets; ++i) {
      text += fmt::format("{}{}", i == 0 ? "" : ".", (at >> (24 - 8 * i)) & 255);
    }
    if (octets < 4) text += octets == 0 ? "*" : ".*";
    add_once(out, std::move(text));
  }
}

bool covers(const std::vector<net::DomainPattern>& list, std::string_view host) {
  const auto pattern = net::parse_pattern(host);
  if (!pattern) return false;
  return net::DomainSet::of(list).contains(net::DomainSet(*pattern));
}

// One address and one port, or nothing. With both families, IPv4: the source document's example,
// and the form that every part of Windows takes.
std::optional<std::string> server_of(const policy::Proxy& proxy) {
  std::optional<net::Address> address;
  for (const net::Family family : {net::Family::ipv4, net::Family::ipv6}) {
    const net::AddressSet members = proxy.set->set.addresses.only(family);
    if (members.empty()) continue;
    const net::AddressRange range = members.ranges().front();
    if (members.ranges().size() > 1 || range.first != range.last) return std::nullopt;
    if (!address) address = range.first;
  }
  const std::string service = net::to_string(proxy.service);
  constexpr std::string_view tcp = "tcp/";
  const std::string_view port =
      std::string_view(service).substr(std::min(tcp.size(), service.size()));
  const bool single =
      service.starts_with(tcp) && !port.empty() &&
      std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!address || !single) return std::nullopt;
  const std::string text = net::to_string(*address);
  if (address->family == net::Family::ipv6) return fmt::format("[{}]:{}", text, port);
  return fmt::format("{}:{}", text, port);
}

// A host name as the lists take it; anything else could be read as two entries or as a pattern.
void add_host(Bypass& bypass, std::string_view name) {
  const bool legal = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  });
  if (legal) bypass.hosts.emplace_back(name);
}

/// What Microsoft's proxy page asks for (this computer, every server by name and address, the
/// cluster) as far as the policy knows it, and the proxy's own `bypass`.
Bypass bypass_of(const policy::Cluster& cluster, const policy::Proxy& proxy,
                 std::vector<std::string>& unsaid) {
  Bypass out;
  out.hosts = {"localhost"};
  out.prefixes.push_back({{net::Family::ipv4, 0, 0x7f000001}, 32});
  for (const policy::Node* node : cluster.nodes) add_host(out, node->name);
  add_host(out, cluster.name);
  for (const policy::Node* node : cluster.nodes) {
    for (const net::Cidr& prefix : node->set->set.addresses.cidrs()) out.prefixes.push_back(prefix);
  }
  for (const policy::NamedSet* set : proxy.bypass) {
    for (const net::Cidr& prefix : set->set.addresses.cidrs()) out.prefixes.push_back(prefix);
    if (set->set.names.empty()) continue;
    if (set->is_tag_only() || !set->set.names.is_union()) {
      unsaid.push_back(set->name);
      continue;
    }
    for (const net::DomainPattern& pattern : set->set.names.patterns())
      out.names.push_back(pattern);
  }
  return out;
}

}  // namespace

std::vector<std::string> windows_bypass(const Bypass& bypass, std::vector<net::Cidr>& unsaid) {
  std::vector<std::string> out;
  for (const std::string& host : bypass.hosts) add_once(out, host);
  for (const net::Cidr& prefix : bypass.prefixes) {
    if (prefix.network.family == net::Family::ipv4) {
      add_octets(out, prefix);
    } else if (prefix.length == net::width(net::Family::ipv6)) {
      add_once(out, fmt::format("[{}]", net::to_string(prefix.network)));
    } else {
      unsaid.push_back(prefix);
    }
  }
  for (const net::DomainPattern& pattern : bypass.names) add_once(out, net::to_string(pattern));
  return out;
}

std::vector<std::string> environment_bypass(const Bypass& bypass) {
  std::vector<std::string> out;
  for (const std::string& host : bypass.hosts) add_once(out, host);
  for (const net::Cidr& prefix : bypass.prefixes) add_once(out, net::to_short_string(prefix));
  for (const net::DomainPattern& pattern : bypass.names) {
    add_once(out, (pattern.wildcard ? "." : "") + pattern.name);
  }
  return out;
}

std::vector<std::string> arc_bypass(const Bypass& bypass) {
  std::vector<std::string> out;
  for (const ArcService& service : arc_services) {
    const bool all = std::all_of(service.hosts.begin(), service.hosts.end(), [&](auto host) {
      return host.empty() || covers(bypass.names, host);
    });
    if (all) out.emplace_back(service.name);
  }
  return out;
}

ProxySettings proxy_settings(const flow::DevicePolicy& device, bool wanted, EmitContext& context) {
  ProxySettings out;
  const auto& proxies = device.cluster->proxies;
  if (!wanted) out.mode = ProxySettings::Mode::ignored;
  if (!wanted || proxies.empty()) return out;

  const policy::Proxy& proxy = *proxies.front();
  const auto server = server_of(proxy);
  if (proxies.size() > 1 || !server) {
    out.mode = ProxySettings::Mode::ignored;
    context.note(title, fmt::format("it leaves the servers' proxy settings alone: {}",
                                    proxies.size() > 1
                                        ? "a server has one proxy, and the cluster has several"
                                        : fmt::format("proxy `{}` is not one address and one port",
                                                      proxy.name)));
    return out;
  }
  std::vector<std::string> unsaid;
  std::vector<net::Cidr> prefixes;
  const Bypass bypass = bypass_of(*device.cluster, proxy, unsaid);
  out.mode = ProxySettings::Mode::set;
  out.server = *server;
  out.windows_bypass = windows_bypass(bypass, prefixes);
  out.environment_bypass = environment_bypass(bypass);
  out.arc_bypass = arc_bypass(bypass);
  for (const net::Cidr& prefix : prefixes) unsaid.push_back(net::to_string(prefix));
  if (!unsaid.empty()) {
    context.note(title, fmt::format("WinINet and WinHTTP cannot reach {} directly: their bypass "
                                    "lists take names, addresses and prefixes of IPv4",
                                    list_of(unsaid)));
  }
  const auto exact = std::find_if(bypass.names.begin(), bypass.names.end(),
                                  [](const auto& pattern) { return !pattern.wildcard; });
  if (exact != bypass.names.end()) {
    context.note(title, fmt::format("NO_PROXY takes `{}` for what lies below it too", exact->name));
  }
  return out;
}

}  // namespace hcipol::backends::windows_firewall
