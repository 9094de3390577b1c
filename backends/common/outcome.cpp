// A list becomes sets once, however many rules lead to it.
#include "backends/common/outcome.h"

#include <utility>

namespace hcipol::backends {

namespace {

using ReadAct = ReadRule::Act;
using net::PacketSet;

bool leads_on(ReadAct act) {
  return act == ReadAct::jump || act == ReadAct::go;
}

}  // namespace

std::vector<Step> steps_of(const RuleList& list, SetPool& pool) {
  std::vector<Step> out;
  for (std::size_t first = 0; first < list.size();) {
    const ReadAct act = list[first].act;
    const auto alike = [&](const ReadRule& rule) {
      return rule.act == act && (!leads_on(act) || rule.list == list[first].list);
    };
    std::size_t end = first + 1;
    while (end < list.size() && alike(list[end])) ++end;
    const std::span<const ReadRule> run(&list[first], end - first);
    out.push_back({act, list[first].list, regrouped(run, pool)});
    first = end;
  }
  return out;
}

const Outcome& Outcomes::of(std::uint32_t list) {
  if (const auto known = known_.find(list); known != known_.end()) return known->second;
  if (++depth_ > lists_.size()) throw Unreadable(file_, 0, "its rules jump in circles");
  Outcome out = of(std::span(lists_[list]));
  --depth_;
  return known_.emplace(list, std::move(out)).first->second;
}

// Halves, so that neither side of an operation is much larger than the other.
Outcome Outcomes::of(std::span<const Step> steps) {
  if (steps.empty()) return nothing();
  if (steps.size() == 1) return of(steps.front());
  const Outcome a = of(steps.first(steps.size() / 2));
  const Outcome b = of(steps.subspan(steps.size() / 2));
  const PacketSet taken = a.allow | a.deny | a.leave;
  return {a.allow | (b.allow - taken), a.deny | (b.deny - taken), a.leave | (b.leave - taken)};
}

Outcome Outcomes::of(const Step& step) {
  std::vector<net::Box> boxes;
  for (const Grouped& rule : step.rules) {
    net::Box box = box_of_(rule);
    if (!net::is_empty(box)) boxes.push_back(std::move(box));
  }
  const PacketSet matched = universe_.of(boxes);
  Outcome out = nothing();
  switch (step.act) {
    case ReadAct::allow: out.allow = matched; break;
    case ReadAct::deny: out.deny = matched; break;
    case ReadAct::leave: out.leave = matched; break;
    case ReadAct::jump:
    case ReadAct::go: {
      const Outcome& inner = of(step.list);
      out.allow = matched & inner.allow;
      out.deny = matched & inner.deny;
      if (step.act == ReadAct::go) out.leave = matched - out.allow - out.deny;
      break;
    }
  }
  return out;
}

}  // namespace hcipol::backends
