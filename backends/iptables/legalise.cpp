// Twins by construction: one builder makes the chains of either family from the same flows.
#include "backends/iptables/legalise.h"

#include <fmt/format.h>

#include <array>
#include <map>
#include <string_view>
#include <utility>

#include "backends/common/gateway/peers.h"
#include "backends/common/gateway/remarks.h"
#include "backends/iptables/branches.h"
#include "backends/iptables/services.h"

namespace hcipol::backends::iptables {

namespace {

using gateway::Peer;
using gateway::Peers;
using Kind = policy::Rule::Kind;
using Act = Verdict::Kind;

/// Neighbour discovery: router and neighbour solicitations and advertisements (RFC 4890 §4.4.1).
constexpr std::uint8_t first_neighbour_type = 133;
constexpr std::uint8_t last_neighbour_type = 136;

/// What is the same for both families, per flow.
struct FlowText {
  const std::string* comment = nullptr;
  const std::string* log_prefix = nullptr;
};

/// What lines match of each set of services that occurs, made once: many flows share one.
class ServiceBook {
 public:
  explicit ServiceBook(Document& document) : document_(document) {}

  /// As lines_of().
  const std::vector<const Service*>& lines(const net::ServiceSet& set, net::Family family,
                                           std::string& fault) {
    const auto [place, fresh] = entries_[static_cast<std::size_t>(family)].try_emplace(set);
    Entry& entry = place->second;
    if (fresh) {
      for (Service& service : lines_of(set, family, entry.fault)) {
        entry.lines.push_back(&document_.services.emplace_back(std::move(service)));
      }
    }
    if (!entry.fault.empty()) fault = entry.fault;
    return entry.lines;
  }

 private:
  struct Entry {
    std::vector<const Service*> lines;
    std::string fault;
  };

  Document& document_;
  std::array<std::map<net::ServiceSet, Entry>, 2> entries_;  ///< by family
};

/// Builds the chains of one family.
class FamilyBuilder {
 public:
  FamilyBuilder(net::Family family, const std::optional<sema::Flow>& sees, Peers& peers,
                ServiceBook& services, const Settings& settings, Document& document)
      : family_(family),
        sees_(sees),
        peers_(peers),
        services_(services),
        settings_(settings),
        document_(document),
        denied_(document.words.emplace_back(name("denied"))) {
    rules_.family = family;
    if (Peer* servers = peers_.servers(); servers != nullptr) {
      rules_.knows_servers = !servers->in(family).empty();
    }
  }

  void add(const flow::Flow& flow, const FlowText& text, std::string& fault) {
    const auto& services = services_.lines(flow.service, family_, fault);
    if (services.empty()) return;
    const std::vector<Peer*> receivers = peers_.to(flow);
    for (Peer* from : peers_.from(flow)) {
      for (Peer* to : receivers) add(flow, text, *from, *to, services);
    }
  }

  Rules finish() {
    add_frame();
    const bool refuses = needs_denied();
    add_flows();
    if (!except_.lines.empty()) take("except", except_);
    if (!deny_.lines.empty()) take("deny", deny_);
    for (auto& [label, part] : allow_) take(label, part);
    if (refuses) rules_.chains.push_back(denied());
    return std::move(rules_);
  }

 private:
  /// A chain of rules: the exceptions, the denies, or what one source is allowed.
  struct Part {
    const Peer* peer = nullptr;
    std::vector<Line> lines;
    std::vector<const flow::Flow*> flows;
  };

  void add_flows() {
    Chain flows{name("flows"), {}};
    for (auto& [label, part] : allow_) {
      for (const Match* match : part.peer->in(family_)) {
        flows.lines.push_back(jump(Act::jump, name(label)));
        flows.lines.back().from = match;
      }
    }
    std::vector<Chain> chains = branches(std::move(flows), Side::from, document_);
    // Before all allows, wherever those are.
    std::vector<Line> first;
    if (!except_.lines.empty()) first.push_back(jump(Act::jump, name("except")));
    if (!deny_.lines.empty()) first.push_back(jump(Act::jump, name("deny")));
    auto& lines = chains.front().lines;
    lines.insert(lines.begin(), first.begin(), first.end());
    if (lines.empty()) return;
    std::move(chains.begin(), chains.end(), std::back_inserter(rules_.chains));
  }

  void take(std::string_view label, Part& part) {
    Chain chain{name(label), std::move(part.lines)};
    for (const flow::Flow* flow : part.flows) {
      rules_.traces.push_back({chain.name + " " + flow->id, flow->rule});
    }
    // Where the source has led here, only the destination is left to tell lines apart.
    const Side side = part.peer != nullptr ? Side::to : better_side(chain.lines);
    for (Chain& one : branches(std::move(chain), side, document_)) {
      rules_.chains.push_back(std::move(one));
    }
  }

  Part& part_of(const flow::Flow& flow, const Peer& from) {
    if (flow.kind == Kind::deny) return deny_;
    if (flow.kind == Kind::exception) return except_;
    Part& part = allow_[from.label];
    part.peer = &from;
    return part;
  }

  std::string name(std::string_view label) const {
    return fmt::format("{}.{}", settings_.base, label);
  }

  static Line plain(Act kind) {
    Line line;
    line.verdict.kind = kind;
    return line;
  }

  Line jump(Act kind, std::string text) {
    Line line = plain(kind);
    line.verdict.text = &document_.words.emplace_back(std::move(text));
    return line;
  }

  static Line state(Line::State which, Act verdict) {
    Line line = plain(verdict);
    line.state = which;
    return line;
  }

  void add(const flow::Flow& flow, const FlowText& text, Peer& from, Peer& to,
           const std::vector<const Service*>& services) {
    if (from.in(family_).empty() || to.in(family_).empty()) return;
    Part& part = part_of(flow, from);
    // In a source's chain the source has been matched already.
    static const std::vector<const Match*> matched{nullptr};
    for (const Match* source : part.peer != nullptr ? matched : from.in(family_)) {
      for (const Match* destination : to.in(family_)) {
        for (const Service* service : services) {
          add_lines(part.lines, flow, text, {source, destination, service});
        }
      }
    }
    if (part.flows.empty() || part.flows.back() != &flow) part.flows.push_back(&flow);
    Peers::use(from, family_);
    Peers::use(to, family_);
    note_others(from, to);
  }

  struct Packets {
    const Match* from;
    const Match* to;
    const Service* service;
  };

  void add_lines(std::vector<Line>& lines, const flow::Flow& flow, const FlowText& text,
                 const Packets& packets) const {
    Line line;
    line.from = packets.from;
    line.to = packets.to;
    line.service = packets.service->protocol ? packets.service : nullptr;
    line.comment = text.comment;
    if (flow.rule->log) {
      lines.push_back(line);
      lines.back().verdict = {Act::log, text.log_prefix};
    }
    if (flow.kind != Kind::deny) {
      line.verdict.kind = Act::accept;
    } else {
      line.verdict = {Act::go, &denied_};
    }
    lines.push_back(std::move(line));
  }

  /// Remembers whose traffic must come to `others` because no server need be at either end.
  void note_others(const Peer& from, const Peer& to) {
    const auto family = static_cast<std::size_t>(family_);
    if (from.server[family] || to.server[family]) return;
    const Peer& narrower = to.breadth(family_) < from.breadth(family_) ? to : from;
    others_.emplace(narrower.label, &narrower);
  }

  void add_frame() {
    Chain top{settings_.base, {}};
    if (rules_.knows_servers) {
      Peer& servers = *peers_.servers();
      Peers::use(servers, family_);
      add_both_ways(top.lines, servers, name("ours"));
    }
    add_others(top.lines);
    rules_.chains.push_back(std::move(top));
    if (rules_.knows_servers) rules_.chains.push_back(ours());
    if (!others_.empty()) rules_.chains.push_back(others());
  }

  void add_others(std::vector<Line>& lines) {
    const Shared shared = share(others_, family_);
    for (const Peer* peer : shared.apart) add_both_ways(lines, *peer, name("others"));
    if (shared.prefixes.empty()) return;
    const std::string list = dialect().list_name(settings_.base, "others", family_);
    document_.lists.push_back({list, family_, shared.prefixes});
    add_both_ways(lines, &document_.matches.emplace_back(Match{Match::Kind::list, list}),
                  name("others"));
  }

  void add_both_ways(std::vector<Line>& lines, const Match* match, const std::string& chain) {
    Line line = jump(Act::go, chain);
    line.from = match;
    lines.push_back(line);
    if (match == nullptr) return;
    std::swap(line.from, line.to);
    lines.push_back(std::move(line));
  }
  void add_both_ways(std::vector<Line>& lines, const Peer& peer, const std::string& chain) {
    for (const Match* match : peer.in(family_)) add_both_ways(lines, match, chain);
  }

  bool has_flows() const {
    return !except_.lines.empty() || !deny_.lines.empty() || !allow_.empty();
  }
  bool needs_denied() const {
    return !deny_.lines.empty() || (rules_.knows_servers && settings_.rest != Settings::Rest::pass);
  }

  Chain ours() {
    Chain chain{name("ours"), {}};
    chain.lines.push_back(state(Line::State::established, Act::accept));
    chain.lines.push_back(state(Line::State::invalid, Act::drop));
    if (family_ == net::Family::ipv6) add_neighbour_discovery(chain.lines);
    if (has_flows()) chain.lines.push_back(jump(Act::jump, name("flows")));
    if (settings_.rest != Settings::Rest::pass) {
      deny_what_is_seen(chain.lines);
    } else if (settings_.log) {
      chain.lines.push_back(jump(Act::log, settings_.base + " not allowed"));
    }
    return chain;
  }

  /// The policy decides over what the target sees; the servers' other traffic returns to FORWARD.
  void deny_what_is_seen(std::vector<Line>& lines) {
    if (!sees_) {
      lines.push_back(jump(Act::go, name("denied")));
      return;
    }
    std::string fault;
    const auto& services = services_.lines(sees_->service, family_, fault);
    deny_between(sees_->from.parts, sees_->to.parts, services, lines);
    if (sees_->both_ways) deny_between(sees_->to.parts, sees_->from.parts, services, lines);
  }

  void deny_between(const std::vector<const policy::NamedSet*>& from_sets,
                    const std::vector<const policy::NamedSet*>& to_sets,
                    const std::vector<const Service*>& services, std::vector<Line>& lines) {
    for (const auto* from_set : from_sets) {
      for (const auto* to_set : to_sets) {
        Peer& from = peers_.of(from_set);
        Peer& to = peers_.of(to_set);
        if (from.in(family_).empty() || to.in(family_).empty()) continue;
        Peers::use(from, family_);
        Peers::use(to, family_);
        for (const Match* source : from.in(family_)) {
          for (const Match* destination : to.in(family_)) {
            for (const Service* service : services) {
              Line line = plain(Act::go);
              line.verdict.text = &denied_;
              line.from = source;
              line.to = destination;
              line.service = service->protocol ? service : nullptr;
              lines.push_back(std::move(line));
            }
          }
        }
      }
    }
  }

  /// A gateway that bridges sees its neighbours' discovery in FORWARD, where it is in no conntrack
  /// state; one that routes does not, and what it forwards has a hop limit below 255.
  void add_neighbour_discovery(std::vector<Line>& lines) {
    for (unsigned type = first_neighbour_type; type <= last_neighbour_type; ++type) {
      Service& service = document_.services.emplace_back();
      service.protocol = net::protocol::icmpv6;
      service.type = static_cast<std::uint8_t>(type);
      Line line = plain(Act::accept);
      line.service = &service;
      line.hop_limit_255 = true;
      lines.push_back(std::move(line));
    }
  }

  Chain others() {
    Chain chain{name("others"), {}};
    chain.lines.push_back(state(Line::State::established, Act::accept));
    chain.lines.push_back(state(Line::State::invalid, Act::pass));
    chain.lines.push_back(jump(Act::jump, name("flows")));
    return chain;
  }

  Chain denied() {
    Chain chain{name("denied"), {}};
    if (settings_.log) chain.lines.push_back(jump(Act::log, settings_.base + " denied"));
    if (settings_.rest == Settings::Rest::drop) {
      chain.lines.push_back(plain(Act::drop));
      return chain;
    }
    Service& tcp = document_.services.emplace_back();
    tcp.protocol = net::protocol::tcp;
    chain.lines.push_back(plain(Act::tcp_reset));
    chain.lines.back().service = &tcp;
    chain.lines.push_back(plain(Act::reject));
    return chain;
  }

  net::Family family_;
  const std::optional<sema::Flow>& sees_;
  Peers& peers_;
  ServiceBook& services_;
  const Settings& settings_;
  Document& document_;
  const std::string& denied_;  ///< the chain's name
  Rules rules_;
  Part except_;
  Part deny_;
  std::map<std::string, Part> allow_;
  std::map<std::string, const Peer*> others_;
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
  ServiceBook services(document);
  FamilyBuilder v4(net::Family::ipv4, device.view->sees, peers, services, settings, document);
  FamilyBuilder v6(net::Family::ipv6, device.view->sees, peers, services, settings, document);
  for (const flow::Flow& flow : device.flows) {
    FlowText text;
    text.comment = &document.words.emplace_back(gateway::comment_of(flow, max_comment));
    if (flow.rule->log) {
      text.log_prefix =
          &document.words.emplace_back(gateway::log_prefix(flow, settings, max_log_prefix));
    }
    std::string fault;
    v4.add(flow, text, fault);
    v6.add(flow, text, fault);
    if (!fault.empty()) context.cannot(flow, dialect().title, fault);
  }
  document.v4 = v4.finish();
  document.v6 = v6.finish();
  peers.write(context);
  return document;
}

}  // namespace hcipol::backends::iptables
