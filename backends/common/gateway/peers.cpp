// A device's names must depend on the policy's names alone: a set keeps its name whatever else
// comes.
#include "backends/common/gateway/peers.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string_view>
#include <unordered_set>

#include "backends/common/gateway/blocks.h"
#include "backends/common/gateway/domains.h"
#include "backends/common/names.h"
#include "backends/common/stand_ins.h"
#include "support/date.h"

namespace hcipol::backends::gateway {

namespace {

/// In a warning on the terminal; the manifest has all.
constexpr std::size_t most_sharers = 3;

/// The endpoint's addresses in place of its names.
void use_addresses(Peer& peer) {
  const policy::NamedSet& set = *peer.set;
  if (!set.addresses.empty()) {
    peer.addresses = set.set.addresses | set.addresses;
    peer.wider =
        fmt::format("`{}` is matched by its addresses, whatever name was asked for", set.name);
    peer.wider_by = stand_ins(set);
  } else if (!set.tag_addresses.empty()) {
    peer.addresses = set.set.addresses | set.tag_addresses;
    peer.by_file = true;
    peer.wider =
        fmt::format("`{}` is matched by every address of the service tag {}", set.name, set.tag);
    peer.wider_by = stand_ins(set);
  } else if (!set.tag.empty()) {
    peer.missing_tag = set.tag;
  } else {
    peer.fault = fmt::format("the host names of `{}` without addresses for them", set.name);
  }
}

/// The addresses that a file gives for the names.
void use_locked(Peer& peer, const LockedNames& locked) {
  if (locked.path.empty()) return;  // what is wrong with the file has been said
  const policy::NamedSet& set = *peer.set;
  net::AddressSet found;
  for (const net::DomainPattern& pattern : set.set.names.patterns()) {
    const auto known = locked.addresses.find(pattern);
    if (known == locked.addresses.end()) {
      peer.unlocked.push_back(pattern);
    } else {
      found = found | known->second;
    }
  }
  peer.addresses = set.set.addresses | found;
  peer.by_file = true;
  if (found.empty()) return;
  peer.wider = peer.wider_whole = fmt::format(
      "`{}` is matched by the addresses that `{}` gives for it (of {}), whatever name "
      "was asked for",
      set.name, locked.path, to_string(locked.date));
  const auto sharers = locked.sharers(found, set.set.names);
  for (std::size_t i = 0; i < sharers.size(); ++i) {
    const std::string_view before = i == 0 ? ": the same addresses are those of " : ", ";
    peer.wider_whole += fmt::format("{}{}", before, net::to_string(sharers[i]));
    if (i < most_sharers) peer.wider += fmt::format("{}{}", before, net::to_string(sharers[i]));
  }
  if (sharers.size() > most_sharers)
    peer.wider += fmt::format(" and {} more", sharers.size() - most_sharers);
  peer.wider_by = texts_of(found);
}

/// Chooses among the representations of the set.
void resolve(Peer& peer, const Settings& settings) {
  const Settings::Names mode = settings.names;
  const policy::NamedSet& set = *peer.set;
  const net::DomainSet& names = set.set.names;
  if (set.is_tag_only()) {
    peer.addresses = set.tag_addresses;
    peer.by_file = !peer.addresses.empty();
    if (!peer.by_file) peer.missing_tag = set.tag;
  } else if (!set.has_names()) {
    peer.addresses = set.set.addresses;
    if (!names.entries().empty()) {
      peer.fault = fmt::format("every name but some (`{}`)", set.name);
    }
  } else if (!names.is_union()) {
    peer.fault = fmt::format("names with exceptions (`{}`)", net::to_string(names));
  } else if (mode == Settings::Names::dnsmasq) {
    peer.addresses = set.set.addresses;
    peer.names = names.patterns();
    for (const net::DomainPattern& pattern : below(names).patterns())
      peer.below.push_back(net::to_string(pattern));
  } else if (mode == Settings::Names::addresses) {
    use_addresses(peer);
  } else if (mode == Settings::Names::lockfile) {
    use_locked(peer, settings.locked);
  } else {
    peer.fault = fmt::format("the host names of `{}` (names = \"refuse\")", set.name);
  }
}

bool same(const policy::NamedSet& a, const policy::NamedSet& b) {
  return a.set == b.set && a.tag == b.tag && a.tag_addresses == b.tag_addresses &&
         a.addresses == b.addresses;
}

/// Each is a set that a packet is looked up in; more than these become one.
constexpr std::size_t most_sets_of_names = 16;

bool only_names(const Peer& peer) {
  return !peer.names.empty() && peer.addresses.empty() && !peer.by_file;
}

}  // namespace

double Peer::breadth(net::Family family) const {
  double sum = names.empty() ? 0 : std::exp2(net::width(family));
  if (by_file) return std::exp2(net::width(family));
  for (const net::Cidr& cidr : prefixes[static_cast<std::size_t>(family)]) {
    sum += std::exp2(net::width(family) - cidr.length);
  }
  return sum;
}

std::string Peers::list_name(const Peer& peer, net::Family family) const {
  return dialect_.list_name(settings_.base, peer.label, family);
}

std::string Peers::learnt_name(const Peer& peer, net::Family family) const {
  return dialect_.learnt_name(settings_.base, peer.label, family);
}

Peers::Peers(const flow::DevicePolicy& device, const Settings& settings, const Dialect& dialect,
             Sets& sets, EmitContext& context)
    : settings_(settings), dialect_(dialect), sets_(sets) {
  if (device.cluster->servers != nullptr) {
    add(device.cluster->servers);
    servers_ = &of(device.cluster->servers);
  }
  if (const auto& machine = device.view->machine) {
    for (const auto* set : machine->parts) add(set);
  }
  for (const flow::Flow& flow : device.flows) {
    for (const auto* set : flow.from) add(set);
    for (const auto* set : flow.to) add(set);
  }
  if (const auto& sees = device.view->sees) {
    for (const auto* set : sees->from.parts) add(set);
    for (const auto* set : sees->to.parts) add(set);
  }
  for (const flow::Flow& flow : device.flows) {
    join_names(flow, flow.from, " from");
    join_names(flow, flow.to, " to");
  }
  label_all();
  check_labels(context);
  match_all();
}

void Peers::add(const policy::NamedSet* set) {
  Peer*& place = by_set_[set];
  if (place != nullptr) return;
  std::vector<Peer*>& namesakes = by_name_[set->name];
  const auto twin = std::find_if(namesakes.begin(), namesakes.end(),
                                 [&](const Peer* peer) { return same(*peer->set, *set); });
  if (twin != namesakes.end()) {
    place = *twin;
    return;
  }
  place = &peers_.emplace_back();
  place->set = set;
  resolve(*place, settings_);
  namesakes.push_back(place);
}

void Peers::join_names(const flow::Flow& flow, const Side& sets, std::string_view what) {
  std::vector<net::DomainPattern> names;
  std::size_t count = 0;
  for (const auto* set : sets) {
    const Peer& peer = of(set);
    if (!only_names(peer)) continue;
    ++count;
    names.insert(names.end(), peer.names.begin(), peer.names.end());
  }
  if (count <= most_sets_of_names) return;
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  policy::NamedSet& set = joined_.emplace_back();
  set.name = flow.id + std::string(what);
  set.set.names = net::DomainSet::of(names);
  set.span = flow.rule->origin.span;
  Peer& peer = peers_.emplace_back();
  peer.set = &set;
  peer.names = std::move(names);
  by_side_[&sets] = &peer;
}

std::vector<Peer*> Peers::side(const Side& sets) {
  const auto joined = by_side_.find(&sets);
  std::vector<Peer*> out;
  std::unordered_set<const Peer*> seen;
  for (const auto* set : sets) {
    Peer& peer = of(set);
    if (joined != by_side_.end() && only_names(peer)) continue;
    if (seen.insert(&peer).second) out.push_back(&peer);
  }
  if (joined != by_side_.end()) out.push_back(joined->second);
  return out;
}

void Peers::label_all() {
  const std::size_t limit = dialect_.label_limit(settings_.base);
  std::map<std::string, std::vector<Peer*>> by_label;
  for (const std::string_view name : dialect_.taken_labels)
    by_label[std::string(name)].push_back(nullptr);
  for (Peer& peer : peers_) {
    std::string label = slug(peer.set->name);
    if (label.empty()) label = content_hash(peer.set->name, limit);
    peer.label = shortened(label, limit);
    by_label[peer.label].push_back(&peer);
  }
  for (const auto& [label, namesakes] : by_label) {
    if (namesakes.size() < 2) continue;
    for (Peer* peer : namesakes) {
      if (peer == nullptr) continue;
      const std::string addresses =
          peer->by_file ? peer->set->tag : net::to_string(peer->addresses);
      const std::string all =
          peer->set->name + "\n" + addresses + "\n" + net::to_string(peer->set->set.names);
      peer->label = label.substr(0, limit - 9) + "." + content_hash(all, 8);
    }
  }
}

void Peers::check_labels(EmitContext& context) const {
  std::map<std::string_view, const Peer*> taken;
  for (const Peer& peer : peers_) {
    const auto [place, fresh] = taken.emplace(peer.label, &peer);
    if (fresh) continue;
    context.reporter().report<Diag::name_clash>(peer.set->span, place->second->set->name,
                                                peer.set->name, peer.label, dialect_.title);
  }
}

void Peers::match_all() {
  const net::AddressSet none;
  const net::AddressSet& servers = servers_ == nullptr ? none : servers_->addresses;
  for (Peer& peer : peers_) {
    for (const net::Cidr& cidr : peer.addresses.cidrs()) {
      peer.prefixes[static_cast<std::size_t>(cidr.network.family)].push_back(cidr);
    }
    for (const net::Family family : {net::Family::ipv4, net::Family::ipv6}) {
      match(peer, family);
      peer.server[static_cast<std::size_t>(family)] =
          peer.names.empty() && servers.contains(peer.addresses.only(family));
    }
  }
}

void Peers::match(Peer& peer, net::Family family) {
  const auto& prefixes = peer.prefixes[static_cast<std::size_t>(family)];
  auto& matches = peer.matches[static_cast<std::size_t>(family)];
  if (prefixes.size() == 1 && prefixes.front().length == 0) {
    matches.push_back(nullptr);
    return;
  }
  if (peer.listed(family)) {
    matches.push_back(keep({Match::Kind::list, list_name(peer, family),
                            peer.by_file ? std::vector<net::Cidr>() : cover(prefixes)}));
  } else if (!prefixes.empty()) {
    const net::Cidr& prefix = prefixes.front();
    matches.push_back(keep({Match::Kind::prefix, net::to_short_string(prefix), {prefix}}));
  }
  if (!peer.names.empty()) {
    matches.push_back(keep({Match::Kind::learnt, learnt_name(peer, family), {}}));
  }
}

void Peers::write(EmitContext& context) {
  Domains domains(settings_, dialect_);
  for (const Peer& peer : peers_) {
    for (const net::Family family : {net::Family::ipv4, net::Family::ipv6}) {
      const auto index = static_cast<std::size_t>(family);
      if (!peer.used[index] || peer.any(family)) continue;
      if (peer.listed(family)) {
        sets_.lists.push_back({list_name(peer, family), family, peer.prefixes[index]});
      }
      if (peer.names.empty()) continue;
      sets_.learnt.push_back({learnt_name(peer, family), family, peer.set->name, peer.names});
      domains.add(peer, sets_.learnt.back());
    }
    const std::size_t most = std::max(peer.prefixes[0].size(), peer.prefixes[1].size());
    if (dialect_.max_prefixes != 0 && most > dialect_.max_prefixes) {
      context.reporter().report<Diag::device_limit>(
          peer.set->span, "`" + peer.set->name + "`", dialect_.set_tool,
          fmt::format("{} prefixes of {}", most, dialect_.max_prefixes));
    }
  }
  const auto by_name = [](const auto& a, const auto& b) { return a.name < b.name; };
  std::sort(sets_.lists.begin(), sets_.lists.end(), by_name);
  std::sort(sets_.learnt.begin(), sets_.learnt.end(), by_name);
  sets_.domains = domains.lines(context);
}

std::vector<net::Cidr> outermost(std::vector<net::Cidr> prefixes) {
  std::sort(prefixes.begin(), prefixes.end(), [](const net::Cidr& a, const net::Cidr& b) {
    return std::pair(a.network, a.length) < std::pair(b.network, b.length);
  });
  std::vector<net::Cidr> out;
  for (const net::Cidr& cidr : prefixes) {
    if (!out.empty() && net::first_of(cidr.network, out.back().length) == out.back().network &&
        cidr.length >= out.back().length) {
      continue;
    }
    out.push_back(cidr);
  }
  return out;
}

}  // namespace hcipol::backends::gateway
