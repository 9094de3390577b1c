// Lines stand under the policy's names, so that one more rule changes only its own.
#include "backends/iptables/flow_chains.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <span>
#include <utility>

#include "backends/common/text.h"

namespace hcipol::backends::iptables {

namespace {

using gateway::Peer;
using gateway::Peers;
using Kind = policy::Rule::Kind;
using Act = Verdict::Kind;

}  // namespace

void FlowChains::add(const flow::Flow& flow, const ServiceLines& services) {
  const std::span<const Service> lines = services.in(family_);
  if (lines.empty()) return;
  const std::span<Peer* const> receivers = peers_.to(flow);
  for (Peer* from : peers_.from(flow)) {
    if (from->in(family_).empty()) continue;
    Part* part = nullptr;
    for (Peer* to : receivers) {
      if (to->in(family_).empty()) continue;
      if (part == nullptr) part = &part_of(flow, *from);
      add(flow, *from, *to, lines, *part);
    }
  }
}

FlowChains::Part& FlowChains::part_of(const flow::Flow& flow, const Peer& from) {
  if (flow.kind == Kind::deny) return deny_;
  if (flow.kind == Kind::exception) return except_;
  Part& part = allow_[&from];
  part.peer = &from;
  return part;
}

void FlowChains::add(const flow::Flow& flow, Peer& from, Peer& to,
                     std::span<const Service> services, Part& part) {
  if (flow.kind == Kind::deny) (flow.rule->log ? refuses_ : denies_) = true;
  // In a source's chain the source has been matched already.
  static constexpr std::array<const Match*, 1> matched{nullptr};
  for (const Match* source : part.peer != nullptr ? std::span(matched) : from.in(family_)) {
    for (const Match* destination : to.in(family_)) {
      for (const Service& service : services) {
        const LineText& text = texts_.of(flow, [&] {
          return FlowPart{set_of(service), family_, {from.set}, {to.set}};
        });
        add_lines(part.lines, flow.kind, text, {source, destination, service});
        const std::pair told(&flow, text.rule);
        if (part.told.empty() || part.told.back() != told) part.told.push_back(told);
      }
    }
  }
  Peers::use(from, family_);
  Peers::use(to, family_);
  note_others(from, to);
}

void FlowChains::add_lines(std::vector<Line>& lines, Kind kind, const LineText& text,
                           const Packets& packets) const {
  Line line;
  line.from = packets.from;
  line.to = packets.to;
  line.service = packets.service.protocol ? &packets.service : nullptr;
  line.comment = text.comment;
  if (text.log_prefix != nullptr) {
    lines.push_back(line);
    lines.back().verdict = {Act::log, text.log_prefix};
  }
  if (kind != Kind::deny) {
    line.verdict.kind = Act::accept;
  } else {
    line.verdict = {Act::go, text.log_prefix != nullptr ? &refused_ : &denied_};
  }
  lines.push_back(std::move(line));
}

void FlowChains::note_others(const Peer& from, const Peer& to) {
  const auto family = static_cast<std::size_t>(family_);
  if (from.server[family] || to.server[family]) return;
  const Peer& narrower = to.breadth(family_) < from.breadth(family_) ? to : from;
  others_.emplace(narrower.label, &narrower);
}

Line FlowChains::jump(std::string name) {
  Line line;
  line.verdict = {Act::jump, &document_.words.emplace_back(std::move(name))};
  return line;
}

/// In order of label.
std::vector<FlowChains::Part*> FlowChains::sources() {
  std::vector<Part*> out;
  out.reserve(allow_.size());
  for (auto& [peer, part] : allow_) out.push_back(&part);
  std::sort(out.begin(), out.end(),
            [](const Part* a, const Part* b) { return a->peer->label < b->peer->label; });
  return out;
}

void FlowChains::take(Rules& rules) {
  if (empty()) return;
  Chain flows{path_.chain(base_, "flows"), {}};
  const std::vector<Part*> sources = this->sources();
  for (const Part* part : sources) {
    Line line = jump(path_.chain(base_, part->peer->label));
    // Where sources are few, nothing but their addresses tells them apart.
    if (sources.size() > longest_list / 2) line.leads_to = &part->lines;
    for (const Match* match : part->peer->in(family_)) {
      line.from = match;
      flows.lines.push_back(line);
    }
  }
  constexpr std::array sides{Side::from, Side::service};
  const std::size_t top = rules.chains.size();
  branches(std::move(flows), sides, room_for_sources, document_, rules.chains);
  // Before all allows, wherever those are.
  std::vector<Line> first;
  const std::string except = path_.chain(base_, "except"), deny = path_.chain(base_, "deny");
  if (!except_.lines.empty()) first.push_back(jump(except));
  if (!deny_.lines.empty()) first.push_back(jump(deny));
  auto& lines = rules.chains[top].lines;
  lines.insert(lines.begin(), first.begin(), first.end());
  std::size_t told = except_.told.size() + deny_.told.size();
  for (const Part* part : sources) told += part->told.size();
  rules.traces.reserve(rules.traces.size() + told);
  if (!except_.lines.empty()) take(except, except_, rules);
  if (!deny_.lines.empty()) take(deny, deny_, rules);
  for (Part* part : sources) take(path_.chain(base_, part->peer->label), *part, rules);
}

void FlowChains::take(std::string name, Part& part, Rules& rules) const {
  Chain chain{std::move(name), std::move(part.lines)};
  std::vector<SourceMapEntry> lines;
  lines.reserve(part.told.size());
  for (const auto& [flow, rule] : part.told) {
    SourceMapEntry& line = lines.emplace_back(SourceMapEntry{{}, rule});
    line.id.reserve(chain.name.size() + 1 + flow->id.size());
    put(line.id, chain.name, " ");
    if (rule == flow->rule) {
      line.id += flow->id;
    } else {
      line.id += part_id(*flow, *rule);
    }
  }
  lines = gateway::traces_of(std::move(lines));
  std::move(lines.begin(), lines.end(), std::back_inserter(rules.traces));
  // Where the source has led here, it tells nothing of lines.
  if (part.peer != nullptr) {
    constexpr std::array sides{Side::to, Side::service};
    branches(std::move(chain), sides, room_for_source, document_, rules.chains);
  } else {
    const std::array sides = best_sides(chain.lines);
    branches(std::move(chain), sides, room_for_all, document_, rules.chains);
  }
}

}  // namespace hcipol::backends::iptables
