// Covered flows go first, because joining would hide them.
#include "flow/optimise.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <string_view>
#include <tuple>
#include <utility>

#include "flow/joiner.h"
#include "flow/lower.h"
#include "net/cover.h"
#include "net/islands.h"
#include "support/bug.h"
#include "support/text.h"

namespace hcipol::flow {

using Kind = policy::Rule::Kind;

namespace {

// ---- covered flows

void drop_covered(std::span<const Flow> flows, const Meeting& meeting,
                  std::vector<JoinedFlow>& parts) {
  std::vector<bool> dropped(flows.size());
  for (const auto& [key, members] : meeting) {
    std::vector<net::Box> boxes;
    boxes.reserve(members.size());
    for (const std::size_t i : members) boxes.push_back(box(flows[i]));
    const auto covered = net::covers(boxes);
    for (std::size_t m = 0; m < members.size(); ++m) {
      for (const std::size_t other : covered[m]) {
        parts[members[other]].more.push_back(flows[members[m]].rule);
        dropped[members[m]] = true;
      }
    }
  }
  std::size_t at = 0;
  std::erase_if(parts, [&](const JoinedFlow&) { return dropped[at++]; });
}

// ---- what a joined flow is called

std::string distinct(const std::vector<const policy::Rule*>& rules,
                     const std::string& (*text)(const policy::Rule&)) {
  std::vector<std::string> out;
  for (const policy::Rule* rule : rules) {
    const std::string& one = text(*rule);
    if (!one.empty() && std::find(out.begin(), out.end(), one) == out.end()) out.push_back(one);
  }
  return fmt::format("{}", fmt::join(out, "; "));
}

const std::string& title(const policy::Rule& rule) {
  return rule.title;
}
const std::string& note(const policy::Rule& rule) {
  return rule.note;
}

// "rpc, validation and 2 more": in the artefact, where there is little room. The manifest has all.
std::string short_list(std::vector<std::string> names) {
  constexpr std::size_t most = 4;
  if (names.size() <= most) return list_of(names);
  const std::size_t left = names.size() - most + 1;
  names.resize(most - 1);
  names.push_back(fmt::format("{} more", left));
  return list_of(names);
}

// ---- the proof

bool equal(std::span<const Content> contents, std::vector<net::Box> boxes) {
  std::map<Kind, std::array<std::vector<net::Box>, 2>> sides;  // before and after
  net::PacketUniverse universe(boxes);
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    auto& [old, fresh] = sides[contents[i].kind];
    if (contents[i].before) old.push_back(boxes[i]);
    if (contents[i].after) fresh.push_back(std::move(boxes[i]));
  }
  return std::all_of(sides.begin(), sides.end(), [&](const auto& side) {
    return universe.of(side.second[0]) == universe.of(side.second[1]);
  });
}

// Island by island: many small universes cost less than one large one, and where both lists have
// the same flows there is nothing to prove.
bool equal(std::span<const Content> contents, const Numbers& numbers) {
  std::vector<net::Box> boxes;
  boxes.reserve(contents.size());
  for (const Content& content : contents) {
    boxes.push_back({peers(numbers.sets(content.shape.from)), peers(numbers.sets(content.shape.to)),
                     numbers.service(content.shape.service)});
  }
  std::map<std::uint32_t, std::vector<std::size_t>> islands;
  const auto island_of = net::islands(boxes);
  for (std::size_t i = 0; i < contents.size(); ++i) islands[island_of[i]].push_back(i);
  return std::all_of(islands.begin(), islands.end(), [&](const auto& island) {
    const std::vector<std::size_t>& members = island.second;
    const auto is_changed = [&](std::size_t i) { return contents[i].changed(); };
    if (std::none_of(members.begin(), members.end(), is_changed)) return true;
    std::vector<Content> contents_here;
    std::vector<net::Box> boxes_here;
    for (const std::size_t i : members) {
      contents_here.push_back(contents[i]);
      boxes_here.push_back(std::move(boxes[i]));
    }
    return equal(contents_here, std::move(boxes_here));
  });
}

std::vector<Content> changed_of(const std::vector<Content>& contents) {
  std::vector<Content> out;
  std::copy_if(contents.begin(), contents.end(), std::back_inserter(out),
               [](const Content& content) { return content.changed(); });
  return out;
}

/// Drops the contents that are equal in two of their dimensions and mean the same before and after
/// in the third one, by `meaning(contents, before or after)` of those that go together.
template <class Meaning>
void drop_joined(std::vector<Content>& contents, Number Shape::*a, Number Shape::*b,
                 Meaning meaning) {
  const auto key = [&](const Content& content) {
    return std::tuple(content.kind, content.shape.*a, content.shape.*b);
  };
  std::sort(contents.begin(), contents.end(),
            [&](const Content& x, const Content& y) { return key(x) < key(y); });
  auto kept = contents.begin();
  for (auto first = contents.begin(); first != contents.end();) {
    const auto end = std::find_if(first, contents.end(),
                                  [&](const Content& other) { return key(other) != key(*first); });
    const std::span group(first, end);
    if (meaning(group, &Content::before) != meaning(group, &Content::after)) {
      kept = std::copy(first, end, kept);
    }
    first = end;
  }
  contents.erase(kept, contents.end());
}

/// What changed but for joins, which show by the names of what they join that nothing is gained or
/// lost. No set is looked into.
std::vector<Content> unexplained(std::vector<Content> changed, const Numbers& numbers) {
  using Group = std::span<const Content>;
  const auto sets = [&](Number Shape::*end) {
    return [&numbers, end](Group group, bool Content::*list) {
      Sets all;
      for (const Content& content : group) {
        if (!(content.*list)) continue;
        const Sets& some = numbers.sets(content.shape.*end);
        all.insert(all.end(), some.begin(), some.end());
      }
      std::sort(all.begin(), all.end());
      all.erase(std::unique(all.begin(), all.end()), all.end());
      return all;
    };
  };
  const auto services = [&](Group group, bool Content::*list) {
    std::vector<net::ServiceRange> all;
    for (const Content& content : group) {
      if (!(content.*list)) continue;
      const auto some = numbers.service(content.shape.service).ranges();
      all.insert(all.end(), some.begin(), some.end());
    }
    return net::ServiceSet::of(std::move(all));
  };
  drop_joined(changed, &Shape::from, &Shape::to, services);
  drop_joined(changed, &Shape::from, &Shape::service, sets(&Shape::to));
  drop_joined(changed, &Shape::to, &Shape::service, sets(&Shape::from));
  return changed;
}

}  // namespace

// What an artefact says of it names rules of its own feature only: that another feature's rule is
// covered must not rewrite its lines.
policy::Rule carrier(const policy::Rule& first, const Rules& rules) {
  policy::Rule out = first;
  out.carries = rules;
  std::sort(out.carries.begin(), out.carries.end(),
            [](const policy::Rule* a, const policy::Rule* b) { return a->address < b->address; });
  std::vector<const policy::Rule*> near;
  std::vector<std::string> others;
  for (const policy::Rule* rule : out.carries) {
    const policy::Origin& there = rule->origin;
    if (there.module != first.origin.module || there.feature != first.origin.feature) continue;
    near.push_back(rule);
    if (rule != &first) others.push_back(there.rule);
  }
  if (others.empty()) return out;
  std::string of = distinct(near, title);
  if (of.empty()) of = first.origin.feature_title;
  if (of.empty()) of = first.origin.rule;
  out.title = fmt::format("{} (with {})", of, short_list(std::move(others)));
  out.note = distinct(near, note);
  return out;
}

struct Optimiser::Work {
  Work(std::span<const Flow> flows, const Meeting& meeting) {
    std::map<std::pair<std::string_view, std::string_view>, Number> features;
    const policy::Origin* last = nullptr;
    Number origin = 0;
    parts.reserve(flows.size());
    for (const Flow& flow : flows) {
      const policy::Origin& from = flow.rule->origin;
      // Flows of one feature come one after the other.
      if (last == nullptr || last->feature != from.feature || last->module != from.module) {
        const auto feature =
            features.try_emplace({from.module, from.feature}, static_cast<Number>(features.size()));
        origin = feature.first->second;
        last = &from;
      }
      const Shape shape{numbers.of(flow.from), numbers.of(flow.to), numbers.of(flow.service)};
      before.of(flow.kind, shape).before = true;
      parts.push_back({&flow, shape, origin, 0, {}});
    }
    drop_covered(flows, meeting, parts);
  }

  void prove_equal(const Contents& contents) {
    std::vector<Content> changed = changed_of(contents.all());
    // Most devices let the same flows be joined.
    if (changed.empty() || std::find(proved.begin(), proved.end(), changed) != proved.end()) return;
    // What was joined is mostly equal by itself; what was dropped needs those that cover it.
    const std::vector<Content> rest = unexplained(changed, numbers);
    if (!rest.empty() && !equal(rest, numbers) && !equal(contents.all(), numbers)) {
      bug("the optimiser changed what a policy means");
    }
    proved.push_back(std::move(changed));
  }

  Numbers numbers;
  Contents before;
  std::vector<JoinedFlow> parts;             ///< without those that others cover
  std::vector<std::vector<Content>> proved;  ///< what changed, and nothing else did
};

Optimiser::Optimiser(std::span<const Flow> flows) : Optimiser(flows, may_meet(flows)) {}

Optimiser::Optimiser(std::span<const Flow> flows, const Meeting& meeting)
    : work_(std::make_unique<Work>(flows, meeting)) {}

Optimiser::~Optimiser() = default;

const Optimised& Optimiser::fewer(const RuleCapabilities& device) {
  if (const auto known = made_.find(device); known != made_.end()) return known->second;
  Optimised out;
  Numbers& numbers = work_->numbers;
  std::vector<JoinedFlow> parts = joined(work_->parts, numbers, device);
  Contents contents = work_->before;
  out.flows.reserve(parts.size());
  for (JoinedFlow& part : parts) {
    const Flow& first = *part.flow;
    contents.of(first.kind, part.shape).after = true;
    const policy::Rule* rule = first.rule;
    Rules& rules = part.more;
    rules.push_back(rule);
    std::sort(rules.begin(), rules.end());
    rules.erase(std::unique(rules.begin(), rules.end()), rules.end());
    if (rules.size() > 1) rule = &out.rules.emplace_back(carrier(*rule, rules));
    out.flows.push_back({first.kind,
                         part.joined_from ? numbers.sets(part.shape.from) : first.from,
                         part.joined_to ? numbers.sets(part.shape.to) : first.to,
                         numbers.service(part.shape.service),
                         rule,
                         {}});
  }
  work_->prove_equal(contents);
  name_flows(out.flows);
  return made_.emplace(device, std::move(out)).first->second;
}

}  // namespace hcipol::flow
