// On a machine, packets that it sends and packets that it receives are asked about in two places,
// each of which has only its own share of the flows.
#include "backends/common/gateway/machine.h"

#include <algorithm>

namespace hcipol::backends::gateway {

namespace {

using Parts = std::vector<const policy::NamedSet*>;

bool within(const Parts& sets, const net::AddressSet& machine) {
  const net::PeerSet all = flow::peers(sets);
  return all.names.empty() && machine.contains(all.addresses);
}

bool covers(const flow::Flow& wide, const flow::Flow& narrow) {
  const auto holds = [](const auto& all, const auto& some) {
    return flow::peers(all).contains(flow::peers(some));
  };
  return wide.service == narrow.service && holds(wide.from, narrow.from) &&
         holds(wide.to, narrow.to) && !(holds(narrow.from, wide.from) && holds(narrow.to, wide.to));
}

/// Whether what the target sees from `one` to `other` is, on a machine's way, all that it sees the
/// other way round as well.
bool covered(const Parts& one, const Parts& other, Way way, const net::AddressSet& own) {
  if (way == Way::forward) return false;
  const net::PeerSet first = flow::peers(one);
  const net::PeerSet second = flow::peers(other);
  const net::PeerSet& far = way == Way::in ? first : second;
  const net::PeerSet& near = way == Way::in ? second : first;
  // Only what is near counts where it is the machine's own.
  return own.contains(near.addresses) && near.names.empty() &&
         near.addresses.contains(far.addresses & own) && far.contains(near) && far != near;
}

}  // namespace

bool read_mode(const flow::DevicePolicy& device, OptionReader& reader) {
  const bool host = reader.one_of<bool>("mode", {{"gateway", false}, {"host", true}},
                                        "it is one of gateway and host", false);
  const auto& machine = device.view->machine;
  if (!host) {
    if (machine) reader.bad("host", flow::names(machine->parts), "it is for mode = \"host\"");
    return host;
  }
  if (!machine) {
    reader.bad("mode", "host", "it needs the addresses of the machine: host = …");
    return host;
  }
  const net::PeerSet own = flow::peers(machine->parts);
  const auto& sees = device.view->sees;
  if (sees && !within(sees->from.parts, own.addresses) && !within(sees->to.parts, own.addresses)) {
    reader.bad("sees", flow::names(sees->from.parts) + " -> " + flow::names(sees->to.parts),
               "in mode = \"host\" the machine is at one end of it");
  }
  return host;
}

std::vector<Peer*> own_peers(const flow::DevicePolicy& device, Peers& peers, bool host) {
  std::vector<Peer*> out;
  if (const auto& machine = device.view->machine; machine && host) {
    for (const auto* part : machine->parts) {
      Peer& peer = peers.of(part);
      if (std::find(out.begin(), out.end(), &peer) == out.end()) out.push_back(&peer);
    }
  } else if (peers.servers() != nullptr) {
    out.push_back(peers.servers());
  }
  return out;
}

WayFlows::WayFlows(Way way, const flow::DevicePolicy& device) : way_(way), flows_(device.flows) {
  if (way == Way::forward) return;
  if (device.view->machine) machine_ = flow::peers(device.view->machine->parts).addresses;
  if (const auto& sees = device.view->sees; sees && !sees->both_ways) {
    in_parts_ = !within((way == Way::in ? sees->to : sees->from).parts, machine_);
  }
  for (std::size_t i = 0; i < flows_.size(); ++i) {
    if (meets(flows_[i])) of_rule_[flows_[i].rule].push_back(i);
  }
}

bool WayFlows::has(std::size_t index) const {
  if (way_ == Way::forward) return true;
  const auto& others = of_rule_.find(flows_[index].rule);
  if (others == of_rule_.end() || !meets(flows_[index])) return false;
  // What the machine sends to itself is a part of what it sends, and of what it receives.
  return std::none_of(others->second.begin(), others->second.end(), [&](std::size_t other) {
    return other != index && covers(flows_[other], flows_[index]);
  });
}

bool WayFlows::meets(const flow::Flow& flow) const {
  const Parts& own = way_ == Way::in ? flow.to : flow.from;
  if (in_parts_) return !(flow::peers(own).addresses & machine_).empty();
  return std::all_of(own.begin(), own.end(), [&](const policy::NamedSet* set) {
    return set->set.names.empty() && machine_.contains(set->set.addresses);
  });
}

std::vector<Direction> directions(const sema::Flow& sees, Way way,
                                  const std::vector<Peer*>& own_peers) {
  const net::AddressSet own = addresses_of(own_peers);
  const Parts& from = sees.from.parts;
  const Parts& to = sees.to.parts;
  std::vector<Direction> out;
  if (!sees.both_ways || !covered(to, from, way, own)) out.push_back({&from, &to});
  if (sees.both_ways && !covered(from, to, way, own)) out.push_back({&to, &from});
  return out;
}

bool sees_all(const sema::Flow& sees, Way way, const std::vector<Peer*>& own_peers) {
  if (!sees.service.is_any()) return false;
  const net::AddressSet own = addresses_of(own_peers);
  bool in = false, out = false;  // from anybody, to anybody
  for (const Direction& each : directions(sees, way, own_peers)) {
    const net::AddressSet from = flow::peers(*each.from).addresses;
    const net::AddressSet to = flow::peers(*each.to).addresses;
    in = in || (from == net::AddressSet::all() && to.contains(own));
    out = out || (from.contains(own) && to == net::AddressSet::all());
  }
  return (in || way == Way::out) && (out || way == Way::in);
}

net::AddressSet addresses_of(const std::vector<Peer*>& peers) {
  net::AddressSet out;
  for (const Peer* peer : peers) out = out | peer->addresses;
  return out;
}

}  // namespace hcipol::backends::gateway
