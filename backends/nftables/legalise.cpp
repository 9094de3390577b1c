// One table for both families: what matches an address says which, and what matches none says it
// beside.
#include "backends/nftables/legalise.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "backends/common/gateway/remarks.h"
#include "backends/common/text.h"
#include "backends/nftables/phase.h"
#include "backends/nftables/services.h"

namespace hcipol::backends::nftables {

namespace {

using gateway::Peers;
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

/// What rules match of each set of services that occurs, made once: many flows share one.
class ServiceBook {
 public:
  explicit ServiceBook(Document& document) : document_(document) {}

  const std::vector<const Service*>& rules(const net::ServiceSet& set, Family family) {
    const auto [place, fresh] = entries_[static_cast<std::size_t>(family)].try_emplace(set);
    if (!fresh) return place->second;
    if (set.is_any()) {
      place->second.push_back(nullptr);
      return place->second;
    }
    for (Service& service : rules_of(set, family)) {
      place->second.push_back(&document_.services.emplace_back(std::move(service)));
    }
    return place->second;
  }

 private:
  Document& document_;
  std::array<std::map<net::ServiceSet, std::vector<const Service*>>, 2> entries_;  ///< by family
};

class Builder {
 public:
  Builder(const std::optional<sema::Flow>& sees, Peers& peers, Document& document)
      : sees_(sees),
        peers_(peers),
        settings_(peers.settings()),
        document_(document),
        services_(document),
        denied_(document.words.emplace_back("denied")),
        except_("except", {Act::accept, nullptr}, document),
        deny_("deny", {Act::go, &denied_}, document),
        allow_("allow", {Act::accept, nullptr}, document) {
    if (Peer* servers = peers_.servers(); servers != nullptr) {
      document_.knows_servers_v4 = !servers->in(Family::ipv4).empty();
      document_.knows_servers_v6 = !servers->in(Family::ipv6).empty();
    }
  }

  void add(const flow::Flow& flow, const FlowText& text) {
    bool written = false;
    for (const Family family : families) {
      FamilyFlow share;
      share.family = family;
      share.from = in(peers_.from(flow), family);
      share.to = in(peers_.to(flow), family);
      share.services = services_.rules(flow.service, family);
      if (share.from.empty() || share.to.empty() || share.services.empty()) continue;
      phase_of(flow.kind).add(share, text);
      for (Peer* from : share.from) {
        for (Peer* to : share.to) note_others(*from, *to, family);
      }
      written = true;
    }
    if (!written || !traced_.insert(flow.rule).second) return;
    document_.traces.push_back({readable(flow.rule->address, max_comment), flow.rule});
  }

  void finish() {
    Chain top{"forward", {}};
    if (knows_servers()) add_servers(top.rules);
    const std::size_t of_servers = top.rules.size();
    add_others(top.rules);
    const bool of_others = top.rules.size() > of_servers;
    document_.chains.push_back(std::move(top));
    if (knows_servers()) document_.chains.push_back(ours());
    if (of_others) document_.chains.push_back(others());
    const bool denies = !deny_.empty();
    for (Phase* phase : phases()) {
      if (!phase->empty()) phase->write();
    }
    if (denies || (knows_servers() && settings_.rest != Settings::Rest::pass)) {
      document_.chains.push_back(denied());
    }
  }

 private:
  std::array<Phase*, 3> phases() { return {&except_, &deny_, &allow_}; }
  Phase& phase_of(Kind kind) {
    return kind == Kind::exception ? except_ : kind == Kind::deny ? deny_ : allow_;
  }
  bool knows_servers(Family family) const {
    return family == Family::ipv4 ? document_.knows_servers_v4 : document_.knows_servers_v6;
  }
  bool knows_servers() const { return knows_servers(Family::ipv4) || knows_servers(Family::ipv6); }

  static std::vector<Peer*> in(std::vector<Peer*> peers, Family family) {
    std::erase_if(peers, [&](const Peer* peer) { return peer->in(family).empty(); });
    return peers;
  }
  std::vector<Peer*> present(const std::vector<const policy::NamedSet*>& sets, Family family) {
    std::vector<Peer*> out;
    for (const auto* set : sets) {
      Peer& peer = peers_.of(set);
      const bool twice = std::find(out.begin(), out.end(), &peer) != out.end();
      if (!twice && !peer.in(family).empty()) out.push_back(&peer);
    }
    return out;
  }

  Rule to_chain(Act kind, std::string text) {
    Rule rule = plain(kind);
    rule.verdict.text = &document_.words.emplace_back(std::move(text));
    return rule;
  }

  /// Remembers whose traffic must come to `others` because no server need be at either end.
  void note_others(Peer& from, Peer& to, Family family) {
    const auto index = static_cast<std::size_t>(family);
    if (from.server[index] || to.server[index]) return;
    Peer& narrower = to.breadth(family) < from.breadth(family) ? to : from;
    others_[index].emplace(narrower.label, &narrower);
  }

  void add_both_ways(std::vector<Rule>& rules, const Match* match, Family family,
                     std::string_view chain) {
    Rule rule = to_chain(Act::go, std::string(chain));
    rule.from = match;
    if (match == nullptr) rule.family = family;
    rules.push_back(rule);
    if (match == nullptr) return;
    std::swap(rule.from, rule.to);
    rules.push_back(std::move(rule));
  }

  void add_servers(std::vector<Rule>& rules) {
    Peer& servers = *peers_.servers();
    for (const Family family : families) {
      Peers::use(servers, family);
      for (const Match* match : servers.in(family)) add_both_ways(rules, match, family, "ours");
    }
  }

  /// Those that are one prefix each share a list; a set is asked for by itself.
  void add_others(std::vector<Rule>& rules) {
    for (const Family family : families) {
      std::vector<net::Cidr> prefixes;
      const auto index = static_cast<std::size_t>(family);
      for (const auto& [label, peer] : others_[index]) {
        Peers::use(*peer, family);
        for (const Match* match : peer->in(family)) {
          if (match != nullptr && match->kind == Match::Kind::prefix) {
            prefixes.push_back(peer->prefixes[index].front());
          } else {
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

  void add_jumps(std::vector<Rule>& rules) {
    for (const Phase* phase : phases()) {
      if (!phase->empty()) rules.push_back(to_chain(Act::jump, phase->name()));
    }
  }

  Chain ours() {
    Chain chain{"ours", {}};
    chain.rules.emplace_back().state = Rule::State::ours;
    if (document_.knows_servers_v6) chain.rules.push_back(neighbour_discovery());
    add_jumps(chain.rules);
    if (settings_.rest != Settings::Rest::pass) {
      deny_what_is_seen(chain.rules);
    } else if (settings_.log) {
      chain.rules.push_back(to_chain(Act::log, settings_.base + " not allowed"));
    }
    return chain;
  }

  /// A gateway that bridges sees its neighbours' discovery in forward, where it is in no conntrack
  /// state; one that routes does not, and what it forwards has a hop limit below 255.
  Rule neighbour_discovery() {
    Rule rule = plain(Act::accept);
    rule.service = &document_.services.emplace_back(
        Service{Service::Kind::types, net::protocol::icmpv6, {neighbour_types}});
    rule.hop_limit_255 = true;
    return rule;
  }

  /// The policy decides over what the target sees; the servers' other traffic goes on.
  void deny_what_is_seen(std::vector<Rule>& rules) {
    if (!sees_ ||
        (sees_->service.is_any() && sees_any(sees_->from.parts) && sees_any(sees_->to.parts))) {
      rules.push_back(to_chain(Act::go, denied_));
      return;
    }
    for (const Family family : families) {
      if (!knows_servers(family)) continue;
      const auto& services = services_.rules(sees_->service, family);
      deny_between(sees_->from.parts, sees_->to.parts, family, services, rules);
      if (sees_->both_ways) {
        deny_between(sees_->to.parts, sees_->from.parts, family, services, rules);
      }
    }
  }

  /// Every address of the families in which there are servers.
  bool sees_any(const std::vector<const policy::NamedSet*>& sets) {
    return std::all_of(families.begin(), families.end(), [&](Family family) {
      return !knows_servers(family) || std::any_of(sets.begin(), sets.end(), [&](const auto* set) {
        return peers_.of(set).any(family);
      });
    });
  }

  void deny_between(const std::vector<const policy::NamedSet*>& from_sets,
                    const std::vector<const policy::NamedSet*>& to_sets, Family family,
                    const std::vector<const Service*>& services, std::vector<Rule>& rules) {
    for (Peer* from : present(from_sets, family)) {
      for (Peer* to : present(to_sets, family)) {
        Peers::use(*from, family);
        Peers::use(*to, family);
        for (const Match* source : from->in(family)) {
          for (const Match* destination : to->in(family)) {
            for (const Service* service : services) {
              Rule rule = plain(Act::go);
              rule.verdict.text = &denied_;
              rule.from = source;
              rule.to = destination;
              if (source == nullptr && destination == nullptr) rule.family = family;
              rule.service = service;
              rules.push_back(std::move(rule));
            }
          }
        }
      }
    }
  }

  Chain others() {
    Chain chain{"others", {}};
    chain.rules.emplace_back().state = Rule::State::others;
    add_jumps(chain.rules);
    return chain;
  }

  Chain denied() {
    Chain chain{"denied", {}};
    if (settings_.log) chain.rules.push_back(to_chain(Act::log, settings_.base + " denied"));
    if (settings_.rest == Settings::Rest::drop) {
      chain.rules.push_back(plain(Act::drop));
      return chain;
    }
    Rule reset = plain(Act::tcp_reset);
    const auto tcp = std::uint16_t{net::protocol::tcp};
    reset.service = &document_.services.emplace_back(
        Service{Service::Kind::protocols, net::protocol::tcp, {{tcp, tcp}}});
    chain.rules.push_back(std::move(reset));
    chain.rules.push_back(plain(Act::reject));
    return chain;
  }

  const std::optional<sema::Flow>& sees_;
  Peers& peers_;
  const Settings& settings_;
  Document& document_;
  ServiceBook services_;
  const std::string& denied_;  ///< the chain's name
  Phase except_;
  Phase deny_;
  Phase allow_;
  std::array<std::map<std::string, Peer*>, 2> others_;  ///< by family
  std::unordered_set<const policy::Rule*> traced_;
};

}  // namespace

Document legalise(const flow::DevicePolicy& device, const Settings& settings,
                  EmitContext& context) {
  Document document;
  document.base = settings.base;
  document.cluster = device.cluster->name;
  document.log_group = settings.log_group;
  Peers peers(device, settings, dialect(), document, context);
  gateway::report_peers(device, peers, context);
  Builder builder(device.view->sees, peers, document);
  for (const flow::Flow& flow : device.flows) {
    FlowText text;
    text.comment = &document.words.emplace_back(gateway::comment_of(flow, max_comment));
    if (flow.rule->log) {
      text.log_prefix =
          &document.words.emplace_back(gateway::log_prefix(flow, settings, max_log_prefix));
    }
    builder.add(flow, text);
  }
  builder.finish();
  peers.write(context);
  return document;
}

}  // namespace hcipol::backends::nftables
