// The inverse of what policy/proxy.cpp does to rules.
#include "flow/reach.h"

namespace hcipol::flow {

namespace {

const net::PeerSet any_name{{}, net::DomainSet::all()};

net::Box whole(net::Family family) {
  const bool ipv4 = family == net::Family::ipv4;
  const net::PeerSet ends{net::AddressSet::all(family), net::DomainSet::all()};
  const auto foreign = net::ServiceSet::whole(ipv4 ? net::protocol::icmpv6 : net::protocol::icmp);
  return {ends, ends, net::ServiceSet::any() - foreign};
}

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

net::PacketSet possible(net::PacketUniverse& universe) {
  return universe.of(whole(net::Family::ipv4)) | universe.of(whole(net::Family::ipv6));
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

net::Box asked_through(const policy::Cluster& cluster, const policy::Proxy& proxy,
                       const net::Box& box) {
  if (!box.from.intersects(proxy.set->set)) return {};
  return {cluster.servers->set, box.to & passed_on(cluster), box.service & net::web_services()};
}

}  // namespace hcipol::flow
