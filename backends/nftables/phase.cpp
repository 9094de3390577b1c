// A chain must stay short however many rules there are: nftables takes about 40 ns for each that it
// passes over, and the same for a map of any size.
#include "backends/nftables/phase.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "backends/nftables/divide.h"
#include "backends/nftables/services.h"

namespace hcipol::backends::nftables {

namespace {

using net::Family;

/// What would be more elements is one rule with lists.
constexpr std::size_t most_elements = 16;

std::size_t index(Family family) {
  return static_cast<std::size_t>(family);
}

const std::vector<net::Cidr>& prefixes_of(const Peer& peer, Family family) {
  return peer.prefixes[index(family)];
}

/// The one prefix that the peer is in the family; null if it is more, or less than that.
const net::Cidr* sole_prefix(const Peer& peer, Family family) {
  const auto& matches = peer.in(family);
  if (matches.size() != 1 || matches.front() == nullptr) return nullptr;
  return matches.front()->kind == Match::Kind::prefix ? &prefixes_of(peer, family).front()
                                                      : nullptr;
}

bool is_host(const net::Cidr& cidr) {
  return cidr.length == net::width(cidr.network.family);
}

/// How many ports a map would have an element for; none where it is about something else.
std::size_t port_count(const Service* service) {
  if (service == nullptr || service->kind != Service::Kind::ports) return 0;
  std::size_t count = 0;
  for (const net::PortRange& range : service->numbers) count += range.last - range.first + 1U;
  return count;
}

Rule look_up(const Map& map) {
  Rule rule;
  rule.map = &map;
  return rule;
}

/// Names that people gave before what the policy only mentions: of two sources with one prefix the
/// map has the first, and a literal that comes later leaves it there.
std::pair<bool, std::string_view> precedence(const Peer& peer) {
  return {peer.set->kind == sema::NamedSet::Kind::literal, peer.label};
}

}  // namespace

Phase::Destinations Phase::destinations(const FamilyFlow& flow) {
  Destinations out;
  out.any = std::any_of(flow.to.begin(), flow.to.end(),
                        [&](const Peer* peer) { return peer->any(flow.family); });
  if (out.any) return out;
  for (Peer* peer : flow.to) {
    gateway::Peers::use(*peer, flow.family);
    for (const Match* match : peer->in(flow.family)) {
      if (match->kind == Match::Kind::prefix) {
        out.prefixes.emplace_back(prefixes_of(*peer, flow.family).front(), peer);
      } else {
        out.sets.emplace_back(match, peer);
      }
    }
  }
  return out;
}

void Phase::add(const FamilyFlow& flow) {
  const bool logged = flow.flow->rule->log;
  logs_[logged ? 1 : 0] = true;
  const Destinations to = destinations(flow);
  // Of hosts and single ports kernels have a hash; with prefixes or ranges beside other fields they
  // go through a bit for each element, which ten thousand rules feel.
  Destinations hosts, others = to;
  const auto first = std::stable_partition(others.prefixes.begin(), others.prefixes.end(),
                                           [](const auto& one) { return !is_host(one.first); });
  hosts.prefixes.assign(first, others.prefixes.end());
  others.prefixes.erase(first, others.prefixes.end());
  for (Peer* from : flow.from) {
    gateway::Peers::use(*from, flow.family);
    for (const Service* service : flow.services) {
      const std::size_t ports = logged ? 0 : port_count(service);
      const bool short_enough = ports != 0 && ports * hosts.prefixes.size() <= most_elements;
      if (short_enough) add_elements(*from, flow, hosts, *service);
      add_rules(*from, flow, short_enough ? others : to, service);
    }
  }
}

Phase::Source& Phase::source(Peer& peer, Family family, const Service* service) {
  Source& source = sources_[peer.label];
  source.peer = &peer;
  source.has[index(family)] = true;
  const auto blocks = service == nullptr ? std::vector<gateway::Block>() : blocks_of(*service);
  source.about_all = source.about_all || blocks.empty();
  source.about.insert(source.about.end(), blocks.begin(), blocks.end());
  return source;
}

Map& Phase::map(Map*& place, Family family, Map::Key key, std::string name) {
  if (place == nullptr) {
    place = &document_.maps.emplace_back();
    place->name = std::move(name);
    place->family = family;
    place->key = key;
  }
  return *place;
}

void Phase::add_elements(Peer& from, const FamilyFlow& flow, const Destinations& to,
                         const Service& service) {
  const net::Cidr* prefix = sole_prefix(from, flow.family);
  const char digit = flow.family == Family::ipv4 ? '4' : '6';
  for (const auto& [destination, peer] : to.prefixes) {
    Map* map = nullptr;
    std::string key;
    if (prefix != nullptr && is_host(*prefix)) {
      map = &this->map(pairs_[index(flow.family)], flow.family, Map::Key::from_to_service,
                       fmt::format("{}.pairs{}", name_, digit));
      key = net::to_short_string(*prefix) + " . ";
    } else {
      Source& source = this->source(from, flow.family, &service);
      map = &this->map(source.to[index(flow.family)], flow.family, Map::Key::to_service,
                       fmt::format("{}.to{}", chain_of(source), digit));
    }
    key += net::to_short_string(destination) + " . " + net::protocol_name(service.protocol);
    for (const net::PortRange& range : service.numbers) {
      for (unsigned port = range.first; port <= range.last; ++port) {
        std::string whole = fmt::format("{} . {}", key, port);
        // Two rules may open one port where rules are not joined.
        if (!keys_[map].insert(whole).second) continue;
        const auto number = static_cast<std::uint16_t>(port);
        const LineText& text = texts_.of(*flow.flow, [&, to = peer->set] {
          return FlowPart{net::ServiceSet::ports(service.protocol, number, number),
                          flow.family,
                          {from.set},
                          {to}};
        });
        map->elements.push_back({std::move(whole), verdict_, text.comment});
      }
    }
  }
}

void Phase::add_rules(Peer& from, const FamilyFlow& flow, const Destinations& to,
                      const Service* service) {
  using Sets = FlowPart::Sets;
  const auto put = [&](const Match* match, const auto& sets) {
    const LineText& text = texts_.of(*flow.flow, [&] {
      return FlowPart{set_of(service), flow.family, {from.set}, sets()};
    });
    Rule rule;
    rule.service = service;
    rule.comment = text.comment;
    rule.to = match;
    rule.family = match == nullptr ? std::optional(flow.family) : std::nullopt;
    put_rule(source(from, flow.family, service), rule, text);
  };
  if (to.any) put(nullptr, [] { return Sets(); });
  if (!to.prefixes.empty()) {
    put(joined(to), [&] {
      Sets sets;
      for (const auto& [prefix, peer] : to.prefixes) sets.push_back(peer->set);
      return sets;
    });
  }
  for (const auto& [match, peer] : to.sets) put(match, [&, to = peer->set] { return Sets{to}; });
}

void Phase::put_rule(Source& source, Rule rule, const LineText& text) const {
  if (text.log_prefix != nullptr) {
    source.rules.push_back(rule);
    source.rules.back().verdict = {Verdict::Kind::log, text.log_prefix};
  }
  rule.verdict = text.log_prefix != nullptr ? logged_ : verdict_;
  source.rules.push_back(std::move(rule));
}

/// The prefixes as one operand; null if they are every address.
const Match* Phase::joined(const Destinations& to) {
  std::vector<net::AddressRange> ranges;
  for (const auto& [cidr, peer] : to.prefixes) {
    ranges.push_back({cidr.network, net::last_of(cidr.network, cidr.length)});
  }
  auto disjoint = net::AddressSet::of(std::move(ranges)).cidrs();
  if (disjoint.front().length == 0) return nullptr;
  std::string text;
  for (const net::Cidr& cidr : disjoint) {
    text += (text.empty() ? "" : ", ") + net::to_short_string(cidr);
  }
  if (disjoint.size() > 1) text = "{ " + text + " }";
  return &document_.matches.emplace_back(
      Match{Match::Kind::prefix, std::move(text), gateway::cover(disjoint)});
}

/// False if the map cannot lead to the source: it is no single prefix, or another source is the
/// same one.
bool Phase::into_map(const Source& source, Family family, ByPrefix& maps) {
  const net::Cidr* prefix = sole_prefix(*source.peer, family);
  if (prefix == nullptr) return false;
  const char digit = family == Family::ipv4 ? '4' : '6';
  Map& map = this->map(maps[{family, prefix->length}], family, Map::Key::from,
                       fmt::format("{}.from{}-{}", name_, digit, prefix->length));
  map.intervals = !is_host(*prefix);
  std::string key = net::to_short_string(*prefix);
  if (!keys_[&map].insert(key).second) return false;
  map.elements.push_back({std::move(key), {Verdict::Kind::jump, word(chain_of(source))}, nullptr});
  return true;
}

void Phase::add_source(Source& source, std::vector<Rule>& jumps, ByPrefix& maps) {
  const Peer& peer = *source.peer;
  Rule jump;
  jump.verdict = {Verdict::Kind::jump, word(chain_of(source))};
  source.about = gateway::outermost(std::move(source.about));
  if (source.about_all) source.about.clear();
  jump.about = &source.about;
  const bool everywhere = source.has[0] && source.has[1];
  if (everywhere && peer.any(Family::ipv4) && peer.any(Family::ipv6)) {
    jumps.push_back(jump);
    return;
  }
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    if (!source.has[index(family)] || into_map(source, family, maps)) continue;
    for (const Match* match : peer.in(family)) {
      jump.from = match;
      jump.family = match == nullptr ? std::optional(family) : std::nullopt;
      jumps.push_back(jump);
    }
  }
}

void Phase::write() {
  Chain top{name_, {}, {}};
  std::vector<Source*> sources;
  for (auto& [label, source] : sources_) sources.push_back(&source);
  std::sort(sources.begin(), sources.end(), [](const Source* a, const Source* b) {
    return precedence(*a->peer) < precedence(*b->peer);
  });
  std::vector<Rule> jumps;
  ByPrefix maps;
  for (Source* source : sources) add_source(*source, jumps, maps);
  for (const Map* map : pairs_) {
    if (map != nullptr) top.rules.push_back(look_up(*map));
  }
  for (const auto& [prefix, map] : maps) top.rules.push_back(look_up(*map));
  constexpr std::array sides_of_top{Side::from, Side::service};
  Divider(sides_of_top, document_).write(std::move(top), std::move(jumps));
  constexpr std::array sides{Side::to, Side::service};
  for (auto& [label, source] : sources_) {
    Chain chain{chain_of(source), {}, {}};
    for (const Map* map : source.to) {
      if (map != nullptr) chain.rules.push_back(look_up(*map));
    }
    Divider(sides, document_).write(std::move(chain), std::move(source.rules));
  }
}

}  // namespace hcipol::backends::nftables
