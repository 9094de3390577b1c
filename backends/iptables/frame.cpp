// The order is the meaning: what is open goes on, what belongs to nothing goes no further, then the
// policy's rules, then the rest.
#include "backends/iptables/frame.h"

#include <algorithm>
#include <array>
#include <utility>

#include "backends/iptables/branches.h"

namespace hcipol::backends::iptables {

namespace {

using gateway::Peer;
using gateway::Peers;
using Act = Verdict::Kind;
using Way = Path::Way;

/// Neighbour discovery: router and neighbour solicitations and advertisements (RFC 4890 §4.4.1).
constexpr std::array<std::uint8_t, 4> neighbour_types{133, 134, 135, 136};
/// Who listens to which groups: without it a switch forgets where to send solicitations (the same).
constexpr std::array<std::uint8_t, 4> listener_types{130, 131, 132, 143};

}  // namespace

Frame::Frame(const Path& path, net::Family family, const flow::DevicePolicy& device, Peers& peers,
             ServiceBook& services, const Settings& settings, Document& document)
    : path_(path),
      family_(family),
      sees_(device.view->sees),
      peers_(peers),
      services_(services),
      settings_(settings),
      document_(document),
      own_(gateway::own_peers(device, peers, settings.host)) {
  knows_own_ = std::any_of(own_.begin(), own_.end(),
                           [&](const Peer* peer) { return !peer->in(family).empty(); });
}

void Frame::add(FlowChains& flows, Rules& rules) {
  rules.family = family_;
  rules.knows_own = knows_own_;
  rules.hooks.push_back({path_.built_in, path_.top_of(settings_.base)});
  rules.chains.push_back(settings_.owns_table ? alone(flows) : beside_others(flows));
  if (!settings_.owns_table) {
    if (knows_own_) rules.chains.push_back(ours(flows));
    if (path_.way == Way::forward && !flows.others().empty()) rules.chains.push_back(others());
  }
  const bool refuses = settings_.rest != Settings::Rest::pass;
  const bool refuses_something =
      flows.denies() || (refuses && (knows_own_ || settings_.owns_table));
  flows.take(rules);
  if (refuses_something) rules.chains.push_back(denied());
  if (flows.refuses()) rules.chains.push_back(refused());
}

Line Frame::plain(Act kind) {
  Line line;
  line.verdict.kind = kind;
  return line;
}

Line Frame::jump(Act kind, std::string_view label) {
  Line line = plain(kind);
  line.verdict.text = &document_.words.emplace_back(path_.chain(settings_.base, label));
  return line;
}

Line Frame::log(std::string_view what) {
  Line line = plain(Act::log);
  line.verdict.text = &document_.words.emplace_back(settings_.base + std::string(what));
  return line;
}

Line Frame::state(Line::State which, Act verdict) {
  Line line = plain(verdict);
  line.state = which;
  return line;
}

Line Frame::loopback(Act verdict) const {
  Line line = plain(verdict);
  line.loopback = path_.way == Way::in ? Line::Loopback::in : Line::Loopback::out;
  return line;
}

/// Only what the policy speaks of is led away; all else comes back untouched.
Chain Frame::beside_others(const FlowChains& flows) {
  Chain top{path_.top_of(settings_.base), {}};
  if (path_.way == Way::forward) {
    for (Peer* peer : own_) {
      Peers::use(*peer, family_);
      for (const Match* match : peer->in(family_)) add_both_ways(top.lines, match, "ours");
    }
    add_others(flows, top.lines);
    return top;
  }
  if (!knows_own_) return top;
  top.lines.push_back(loopback(Act::pass));
  for (Peer* peer : own_) {
    Peers::use(*peer, family_);
    for (const Match* match : peer->in(family_)) {
      Line line = jump(Act::go, "ours");
      (path_.way == Way::in ? line.to : line.from) = match;
      top.lines.push_back(std::move(line));
    }
  }
  return top;
}

/// The whole of what the built-in chain decides on.
Chain Frame::alone(const FlowChains& flows) {
  Chain top{path_.top_of(settings_.base), {}};
  if (path_.way != Way::forward) top.lines.push_back(loopback(Act::accept));
  top.lines.push_back(state(Line::State::established, Act::accept));
  top.lines.push_back(state(Line::State::invalid, Act::drop));
  if (family_ == net::Family::ipv6) {
    add_neighbour_discovery(top.lines);
    if (path_.way != Way::forward) add_listeners(top.lines);
  }
  if (!flows.empty()) top.lines.push_back(jump(Act::jump, "flows"));
  top.lines.push_back(jump(Act::go, "denied"));
  return top;
}

void Frame::add_others(const FlowChains& flows, std::vector<Line>& lines) {
  const Shared shared = share(flows.others(), family_);
  for (const Peer* peer : shared.apart) {
    for (const Match* match : peer->in(family_)) add_both_ways(lines, match, "others");
  }
  if (shared.prefixes.empty()) return;
  const std::string list = dialect().list_name(settings_.base, "others", family_);
  document_.lists.push_back({list, family_, shared.prefixes});
  add_both_ways(lines, &document_.matches.emplace_back(Match{Match::Kind::list, list}), "others");
}

void Frame::add_both_ways(std::vector<Line>& lines, const Match* match, std::string_view label) {
  Line line = jump(Act::go, label);
  line.from = match;
  lines.push_back(line);
  if (match == nullptr) return;
  std::swap(line.from, line.to);
  lines.push_back(std::move(line));
}

Chain Frame::ours(const FlowChains& flows) {
  Chain chain{path_.chain(settings_.base, "ours"), {}};
  chain.lines.push_back(state(Line::State::established, Act::accept));
  drop_what_is_invalid(chain.lines);
  if (family_ == net::Family::ipv6) add_neighbour_discovery(chain.lines);
  if (!flows.empty()) chain.lines.push_back(jump(Act::jump, "flows"));
  if (settings_.rest != Settings::Rest::pass) {
    deny_what_is_seen(chain.lines);
  } else if (settings_.log) {
    chain.lines.push_back(log(" not allowed"));
  }
  return chain;
}

Chain Frame::others() {
  Chain chain{path_.chain(settings_.base, "others"), {}};
  chain.lines.push_back(state(Line::State::established, Act::accept));
  chain.lines.push_back(state(Line::State::invalid, Act::pass));
  chain.lines.push_back(jump(Act::jump, "flows"));
  return chain;
}

/// What belongs to no connection although it should. On a way that the target does not see, what
/// conntrack did not see either belongs to connections of others.
void Frame::drop_what_is_invalid(std::vector<Line>& lines) {
  const Line drop = state(Line::State::invalid, Act::drop);
  if (!sees_ || gateway::sees_all(*sees_, path_.way, own_)) {
    lines.push_back(drop);
    return;
  }
  add_what_is_seen(drop, lines);
  lines.push_back(state(Line::State::invalid, Act::pass));
}

/// The policy decides over what the target sees; all other traffic goes back to the built-in chain.
void Frame::deny_what_is_seen(std::vector<Line>& lines) {
  const Line deny = jump(Act::go, "denied");
  if (sees_) {
    add_what_is_seen(deny, lines);
  } else {
    lines.push_back(deny);
  }
}

/// A line like this one for each way from whom to whom the target sees packets.
void Frame::add_what_is_seen(const Line& like, std::vector<Line>& lines) {
  const std::span<const Service> services = services_.lines(sees_->service).in(family_);
  for (const gateway::Direction& each : gateway::directions(*sees_, path_.way, own_)) {
    add_between(like, each, services, lines);
  }
}

void Frame::add_between(const Line& like, const gateway::Direction& direction,
                        std::span<const Service> services, std::vector<Line>& lines) {
  for (const auto* from_set : *direction.from) {
    for (const auto* to_set : *direction.to) {
      Peer& from = peers_.of(from_set);
      Peer& to = peers_.of(to_set);
      if (from.in(family_).empty() || to.in(family_).empty()) continue;
      Peers::use(from, family_);
      Peers::use(to, family_);
      for (const Match* source : from.in(family_)) {
        for (const Match* destination : to.in(family_)) {
          for (const Service& service : services) {
            Line& line = lines.emplace_back(like);
            line.from = source;
            line.to = destination;
            line.service = service.protocol ? &service : nullptr;
          }
        }
      }
    }
  }
}

Line Frame::untracked(std::uint8_t type) {
  Service& service = document_.services.emplace_back();
  service.protocol = net::protocol::icmpv6;
  service.type = type;
  Line line = plain(Act::accept);
  line.service = &service;
  return line;
}

/// A gateway that bridges sees its neighbours' discovery in FORWARD, where it is in no conntrack
/// state; one that routes does not, and what it forwards has a hop limit below 255.
void Frame::add_neighbour_discovery(std::vector<Line>& lines) {
  for (const std::uint8_t type : neighbour_types) {
    lines.push_back(untracked(type));
    lines.back().hop_limit_255 = true;
  }
}

void Frame::add_listeners(std::vector<Line>& lines) {
  for (const std::uint8_t type : listener_types) {
    lines.push_back(untracked(type));
    lines.back().state = Line::State::untracked;
  }
}

Chain Frame::denied() {
  Chain chain{path_.chain(settings_.base, "denied"), {}};
  if (settings_.log) chain.lines.push_back(log(" denied"));
  refuse(chain.lines);
  return chain;
}

/// What its rule has logged takes no share of the common log.
Chain Frame::refused() {
  Chain chain{path_.chain(settings_.base, "refused"), {}};
  refuse(chain.lines);
  return chain;
}

void Frame::refuse(std::vector<Line>& lines) {
  if (settings_.rest == Settings::Rest::drop) {
    lines.push_back(plain(Act::drop));
    return;
  }
  Service& tcp = document_.services.emplace_back();
  tcp.protocol = net::protocol::tcp;
  lines.push_back(plain(Act::tcp_reset));
  lines.back().service = &tcp;
  lines.push_back(plain(Act::reject));
}

}  // namespace hcipol::backends::iptables
