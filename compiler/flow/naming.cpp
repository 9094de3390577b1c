// A greedy cover: exact names first, then the widest that fit, then plain addresses and patterns.
#include "flow/naming.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "support/text.h"

namespace hcipol::flow {

namespace {

using SetKind = NamedSet::Kind;

// What a reader knows best comes first.
int closeness(SetKind kind) {
  switch (kind) {
    case SetKind::any: return 0;
    case SetKind::internet: return 1;
    case SetKind::private_: return 2;
    case SetKind::servers: return 3;
    case SetKind::role: return 4;
    case SetKind::site: return 5;
    case SetKind::node: return 6;
    case SetKind::proxy: return 7;
    case SetKind::endpoint: return 8;
    case SetKind::literal: break;
  }
  return 9;
}

// The number of addresses, then of names: only an order, so that rounding does no harm.
std::pair<double, std::size_t> width(const net::PeerSet& set) {
  return {net::size(set.addresses), set.names.others() ? SIZE_MAX : set.names.entries().size()};
}

// A service tag stands in for its addresses under a name that no host can have.
std::string host(const std::string& text) {
  constexpr std::string_view tag = NamedSet::tag_prefix;
  return text.starts_with(tag) ? "service tag " + text.substr(tag.size()) : text;
}

std::vector<std::string> literals(const net::PeerSet& set) {
  std::vector<std::string> out;
  for (const net::AddressRange& range : set.addresses.ranges()) {
    out.push_back(net::to_string(range));
  }
  if (set.names.empty()) return out;
  if (!set.names.is_union()) {
    out.push_back(net::to_string(set.names));
    return out;
  }
  for (const net::DomainPattern& pattern : set.names.patterns()) {
    out.push_back(host(net::to_string(pattern)));
  }
  return out;
}

}  // namespace

Naming::Naming(const policy::Cluster& cluster, std::span<const Flow> flows) {
  std::set<const NamedSet*> all;
  for (const auto& [name, set] : cluster.named) all.insert(set);
  for (const Flow& flow : flows) {
    all.insert(flow.from.begin(), flow.from.end());
    all.insert(flow.to.begin(), flow.to.end());
  }
  std::map<net::PeerSet, const NamedSet*> best;
  for (const NamedSet* set : all) {
    // A literal's text is what the literal would be called anyway.
    if (set->set.empty() || set->kind == SetKind::literal) continue;
    const auto [known, added] = best.try_emplace(set->set, set);
    const auto order = [](const NamedSet* s) { return std::tuple(closeness(s->kind), s->name); };
    if (!added && order(set) < order(known->second)) known->second = set;
  }
  for (const auto& [members, set] : best) sets_.push_back(set);
  std::map<const NamedSet*, std::pair<double, std::size_t>> widths;
  for (const NamedSet* set : sets_) widths.emplace(set, width(set->set));
  std::sort(sets_.begin(), sets_.end(), [&](const NamedSet* a, const NamedSet* b) {
    return std::tuple(widths[b], closeness(a->kind), a->name) <
           std::tuple(widths[a], closeness(b->kind), b->name);
  });
}

const NamedSet* Naming::exact(const net::PeerSet& set) const {
  const auto found =
      std::find_if(sets_.begin(), sets_.end(), [&](const NamedSet* s) { return s->set == set; });
  return found == sets_.end() ? nullptr : *found;
}

std::vector<std::string> Naming::pieces(net::PeerSet set) const {
  std::vector<std::string> out;
  const net::PeerSet whole = set;
  for (const NamedSet* known : sets_) {
    if (set.empty()) break;
    if (!whole.contains(known->set) || !set.intersects(known->set)) continue;
    out.push_back(known->name);
    set = set - known->set;
  }
  const auto rest = literals(set);
  out.insert(out.end(), rest.begin(), rest.end());
  return out;
}

std::vector<std::string> Naming::names(const net::PeerSet& set) const {
  if (const NamedSet* known = exact(set)) return {known->name};
  if (set == net::PeerSet::all()) return {"any"};
  std::vector<std::string> out = pieces(set);
  if (out.size() < 3) return out;
  // The narrowest set of the policy around it, and `any`, say the rest as what is taken out.
  std::vector<std::pair<std::string, net::PeerSet>> around;
  for (auto known = sets_.rbegin(); known != sets_.rend(); ++known) {
    if (!(*known)->set.contains(set)) continue;
    around.emplace_back((*known)->name, (*known)->set);
    break;
  }
  around.emplace_back("any", net::PeerSet::all());
  for (const auto& [name, wide] : around) {
    const auto without = pieces(wide - set);
    if (without.size() + 1 >= out.size()) continue;
    const std::string taken =
        without.size() == 1 ? without[0] : fmt::format("[{}]", fmt::join(without, ", "));
    out = {name + " except " + taken};
  }
  return out;
}

std::string Naming::text(const net::PeerSet& set, std::size_t limit) const {
  return some_of(names(set), limit);
}

std::string to_string(const net::Endpoint& endpoint) {
  const auto* address = std::get_if<net::Address>(&endpoint);
  return address != nullptr ? net::to_string(*address) : host(std::get<std::string>(endpoint));
}

std::string to_string(const net::Packet& packet) {
  const auto service = net::ServiceSet::containing(packet.service);
  return fmt::format("{} -> {} on {}", to_string(packet.from), to_string(packet.to),
                     net::to_string(service));
}

}  // namespace hcipol::flow
