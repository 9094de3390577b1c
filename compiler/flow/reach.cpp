// The inverse of what policy/proxy.cpp does to rules.
#include "flow/reach.h"

namespace hcipol::flow {

namespace {

const net::PeerSet any_name{{}, net::DomainSet::all()};

net::PeerSet passed_on(const policy::Cluster& cluster) {
  net::PeerSet names = any_name;
  for (const policy::Proxy* proxy : cluster.proxies) {
    for (const NamedSet* part : proxy->bypass) names = names - net::PeerSet{{}, part->set.names};
  }
  return names;
}

net::Box way(const policy::Node& node, const policy::Proxy& proxy) {
  return {node.set->set, proxy.set->set, proxy.service};
}

net::Box request(const policy::Cluster& cluster, const policy::Proxy& proxy) {
  return {proxy.set->set, passed_on(cluster), net::web_services()};
}

}  // namespace

std::vector<net::Box> impossible_boxes() {
  const net::PeerSet ipv4{net::AddressSet::all(net::Family::ipv4), {}};
  const net::PeerSet ipv6{net::AddressSet::all(net::Family::ipv6), {}};
  const net::PeerSet all = net::PeerSet::all();
  const auto any = net::ServiceSet::any();
  const auto icmp = net::ServiceSet::whole(net::protocol::icmp);
  const auto icmpv6 = net::ServiceSet::whole(net::protocol::icmpv6);
  return {{ipv4, ipv6, any}, {ipv6, ipv4, any},   {ipv6, all, icmp},
          {all, ipv6, icmp}, {ipv4, all, icmpv6}, {all, ipv4, icmpv6}};
}

net::PacketSet possible(net::PacketUniverse& universe) {
  return universe.all() - universe.of(impossible_boxes());
}

std::vector<net::Box> proxy_boxes(const policy::Cluster& cluster) {
  std::vector<net::Box> boxes;
  for (const policy::Proxy* proxy : cluster.proxies) {
    for (const policy::Node* node : cluster.nodes) boxes.push_back(way(*node, *proxy));
    boxes.push_back(request(cluster, *proxy));
  }
  return boxes;
}

net::PacketSet through_proxies(net::PacketUniverse& universe, const policy::Cluster& cluster,
                               const net::PacketSet& open) {
  net::PacketSet reached = universe.none();
  for (const policy::Proxy* proxy : cluster.proxies) {
    net::PeerSet servers;
    for (const policy::Node* node : cluster.nodes) {
      // With an IPv6 address too, a server may ask a proxy that it reaches by IPv4.
      if (open.intersects(universe.of(way(*node, *proxy)))) servers = servers | node->set->set;
    }
    if (servers.empty()) continue;
    std::vector<net::Box> requests;
    for (net::Box& box : (open & universe.of(request(cluster, *proxy))).boxes()) {
      requests.push_back({servers, std::move(box.to), std::move(box.service)});
    }
    reached = reached | universe.of(requests);
  }
  return reached;
}

std::vector<Detour> detours(const policy::Cluster& cluster, const net::Box& question) {
  net::PeerSet hosts = question.to & passed_on(cluster);
  const net::PeerSet servers{question.from.addresses & cluster.servers->set.addresses, {}};
  const net::ServiceSet web = question.service & net::web_services();
  // Every name at once is no named host: rules to `any` are not sent through a proxy either.
  if (servers.empty() || hosts.empty() || hosts.names.others() || web.empty()) return {};
  std::vector<Detour> out;
  for (const policy::Proxy* proxy : cluster.proxies) {
    out.push_back(
        {proxy, {servers, proxy->set->set, proxy->service}, {proxy->set->set, hosts, web}});
  }
  return out;
}

net::Box asked_through(const policy::Cluster& cluster, const policy::Proxy& proxy,
                       const net::Box& box) {
  if (!box.from.intersects(proxy.set->set)) return {};
  return {cluster.servers->set, box.to & passed_on(cluster), box.service & net::web_services()};
}

}  // namespace hcipol::flow
