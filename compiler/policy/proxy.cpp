// Behind a proxy, what a server asks of a named web host is two flows: server to proxy, proxy to
// host.
#include <fmt/format.h>

#include <algorithm>

#include "policy/build.h"

namespace hcipol::policy {

namespace {

/// The parts of a rule that go through a proxy, and those that do not.
struct Division {
  std::vector<const NamedSet*> from_servers, from_others, to_hosts, to_others;
  net::ServiceSet web, rest;

  bool proxied() const { return !from_servers.empty() && !to_hosts.empty() && !web.empty(); }
};

Division divide(const Rule& rule, const Cluster& cluster, const net::PeerSet& bypass) {
  Division division;
  for (const NamedSet* part : rule.from.parts) {
    const bool ours =
        part->set.names.empty() && cluster.servers->set.addresses.contains(part->set.addresses);
    (ours ? division.from_servers : division.from_others).push_back(part);
  }
  for (const NamedSet* part : rule.to.parts) {
    const bool host = part->has_names() && !bypass.contains(part->set);
    (host ? division.to_hosts : division.to_others).push_back(part);
  }
  division.web = rule.service & net::web_services();
  division.rest = rule.service - net::web_services();
  return division;
}

class ProxyRouter {
 public:
  explicit ProxyRouter(Cluster& cluster) : cluster_(cluster) {
    for (const Proxy* proxy : cluster.proxies) {
      for (const NamedSet* part : proxy->bypass) bypass_ = bypass_ | part->set;
    }
  }

  void route() {
    std::deque<Rule> rules;
    rules.swap(cluster_.rules);
    for (Rule& rule : rules) {
      const Division division = divide(rule, cluster_, bypass_);
      if (division.proxied()) {
        split(rule, division);
      } else {
        cluster_.rules.push_back(std::move(rule));
      }
    }
    if (used_) add_ways_to_proxies();
  }

 private:
  void add(const Rule& rule, std::string_view suffix, std::vector<const NamedSet*> from,
           std::vector<const NamedSet*> to, net::ServiceSet service) {
    if (from.empty() || to.empty() || service.empty()) return;
    Rule made = rule;
    made.address = fmt::format("{}{}", rule.address, suffix);
    made.from.parts = std::move(from);
    made.to.parts = std::move(to);
    made.service = std::move(service);
    cluster_.rules.push_back(std::move(made));
  }

  // The proxy's share takes over the rule's address; what stays direct gets a suffix.
  void split(const Rule& rule, const Division& d) {
    std::vector<const NamedSet*> proxies;
    for (const Proxy* proxy : cluster_.proxies) proxies.push_back(proxy->set);
    Rule through = rule;
    through.both_ways = false;
    add(through, "", proxies, d.to_hosts, d.web);
    used_ = used_ || rule.kind != Rule::Kind::deny;

    // A deny must also hold for servers that would go around the proxy.
    if (rule.kind == Rule::Kind::deny)
      add(rule, ".direct", rule.from.parts, rule.to.parts, rule.service);
    if (rule.kind == Rule::Kind::deny) return;
    add(rule, ".direct-others", d.from_others, rule.to.parts, rule.service);
    add(rule, ".direct-addresses", d.from_servers, d.to_others, rule.service);
    add(rule, ".direct-services", d.from_servers, d.to_hosts, d.rest);
  }

  void add_ways_to_proxies() {
    for (const Proxy* proxy : cluster_.proxies) {
      Rule& rule = cluster_.rules.emplace_back();
      rule.address = fmt::format("main/proxy.{}", proxy->name);
      rule.origin = {"main", "proxy",     proxy->name, "Proxy of the servers",
                     "",     proxy->span, proxy->span};
      rule.from.parts = {cluster_.servers};
      rule.to.parts = {proxy->set};
      rule.service = proxy->service;
    }
  }

  Cluster& cluster_;
  net::PeerSet bypass_;
  bool used_ = false;
};

}  // namespace

void route_proxies(BuildContext& context) {
  for (Cluster& cluster : context.policy.clusters) {
    if (!cluster.proxies.empty()) ProxyRouter(cluster).route();
    const auto by_address = [](const Rule& a, const Rule& b) { return a.address < b.address; };
    // Rules are large, and mostly written in order.
    if (std::is_sorted(cluster.rules.begin(), cluster.rules.end(), by_address)) continue;
    std::sort(cluster.rules.begin(), cluster.rules.end(), by_address);
  }
}

}  // namespace hcipol::policy
