// Nothing here is fast, and nothing is shared with what it judges but what a rule holds.
#include "tests/kernel/meaning.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace hcipol::test::kernel {

namespace {

using net::Address;
using net::Endpoint;
using net::Family;
using net::Packet;
using Kind = policy::Rule::Kind;

/// Addresses that no policy of the tests mentions, on the Internet.
const Address first_v4 = net::parse_address("20.190.128.1").value();
const Address first_v6 = net::parse_address("2603:1000::1").value();

constexpr std::size_t most_ranges = 12;  ///< of one field of one rule
constexpr std::size_t most_names = 6;

bool has(const std::vector<const policy::NamedSet*>& parts, const Endpoint& end) {
  return std::any_of(parts.begin(), parts.end(),
                     [&](const auto* part) { return net::contains(part->set, end); });
}

bool has(const net::ServiceSet& set, std::uint32_t point) {
  const auto ranges = set.ranges();
  return std::any_of(ranges.begin(), ranges.end(), [&](const auto& range) {
    return range.first <= point && point <= range.last;
  });
}

template <class Flow>
bool goes_with(const Flow& flow, const Packet& packet) {
  if (!has(flow.service, packet.service)) return false;
  if (has(flow.from.parts, packet.from) && has(flow.to.parts, packet.to)) return true;
  return flow.both_ways && has(flow.from.parts, packet.to) && has(flow.to.parts, packet.from);
}

/// One of the rules that the optimiser made of several, or the rule itself.
bool stands_for(const policy::Rule* rule, const policy::Rule& one) {
  if (rule == &one) return true;
  return rule != nullptr &&
         std::find(rule->carries.begin(), rule->carries.end(), &one) != rule->carries.end();
}

struct Points {
  std::vector<Endpoint> inside;
  std::vector<Endpoint> edges;
};

Points points_of(const sema::Peers& peers) {
  Points out;
  std::size_t ranges = 0, names = 0;
  for (const auto* part : peers.parts) {
    for (const auto& range : part->set.addresses.ranges()) {
      if (++ranges > most_ranges) break;
      out.inside.emplace_back(range.first);
      for (const auto& end : {std::optional(range.first), std::optional(range.last),
                              net::previous(range.first), net::next(range.last)}) {
        if (end) out.edges.emplace_back(*end);
      }
    }
    // A family as a whole has no end that a packet can have.
    if (part->set.addresses.contains(first_v4)) out.inside.emplace_back(first_v4);
    if (part->set.addresses.contains(first_v6)) out.inside.emplace_back(first_v6);
    for (const auto& entry : part->set.names.entries()) {
      const std::string& name = entry.pattern.name;
      if (name.starts_with(sema::NamedSet::tag_prefix) || ++names > most_names) continue;
      if (entry.included) out.inside.emplace_back(entry.pattern.wildcard ? "probe." + name : name);
      for (const std::string& one : {name, "probe." + name, "x" + name})
        out.edges.emplace_back(one);
    }
  }
  return out;
}

void services_of(const net::ServiceSet& set, std::vector<std::uint32_t>& inside,
                 std::vector<std::uint32_t>& edges) {
  constexpr std::uint32_t tcp = 6U << 16, udp = 17U << 16, gre = 47U << 16;
  for (const std::uint32_t point :
       {tcp | 445, udp | 53, gre, 1U << 16 | 8U << 8, 58U << 16 | 128U << 8}) {
    edges.push_back(point);
    if (has(set, point)) inside.push_back(point);
  }
  std::size_t count = 0;
  for (const auto& range : set.ranges()) {
    if (++count > most_ranges) break;
    for (const std::uint32_t point : {range.first, range.last, range.first - 1, range.last + 1}) {
      edges.push_back(point & net::last_service_point);
    }
    inside.push_back(range.first);
    inside.push_back(range.last);
  }
}

}  // namespace

const Address& Directory::of(const std::string& name, Family family) {
  auto [place, fresh] = names_.try_emplace(name);
  if (fresh) {
    for (Address one : {first_v4, first_v6}) {
      one.low += names_.size();
      place->second[one.family] = one;
      back_[one] = name;
    }
  }
  return place->second.at(family);
}

Endpoint Directory::endpoint(const Address& address) const {
  const auto place = back_.find(address);
  return place == back_.end() ? Endpoint(address) : Endpoint(place->second);
}

std::string Directory::host_records() const {
  std::string out;
  for (const auto& [name, addresses] : names_) {
    out += fmt::format("host-record={},{},{}\n", name, net::to_string(addresses.at(Family::ipv4)),
                       net::to_string(addresses.at(Family::ipv6)));
  }
  return out;
}

Meaning::Meaning(const flow::DevicePolicy& device, const backends::Emission& emission)
    : device_(device), emission_(emission) {
  const auto& options = device.view->options;
  if (const auto option = options.find("default"); option != options.end()) {
    rest_ = std::get<std::string>(option->second.data);
  }
  if (const auto option = options.find("table"); option != options.end()) {
    alone_ = device.view->target->backend == "iptables" &&
             std::get<std::string>(option->second.data) == "own";
  }
  if (device.view->machine) {
    for (const auto* part : device.view->machine->parts) {
      guarded_ = guarded_ | part->set.addresses;
    }
  } else if (device.cluster->servers != nullptr) {
    guarded_ = device.cluster->servers->set.addresses;
  }
}

bool Meaning::matches(const policy::Rule& rule, const Packet& packet,
                      const GatewayLab::Probe* probe) const {
  const bool out = goes_with(rule, packet);
  if (probe == nullptr) return out;
  const auto of_box = [&](const net::PeerSet& set, const Endpoint& end, const Address& address) {
    return net::contains(set, end) || set.addresses.contains(address);
  };
  bool lost = false, added = false;
  for (const backends::Remark& remark : emission_.remarks) {
    if (!stands_for(remark.rule, rule)) continue;
    for (const backends::Change& change : remark.changes) {
      if (change.kind == backends::Change::Kind::lost) {
        lost = lost || net::contains(change.box, packet);
      } else {
        added = added || (has(change.box.service, packet.service) &&
                          of_box(change.box.from, packet.from, probe->from) &&
                          of_box(change.box.to, packet.to, probe->to));
      }
    }
  }
  return (out && !lost) || added;
}

Meaning::Says Meaning::of(const Packet& packet, const GatewayLab::Probe* probe) const {
  const bool rest_denied = alone_ || guards(packet.from) || guards(packet.to);
  if (device_.view->sees && !goes_with(*device_.view->sees, packet)) {
    return alone_ ? Says::denied : Says::nothing;
  }
  bool allow = false, deny = false;
  for (const policy::Rule& rule : device_.cluster->rules) {
    if (!matches(rule, packet, probe)) continue;
    if (rule.kind == Kind::exception) return Says::passes;
    (rule.kind == Kind::deny ? deny : allow) = true;
  }
  if (deny) return Says::denied;
  if (allow) return Says::passes;
  return rest_denied && rest_ != "return" ? Says::denied : Says::nothing;
}

Fate Meaning::fate(Says says, const Packet& packet) const {
  // What the policy leaves alone goes on, and nothing else is on this gateway.
  if (says != Says::denied) return Fate::passed;
  if (rest_ == "drop") return Fate::silent;
  return packet.service >> 16 == 6 ? Fate::reset : Fate::unreachable;
}

std::vector<GatewayLab::Probe> edges(const policy::Cluster& cluster, Directory& names) {
  std::set<GatewayLab::Probe> out;
  const auto add = [&](const Endpoint& from, const Endpoint& to, std::uint32_t service) {
    for (const Family family : {Family::ipv4, Family::ipv6}) {
      const auto at = [&](const Endpoint& end) {
        const auto* name = std::get_if<std::string>(&end);
        return name != nullptr ? names.of(*name, family) : std::get<Address>(end);
      };
      const GatewayLab::Probe probe{at(from), at(to), service};
      if (GatewayLab::can_send(probe)) out.insert(probe);
    }
  };
  for (const policy::Rule& rule : cluster.rules) {
    const Points from = points_of(rule.from), to = points_of(rule.to);
    std::vector<std::uint32_t> inside, edges;
    services_of(rule.service, inside, edges);
    // One pair of each family and one service within; then one field at a time goes to its ends.
    const auto some = [](const auto& list) {
      return std::span(list).first(std::min<std::size_t>(list.size(), 4));
    };
    const auto within = some(inside);
    for (const Endpoint& receiver : some(to.inside)) {
      for (const std::uint32_t service : within) {
        for (const Endpoint& sender : from.edges) add(sender, receiver, service);
      }
      for (const Endpoint& sender : some(from.inside)) {
        for (const std::uint32_t service : edges) add(sender, receiver, service);
        for (const std::uint32_t service : within) add(sender, receiver, service);
        add(receiver, sender, within.front());
      }
    }
    for (const Endpoint& sender : some(from.inside)) {
      for (const std::uint32_t service : within) {
        for (const Endpoint& receiver : to.edges) add(sender, receiver, service);
      }
    }
  }
  return {out.begin(), out.end()};
}

}  // namespace hcipol::test::kernel
