// A universe for each cluster, made of its rules, its proxies and everything that is asked of it.
#include "verify/situation.h"

#include "flow/effective.h"
#include "flow/reach.h"

namespace hcipol::verify {

namespace {

std::vector<net::Box> all_boxes(const policy::Cluster& cluster, std::span<const flow::Flow> flows,
                                std::span<const policy::Check* const> checks) {
  std::vector<net::Box> boxes = flow::boxes(flows);
  for (net::Box& box : flow::proxy_boxes(cluster)) boxes.push_back(std::move(box));
  for (const policy::Check* check : checks) {
    for (net::Box& box : flow::boxes(check->flow)) boxes.push_back(std::move(box));
  }
  return boxes;
}

}  // namespace

Situation::Situation(const policy::Cluster& cluster, std::span<const flow::Flow> flows,
                     std::span<const policy::Check* const> checks)
    : cluster_(cluster),
      flows_(flows),
      universe_(all_boxes(cluster, flows, checks)),
      possible_(flow::possible(universe_)) {}

std::vector<net::Box> Situation::meant(const flow::Flow& flow) const {
  std::vector<net::Box> boxes{flow::box(flow)};
  for (const policy::Proxy* proxy : cluster_.proxies) {
    net::Box through = flow::asked_through(cluster_, *proxy, boxes.front());
    if (!through.to.empty() && !through.service.empty()) boxes.push_back(std::move(through));
  }
  return boxes;
}

net::PacketSet Situation::open(std::span<const flow::Flow> flows, const net::PacketSet& denied,
                               const net::PacketSet& allowed) {
  net::PacketSet direct = flow::effective(universe_, flows);
  if (!denied.empty()) {
    std::vector<net::Box> exceptions;
    for (const flow::Flow& flow : flows) {
      if (flow.kind == policy::Rule::Kind::exception) exceptions.push_back(flow::box(flow));
    }
    direct = (direct - denied) | universe_.of(exceptions);
  }
  direct = (direct | allowed) & possible_;
  return direct | flow::through_proxies(universe_, cluster_, direct);
}

net::PacketSet wrong(const policy::Check& check, const net::PacketSet& asked,
                     const net::PacketSet& open) {
  return check.allow ? asked - open : asked & open;
}

bool allows(const policy::Cluster& cluster, std::span<const flow::Flow> flows,
            const sema::Flow& asked) {
  const policy::Check check{true, 0, asked, {}, {}};
  const policy::Check* only = &check;
  Situation situation(cluster, flows, {&only, 1});
  return situation.open(flows).contains(situation.asked(check));
}

}  // namespace hcipol::verify
