// A device's names must depend on the policy's names alone: a set keeps its name whatever else
// comes.
#include "backends/common/gateway/peers.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <map>
#include <string_view>
#include <tuple>
#include <unordered_set>
#include <utility>

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
    for (const net::DomainPattern& pattern : below(names))
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
  return a.name == b.name && a.set == b.set && a.tag == b.tag &&
         a.tag_addresses == b.tag_addresses && a.addresses == b.addresses;
}

/// Each is a set that a packet is looked up in; more than these become one.
constexpr std::size_t most_sets_of_names = 16;

bool only_names(const Peer& peer) {
  return !peer.names.empty() && peer.addresses.empty() && !peer.by_file;
}

/// By pointers, since sets are large things to move.
template <class Set>
void sort_by_name(std::vector<Set>& sets) {
  std::vector<Set*> order;
  order.reserve(sets.size());
  for (Set& set : sets) order.push_back(&set);
  std::sort(order.begin(), order.end(),
            [](const Set* a, const Set* b) { return a->name < b->name; });
  std::vector<Set> sorted;
  sorted.reserve(sets.size());
  for (Set* set : order) sorted.push_back(std::move(*set));
  sets = std::move(sorted);
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
    : flows_(device.flows),
      settings_(settings),
      dialect_(dialect),
      sets_(sets),
      label_limit_(dialect.label_limit(settings.base)) {
  by_set_.reserve(device.flows.size());
  by_label_.reserve(device.flows.size());
  for (const std::string_view label : dialect.taken_labels) by_label_.emplace(label, nullptr);
  if (device.cluster->servers != nullptr) servers_ = add(device.cluster->servers);
  if (const auto& machine = device.view->machine) {
    for (const auto* set : machine->parts) add(set);
  }
  starts_.reserve(2 * device.flows.size() + 1);
  for (const flow::Flow& flow : device.flows) {
    add_side(flow.from);
    add_side(flow.to);
  }
  starts_.push_back(named_.size());
  if (const auto& sees = device.view->sees) {
    for (const auto* set : sees->from.parts) add(set);
    for (const auto* set : sees->to.parts) add(set);
  }
  for (const flow::Flow& flow : device.flows) {
    join(flow, side(flow), " from");
    join(flow, side(flow) + 1, " to");
  }
  tell_apart(context);
  match_all();
}

Peer* Peers::add(const policy::NamedSet* set) {
  Peer*& place = by_set_[set];
  if (place != nullptr) return place;
  std::string label = label_of(*set);
  const auto [first, end] = by_label_.equal_range(label);
  const auto twin = std::find_if(first, end, [&](const auto& labelled) {
    return labelled.second != nullptr && same(*labelled.second->set, *set);
  });
  if (twin != end) return place = twin->second;
  place = &make(*set, std::move(label));
  resolve(*place, settings_);
  return place;
}

Peer& Peers::make(const policy::NamedSet& set, std::string label) {
  Peer& peer = peers_.emplace_back();
  peer.set = &set;
  peer.label = std::move(label);
  by_label_.emplace(peer.label, &peer);
  return peer;
}

std::string Peers::label_of(const policy::NamedSet& set) const {
  std::string label = slug(set.name);
  if (label.empty()) return content_hash(set.name, label_limit_);
  return shortened(std::move(label), label_limit_);
}

void Peers::add_side(const std::vector<const policy::NamedSet*>& sets) {
  starts_.push_back(named_.size());
  for (const auto* set : sets) named_.push_back(add(set));
}

/// Notes what the device has in place of the side's peers, if it is something else.
void Peers::join(const flow::Flow& flow, std::size_t side, std::string_view what) {
  const std::span<Peer* const> all = named(side);
  if (all.size() < 2) return;
  const auto count =
      std::count_if(all.begin(), all.end(), [](const Peer* peer) { return only_names(*peer); });
  const bool too_many = static_cast<std::size_t>(count) > most_sets_of_names;
  std::vector<net::DomainPattern> names;
  std::vector<Peer*> out;
  std::unordered_set<const Peer*> seen;
  for (Peer* peer : all) {
    if (too_many && only_names(*peer)) {
      names.insert(names.end(), peer->names.begin(), peer->names.end());
    } else if (seen.insert(peer).second) {
      out.push_back(peer);
    }
  }
  if (too_many) out.push_back(&joined(flow, std::move(names), what));
  if (too_many || out.size() < all.size()) others_.emplace(side, std::move(out));
}

Peer& Peers::joined(const flow::Flow& flow, std::vector<net::DomainPattern> names,
                    std::string_view what) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  policy::NamedSet& set = joined_.emplace_back();
  set.name = flow.id + std::string(what);
  set.set.names = net::DomainSet::of(names);
  set.span = flow.rule->origin.span;
  Peer& peer = make(set, label_of(set));
  peer.names = std::move(names);
  return peer;
}

/// Those who would be called as others are get a hash of what they are.
void Peers::tell_apart(EmitContext& context) {
  std::vector<Peer*> namesakes;
  for (auto at = by_label_.begin(); at != by_label_.end();) {
    auto end = std::next(at);
    while (end != by_label_.end() && end->first == at->first) ++end;
    for (const bool several = std::next(at) != end; at != end; ++at) {
      if (several && at->second != nullptr) namesakes.push_back(at->second);
    }
  }
  by_label_.clear();  // it points to the labels
  if (namesakes.empty()) return;
  for (Peer* peer : namesakes) {
    const policy::NamedSet& set = *peer->set;
    const std::string addresses = peer->by_file ? set.tag : net::to_string(peer->addresses);
    const std::string all = set.name + "\n" + addresses + "\n" + net::to_string(set.set.names);
    peer->label = peer->label.substr(0, label_limit_ - 9) + "." + content_hash(all, 8);
  }
  check_labels(context);
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
    // Sorted, and IPv4 comes first.
    std::vector<net::Cidr> prefixes = peer.addresses.cidrs();
    auto& [v4, v6] = peer.prefixes;
    const auto first = std::find_if(prefixes.begin(), prefixes.end(), [](const net::Cidr& cidr) {
      return cidr.network.family == net::Family::ipv6;
    });
    v6.assign(first, prefixes.end());
    prefixes.erase(first, prefixes.end());
    v4 = std::move(prefixes);
    const bool both = !v4.empty() && !v6.empty();
    for (const net::Family family : {net::Family::ipv4, net::Family::ipv6}) {
      const auto index = static_cast<std::size_t>(family);
      match(peer, family);
      peer.server[index] = peer.names.empty() &&
                           (peer.prefixes[index].empty() ||
                            servers.contains(both ? peer.addresses.only(family) : peer.addresses));
    }
  }
}

void Peers::match(Peer& peer, net::Family family) {
  const auto& prefixes = peer.prefixes[static_cast<std::size_t>(family)];
  auto& matches = peer.matches[static_cast<std::size_t>(family)];
  if (prefixes.size() == 1 && prefixes.front().length == 0) {
    matches.add(nullptr);
    return;
  }
  if (peer.listed(family)) {
    matches.add(keep({Match::Kind::list, list_name(peer, family),
                      peer.by_file ? std::vector<net::Cidr>() : cover(prefixes)}));
  } else if (!prefixes.empty()) {
    const net::Cidr& prefix = prefixes.front();
    matches.add(keep({Match::Kind::prefix, net::to_short_string(prefix), {prefix}}));
  }
  if (!peer.names.empty()) {
    matches.add(keep({Match::Kind::learnt, learnt_name(peer, family), {}}));
  }
}

void Peers::write(EmitContext& context) {
  Domains domains(settings_, dialect_, sets_.references);
  for (const Peer& peer : peers_) {
    for (const net::Family family : {net::Family::ipv4, net::Family::ipv6}) {
      const auto index = static_cast<std::size_t>(family);
      if (!peer.used[index]) continue;
      for (const Match* match : peer.in(family)) {
        if (match == nullptr || match->kind == Match::Kind::prefix) continue;
        if (match->kind == Match::Kind::list) {
          sets_.lists.push_back({match->text, family, peer.prefixes[index]});
          continue;
        }
        sets_.learnt.push_back({match->text, family, peer.set->name, peer.names});
        domains.add(peer, sets_.learnt.back());
      }
    }
    const std::size_t most = std::max(peer.prefixes[0].size(), peer.prefixes[1].size());
    if (dialect_.max_prefixes != 0 && most > dialect_.max_prefixes) {
      context.reporter().report<Diag::device_limit>(
          peer.set->span, "`" + peer.set->name + "`", dialect_.set_tool,
          fmt::format("{} prefixes of {}", most, dialect_.max_prefixes));
    }
  }
  sort_by_name(sets_.lists);
  sort_by_name(sets_.learnt);
  sets_.domains = domains.lines(context);
}

std::vector<net::Cidr> outermost(std::vector<net::Cidr> prefixes) {
  std::sort(prefixes.begin(), prefixes.end(), [](const net::Cidr& a, const net::Cidr& b) {
    return std::tie(a.network, a.length) < std::tie(b.network, b.length);
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
