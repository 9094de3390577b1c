// Lines stand under the policy's names, so that one more rule changes only its own.
#include "backends/iptables/flow_chains.h"

#include <array>
#include <iterator>
#include <span>
#include <utility>

#include "backends/iptables/branches.h"

namespace hcipol::backends::iptables {

namespace {

using gateway::Peer;
using gateway::Peers;
using Kind = policy::Rule::Kind;
using Act = Verdict::Kind;

}  // namespace

void FlowChains::add(const flow::Flow& flow, std::string& fault) {
  const auto& services = services_.lines(flow.service, family_, fault);
  if (services.empty()) return;
  const std::span<Peer* const> receivers = peers_.to(flow);
  for (Peer* from : peers_.from(flow)) {
    for (Peer* to : receivers) add(flow, *from, *to, services);
  }
}

FlowChains::Part& FlowChains::part_of(const flow::Flow& flow, const Peer& from) {
  if (flow.kind == Kind::deny) return deny_;
  if (flow.kind == Kind::exception) return except_;
  Part& part = allow_[from.label];
  part.peer = &from;
  return part;
}

void FlowChains::add(const flow::Flow& flow, Peer& from, Peer& to,
                     const std::vector<const Service*>& services) {
  if (from.in(family_).empty() || to.in(family_).empty()) return;
  Part& part = part_of(flow, from);
  if (flow.kind == Kind::deny) (flow.rule->log ? refuses_ : denies_) = true;
  // In a source's chain the source has been matched already.
  static const std::vector<const Match*> matched{nullptr};
  for (const Match* source : part.peer != nullptr ? std::span(matched) : from.in(family_)) {
    for (const Match* destination : to.in(family_)) {
      for (const Service* service : services) {
        const LineText& text = texts_.of(flow, [&] {
          return FlowPart{set_of(*service), family_, {from.set}, {to.set}};
        });
        add_lines(part.lines, flow, text, {source, destination, service});
        const std::pair told(&flow, text.rule);
        if (part.told.empty() || part.told.back() != told) part.told.push_back(told);
      }
    }
  }
  Peers::use(from, family_);
  Peers::use(to, family_);
  note_others(from, to);
}

void FlowChains::add_lines(std::vector<Line>& lines, const flow::Flow& flow, const LineText& text,
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
    line.verdict = {Act::go, flow.rule->log ? &refused_ : &denied_};
  }
  lines.push_back(std::move(line));
}

void FlowChains::note_others(const Peer& from, const Peer& to) {
  const auto family = static_cast<std::size_t>(family_);
  if (from.server[family] || to.server[family]) return;
  const Peer& narrower = to.breadth(family_) < from.breadth(family_) ? to : from;
  others_.emplace(narrower.label, &narrower);
}

Line FlowChains::jump(std::string_view label) {
  Line line;
  line.verdict = {Act::jump, &document_.words.emplace_back(path_.chain(base_, label))};
  return line;
}

/// The services that a source asks for, where its addresses do not tell it from many others.
const std::vector<gateway::Block>* FlowChains::blocks_of(const Part& part) {
  std::vector<gateway::Block>& out = document_.blocks.emplace_back();
  for (const Line& line : part.lines) {
    const std::vector<gateway::Block> blocks = line.service == nullptr
                                                   ? std::vector<gateway::Block>()
                                                   : iptables::blocks_of(*line.service);
    if (blocks.empty()) {
      out.clear();
      return &out;
    }
    out.insert(out.end(), blocks.begin(), blocks.end());
  }
  out = gateway::outermost(std::move(out));
  return &out;
}

void FlowChains::take(Rules& rules) {
  if (empty()) return;
  Chain flows{path_.chain(base_, "flows"), {}};
  for (const auto& [label, part] : allow_) {
    const auto* about = allow_.size() > longest_list / 2 ? blocks_of(part) : nullptr;
    for (const Match* match : part.peer->in(family_)) {
      flows.lines.push_back(jump(label));
      flows.lines.back().from = match;
      flows.lines.back().about = about;
    }
  }
  constexpr std::array sides{Side::from, Side::service};
  std::vector<Chain> chains = branches(std::move(flows), sides, room_for_sources, document_);
  // Before all allows, wherever those are.
  std::vector<Line> first;
  if (!except_.lines.empty()) first.push_back(jump("except"));
  if (!deny_.lines.empty()) first.push_back(jump("deny"));
  auto& lines = chains.front().lines;
  lines.insert(lines.begin(), first.begin(), first.end());
  std::move(chains.begin(), chains.end(), std::back_inserter(rules.chains));
  if (!except_.lines.empty()) take("except", except_, rules);
  if (!deny_.lines.empty()) take("deny", deny_, rules);
  for (auto& [label, part] : allow_) take(label, part, rules);
}

void FlowChains::take(std::string_view label, Part& part, Rules& rules) const {
  Chain chain{path_.chain(base_, label), std::move(part.lines)};
  std::vector<SourceMapEntry> lines;
  lines.reserve(part.told.size());
  for (const auto& [flow, rule] : part.told) {
    SourceMapEntry& line = lines.emplace_back(SourceMapEntry{chain.name + " ", rule});
    if (rule == flow->rule) {
      line.id += flow->id;
    } else {
      line.id += part_id(*flow, *rule);
    }
  }
  for (SourceMapEntry& entry : gateway::traces_of(std::move(lines))) {
    rules.traces.push_back(std::move(entry));
  }
  constexpr std::array of_source{Side::to, Side::service};
  const std::array of_all = best_sides(chain.lines);
  // Where the source has led here, it tells nothing of lines.
  const bool known = part.peer != nullptr;
  const std::span<const Side> sides =
      known ? std::span<const Side>(of_source) : std::span<const Side>(of_all);
  const std::size_t room = known ? room_for_source : room_for_all;
  for (Chain& one : branches(std::move(chain), sides, room, document_)) {
    rules.chains.push_back(std::move(one));
  }
}

}  // namespace hcipol::backends::iptables
