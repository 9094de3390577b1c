// The order is the meaning: what is open goes on, what belongs to nothing goes no further, then the
// policy's rules, then the rest.
#include "backends/nftables/frame.h"

#include <algorithm>
#include <iterator>
#include <span>
#include <utility>

namespace hcipol::backends::nftables {

namespace {

using net::Family;
using Kind = policy::Rule::Kind;
using Act = Verdict::Kind;

constexpr std::array families{Family::ipv4, Family::ipv6};

/// Neighbour discovery: router and neighbour solicitations and advertisements (RFC 4890 §4.4.1).
constexpr net::PortRange neighbour_types{133, 136};

Rule plain(Act kind) {
  Rule rule;
  rule.verdict.kind = kind;
  return rule;
}

void refuse(const Settings& settings, Document& document, std::vector<Rule>& rules) {
  if (settings.rest == Settings::Rest::drop) {
    rules.push_back(plain(Act::drop));
    return;
  }
  Rule reset = plain(Act::tcp_reset);
  const auto tcp = std::uint16_t{net::protocol::tcp};
  reset.service = &document.services.emplace_back(
      Service{Service::Kind::protocols, net::protocol::tcp, {{tcp, tcp}}});
  rules.push_back(std::move(reset));
  rules.push_back(plain(Act::reject));
}

std::vector<Peer*> in(std::span<Peer* const> peers, Family family) {
  std::vector<Peer*> out;
  out.reserve(peers.size());
  std::copy_if(peers.begin(), peers.end(), std::back_inserter(out),
               [&](const Peer* peer) { return !peer->in(family).empty(); });
  return out;
}

/// Before the names of chains and maps: two ways stand in one table.
std::string prefix_of(Way way) {
  switch (way) {
    case Way::forward: return "";
    case Way::in: return "in.";
    case Way::out: return "out.";
  }
  return "";
}

std::string_view hook_of(Way way) {
  switch (way) {
    case Way::forward: return "forward";
    case Way::in: return "input";
    case Way::out: return "output";
  }
  return "";
}

}  // namespace

Frame::Frame(Way way, const flow::DevicePolicy& device, Peers& peers, ServiceBook& services,
             gateway::LineTexts& texts, Document& document)
    : way_(way),
      prefix_(prefix_of(way)),
      sees_(device.view->sees),
      peers_(peers),
      settings_(peers.settings()),
      services_(services),
      document_(document),
      own_(gateway::own_peers(device, peers, settings_.host)),
      denied_(document.words.emplace_back("denied")),
      refused_(document.words.emplace_back("refused")),
      except_(prefix_ + "except", {Act::accept, nullptr}, {Act::accept, nullptr}, texts, document),
      deny_(prefix_ + "deny", {Act::go, &denied_}, {Act::go, &refused_}, texts, document),
      allow_(prefix_ + "allow", {Act::accept, nullptr}, {Act::accept, nullptr}, texts, document) {
  for (const Family family : families) {
    knows_own_[index(family)] = std::any_of(
        own_.begin(), own_.end(), [&](const Peer* peer) { return !peer->in(family).empty(); });
  }
  sees_all_ = !sees_ || gateway::sees_all(*sees_, way_, own_);
}

void Frame::add(const flow::Flow& flow) {
  for (const Family family : families) {
    FamilyFlow share;
    share.flow = &flow;
    share.family = family;
    share.from = in(peers_.from(flow), family);
    share.to = in(peers_.to(flow), family);
    if (share.from.empty() || share.to.empty()) continue;
    share.services = services_.rules(flow.service, family);
    if (share.services.empty()) continue;
    phase_of(flow.kind).add(share);
    for (Peer* from : share.from) {
      for (Peer* to : share.to) note_others(*from, *to, family);
    }
  }
}

void Frame::finish() {
  Chain top{std::string(hook_of(way_)), {}, hook_of(way_)};
  if (way_ == Way::forward) {
    add_servers(top.rules);
  } else {
    add_machine(top.rules);
  }
  const std::size_t of_own = top.rules.size();
  if (way_ == Way::forward) add_others(top.rules);
  const bool of_others = top.rules.size() > of_own;
  document_.chains.push_back(std::move(top));
  if (knows_own()) {
    document_.chains.push_back(ours());
    if (!sees_all_) document_.chains.push_back(invalid());
  }
  if (of_others) document_.chains.push_back(others());
  refuses_ = deny_.is_silent() || (knows_own() && settings_.rest != Settings::Rest::pass);
  for (Phase* phase : phases()) {
    if (!phase->empty()) phase->write();
  }
}

Phase& Frame::phase_of(Kind kind) {
  return kind == Kind::exception ? except_ : kind == Kind::deny ? deny_ : allow_;
}

std::vector<Peer*> Frame::present(const std::vector<const policy::NamedSet*>& sets, Family family) {
  std::vector<Peer*> out;
  for (const auto* set : sets) {
    Peer& peer = peers_.of(set);
    const bool twice = std::find(out.begin(), out.end(), &peer) != out.end();
    if (!twice && !peer.in(family).empty()) out.push_back(&peer);
  }
  return out;
}

Rule Frame::to_chain(Act kind, std::string text) {
  Rule rule = plain(kind);
  rule.verdict.text = &document_.words.emplace_back(std::move(text));
  return rule;
}

/// Remembers whose traffic must come to `others` because no server need be at either end.
void Frame::note_others(Peer& from, Peer& to, Family family) {
  if (from.server[index(family)] || to.server[index(family)]) return;
  Peer& narrower = to.breadth(family) < from.breadth(family) ? to : from;
  others_[index(family)].emplace(narrower.label, &narrower);
}

void Frame::add_both_ways(std::vector<Rule>& rules, const Match* match, Family family,
                          std::string_view chain) {
  Rule rule = to_own(Act::go, chain);
  rule.from = match;
  if (match == nullptr) rule.family = family;
  rules.push_back(rule);
  if (match == nullptr) return;
  std::swap(rule.from, rule.to);
  rules.push_back(std::move(rule));
}

void Frame::add_servers(std::vector<Rule>& rules) {
  for (const Family family : families) {
    for (Peer* servers : own_) {
      Peers::use(*servers, family);
      for (const Match* match : servers->in(family)) add_both_ways(rules, match, family, "ours");
    }
  }
}

/// What it sends itself is nobody's business.
void Frame::add_machine(std::vector<Rule>& rules) {
  if (!knows_own()) return;
  rules.push_back(plain(Act::pass));
  rules.back().loopback = way_ == Way::in ? "iifname" : "oifname";
  for (const Family family : families) {
    for (Peer* peer : own_) {
      Peers::use(*peer, family);
      for (const Match* match : peer->in(family)) {
        Rule rule = to_own(Act::go, "ours");
        (way_ == Way::in ? rule.to : rule.from) = match;
        if (match == nullptr) rule.family = family;
        rules.push_back(std::move(rule));
      }
    }
  }
}

/// Those that are one prefix each share a list, as do sets that would be many; else a set is asked
/// for by itself, and always one that names fill.
void Frame::add_others(std::vector<Rule>& rules) {
  constexpr std::size_t most_sets = 8;
  for (const Family family : families) {
    const auto is_list = [](const Match* match) {
      return match != nullptr && match->kind == Match::Kind::list;
    };
    std::size_t sets = 0;
    for (const auto& [label, peer] : others_[index(family)]) {
      const auto& matches = peer->in(family);
      sets += std::any_of(matches.begin(), matches.end(), is_list) ? 1 : 0;
    }
    std::vector<net::Cidr> prefixes;
    for (const auto& [label, peer] : others_[index(family)]) {
      for (const Match* match : peer->in(family)) {
        const bool single = match != nullptr && match->kind == Match::Kind::prefix;
        if (single || (is_list(match) && sets > most_sets)) {
          const auto& own = peer->prefixes[index(family)];
          prefixes.insert(prefixes.end(), own.begin(), own.end());
        } else {
          Peers::use(*peer, family);
          add_both_ways(rules, match, family, "others");
        }
      }
    }
    if (prefixes.empty()) continue;
    const std::string name = peers_.dialect().list_name(settings_.base, "others", family);
    document_.lists.push_back({name, family, gateway::outermost(std::move(prefixes))});
    const Match& match = document_.matches.emplace_back(Match{Match::Kind::list, name});
    add_both_ways(rules, &match, family, "others");
  }
}

void Frame::add_jumps(std::vector<Rule>& rules) {
  for (const Phase* phase : phases()) {
    if (!phase->empty()) rules.push_back(to_chain(Act::jump, phase->name()));
  }
}

Chain Frame::ours() {
  Chain chain{prefix_ + "ours", {}, {}};
  Rule state = sees_all_ ? Rule() : to_own(Act::go, "invalid");
  state.state = Rule::State::ours;
  chain.rules.push_back(std::move(state));
  if (knows_own_[index(Family::ipv6)]) chain.rules.push_back(neighbour_discovery());
  add_jumps(chain.rules);
  if (settings_.rest != Settings::Rest::pass) {
    deny_what_is_seen(chain.rules);
  } else if (settings_.log) {
    chain.rules.push_back(to_chain(Act::log, settings_.base + " not allowed"));
  }
  return chain;
}

/// It is in no conntrack state. A machine needs it to have neighbours at all; of gateways only one
/// that bridges sees it in forward, and what a router forwards has a hop limit below 255.
Rule Frame::neighbour_discovery() {
  Rule rule = plain(Act::accept);
  rule.service = &document_.services.emplace_back(
      Service{Service::Kind::types, net::protocol::icmpv6, {neighbour_types}});
  rule.hop_limit_255 = true;
  return rule;
}

/// The policy decides over what the target sees; other traffic goes on.
void Frame::deny_what_is_seen(std::vector<Rule>& rules) {
  if (!sees_) {
    rules.push_back(to_chain(Act::go, denied_));
    return;
  }
  const auto directions = gateway::directions(*sees_, way_, own_);
  if (sees_->service.is_any() &&
      std::any_of(directions.begin(), directions.end(),
                  [&](const gateway::Direction& each) { return is_all(each); })) {
    rules.push_back(to_chain(Act::go, denied_));
    return;
  }
  add_what_is_seen(to_chain(Act::go, denied_), rules);
}

/// What belongs to no connection although it should. On a way that the target does not see, what
/// conntrack did not see either belongs to connections of others.
Chain Frame::invalid() {
  Chain chain{prefix_ + "invalid", {}, {}};
  add_what_is_seen(plain(Act::drop), chain.rules);
  return chain;
}

/// A rule like this one for each way from whom to whom the target sees packets.
void Frame::add_what_is_seen(const Rule& like, std::vector<Rule>& rules) {
  for (const Family family : families) {
    if (!knows_own_[index(family)]) continue;
    const auto& services = services_.rules(sees_->service, family);
    for (const gateway::Direction& each : gateway::directions(*sees_, way_, own_))
      add_between(like, each, family, services, rules);
  }
}

/// All that comes to the chain "ours".
bool Frame::is_all(const gateway::Direction& direction) {
  const auto has_own = [&](const std::vector<const policy::NamedSet*>& sets) {
    return flow::peers(sets).addresses.contains(gateway::addresses_of(own_));
  };
  if (way_ == Way::in) return is_any(*direction.from) && has_own(*direction.to);
  if (way_ == Way::out) return has_own(*direction.from) && is_any(*direction.to);
  return is_any(*direction.from) && is_any(*direction.to);
}

/// Every address of the families that are spoken of.
bool Frame::is_any(const std::vector<const policy::NamedSet*>& sets) {
  return std::all_of(families.begin(), families.end(), [&](Family family) {
    return !knows_own_[index(family)] ||
           std::any_of(sets.begin(), sets.end(),
                       [&](const auto* set) { return peers_.of(set).any(family); });
  });
}

void Frame::add_between(const Rule& like, const gateway::Direction& direction, Family family,
                        const std::vector<const Service*>& services, std::vector<Rule>& rules) {
  for (Peer* from : present(*direction.from, family)) {
    for (Peer* to : present(*direction.to, family)) {
      Peers::use(*from, family);
      Peers::use(*to, family);
      for (const Match* source : from->in(family)) {
        for (const Match* destination : to->in(family)) {
          for (const Service* service : services) {
            Rule& rule = rules.emplace_back(like);
            rule.from = source;
            rule.to = destination;
            if (source == nullptr && destination == nullptr) rule.family = family;
            rule.service = service;
          }
        }
      }
    }
  }
}

Chain Frame::others() {
  Chain chain{prefix_ + "others", {}, {}};
  chain.rules.emplace_back().state = Rule::State::others;
  add_jumps(chain.rules);
  return chain;
}

Chain denied_chain(const Settings& settings, Document& document) {
  Chain chain{"denied", {}, {}};
  if (settings.log) {
    chain.rules.push_back(plain(Act::log));
    chain.rules.back().verdict.text = &document.words.emplace_back(settings.base + " denied");
  }
  refuse(settings, document, chain.rules);
  return chain;
}

Chain refused_chain(const Settings& settings, Document& document) {
  Chain chain{"refused", {}, {}};
  refuse(settings, document, chain.rules);
  return chain;
}

}  // namespace hcipol::backends::nftables
