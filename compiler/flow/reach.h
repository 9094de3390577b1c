// What can be reached: packets that exist, and requests that a proxy passes on.
#pragma once

#include <vector>

#include "flow/flow.h"
#include "net/packet_set.h"

namespace hcipol::flow {

/// Packets that no network carries: between IPv4 and IPv6, ICMP over IPv6, ICMPv6 over IPv4.
std::vector<net::Box> impossible_boxes();

/// The packets that there can be: both ends in one address family, ICMP in IPv4 and ICMPv6 in IPv6.
/// A name may stand for either family.
net::PacketSet possible(net::PacketUniverse& universe);

/// The boxes that through_proxies() asks about, for building a universe.
std::vector<net::Box> proxy_boxes(const policy::Cluster& cluster);

/// What servers reach by asking a proxy of the cluster: named hosts on tcp/80 and tcp/443, except
/// those that its `bypass` lists, if `open` has both a way from the server to the proxy and the
/// proxy's way to the host. The policy writes such a request as one flow, from all addresses of the
/// server, and devices see the two halves.
net::PacketSet through_proxies(net::PacketUniverse& universe, const policy::Cluster& cluster,
                               const net::PacketSet& open);

/// Both legs of what a proxy carries for the servers.
struct Detour {
  const policy::Proxy* proxy = nullptr;
  net::Box to_proxy;
  net::Box from_proxy;
};

/// The share of a question that rules send through the cluster's proxies: what servers ask of named
/// hosts on web ports. Empty if there is none.
std::vector<Detour> detours(const policy::Cluster& cluster, const net::Box& question);

/// The box of a flow as the policy means it: where a proxy asks for a host, its servers ask.
net::Box asked_through(const policy::Cluster& cluster, const policy::Proxy& proxy,
                       const net::Box& box);

}  // namespace hcipol::flow
