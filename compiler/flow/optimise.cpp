// Covered flows go first, because joining would hide them; then one dimension after the other is
// joined until none joins any more. Every step can only shorten the list, so this ends.
#include "flow/optimise.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

#include "flow/lower.h"
#include "net/cover.h"
#include "net/islands.h"
#include "support/bug.h"
#include "support/text.h"

namespace hcipol::flow {

using Kind = policy::Rule::Kind;
using Sets = std::vector<const NamedSet*>;
using Rules = std::vector<const policy::Rule*>;

/// A flow on its way, with every rule that it carries, some of them perhaps more than once.
struct CarriedFlow {
  Flow flow;
  Rules rules;
};

namespace {

// ---- covered flows

std::vector<CarriedFlow> without_covered(std::span<const Flow> flows) {
  std::map<StandInClass, std::vector<std::size_t>> groups;
  for (std::size_t i = 0; i < flows.size(); ++i) groups[stand_in_class(flows[i])].push_back(i);
  std::vector<CarriedFlow> items;
  items.reserve(flows.size());
  for (const Flow& flow : flows) items.push_back({flow, {flow.rule}});
  std::vector<bool> dropped(flows.size());
  for (const auto& [key, members] : groups) {
    std::vector<net::Box> boxes;
    boxes.reserve(members.size());
    for (const std::size_t i : members) boxes.push_back(box(flows[i]));
    const auto covered = net::covers(boxes);
    for (std::size_t m = 0; m < members.size(); ++m) {
      for (const std::size_t other : covered[m]) {
        items[members[other]].rules.push_back(flows[members[m]].rule);
        dropped[members[m]] = true;
      }
    }
  }
  std::vector<CarriedFlow> out;
  out.reserve(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (!dropped[i]) out.push_back(std::move(items[i]));
  }
  return out;
}

// ---- neighbours

/// What decides how a device can match a peer. Joined peers must not change that.
struct Peering {
  bool names = false, patterns = false, wide = false, tagged = false, addressed = false;

  friend auto operator<=>(const Peering&, const Peering&) = default;
};

Peering peering(const Sets& sets, const RuleCapabilities& device) {
  Peering out;
  for (const NamedSet* set : sets) {
    const net::DomainSet& domains = set->set.names;
    out.names = out.names || set->has_names();
    out.wide = out.wide || domains.others();
    out.tagged = out.tagged || !set->tag.empty();
    out.addressed = out.addressed || !set->addresses.empty() || !set->set.addresses.empty();
    for (const net::DomainSet::Entry& entry : domains.entries()) {
      out.patterns = out.patterns || entry.pattern.wildcard || !entry.included;
    }
  }
  // Every device has its own way with wildcards; what stands beside them is not added to.
  if (out.patterns || out.wide) return out;
  if (device.names_with_addresses) out.names = out.addressed = false;
  if (device.tags_with_addresses) out.tagged = false;
  return out;
}

auto treatment(const Flow& flow, const RuleCapabilities& device) {
  const auto protocols = flow.service.protocols();
  const bool ports = std::all_of(protocols.begin(), protocols.end(), net::has_ports);
  const bool types = std::all_of(protocols.begin(), protocols.end(), net::has_types);
  const Peering from = peering(flow.from, device), to = peering(flow.to, device);
  // Some devices read names from the traffic itself, which they can for these services only.
  const bool by_port = !device.names_on_any_port || from.patterns || to.patterns;
  const bool web = by_port && net::web_services().contains(flow.service);
  const policy::Origin& origin = flow.rule->origin;
  return std::tuple(flow.kind, flow.rule->log, std::string_view(origin.module),
                    std::string_view(origin.feature), ports, types, web, from, to);
}

// As a set: the order in which a policy lists its peers has no meaning.
Sets sorted(Sets sets) {
  if (sets.size() < 2) return sets;
  std::sort(sets.begin(), sets.end(), [](const NamedSet* a, const NamedSet* b) {
    return std::tie(a->name, a->span) < std::tie(b->name, b->span);
  });
  sets.erase(std::unique(sets.begin(), sets.end()), sets.end());
  return sets;
}

void unite(Sets& into, const Sets& more) {
  into.insert(into.end(), more.begin(), more.end());
  into = sorted(std::move(into));
}

void mix(std::size_t& hash, std::size_t more) {
  hash = hash * 0x9e37'79b9'7f4a'7c15 + more;
}
std::size_t hash_of(const Sets& sets) {
  std::size_t hash = 0;
  for (const NamedSet* set : sets) mix(hash, std::hash<const NamedSet*>()(set));
  return hash;
}
std::size_t hash_of(const net::ServiceSet& service) {
  std::size_t hash = 0;
  for (const net::ServiceRange& range : service.ranges()) {
    mix(hash, range.first);
    mix(hash, range.last);
  }
  return hash;
}
std::size_t hash_of(std::size_t number) {
  return number;
}
/// Of all the fields together.
template <class... Fields>
std::size_t hash_of(const std::tuple<Fields...>& fields) {
  std::size_t hash = 0;
  std::apply([&](const auto&... field) { (mix(hash, hash_of(field)), ...); }, fields);
  return hash;
}

class Joiner {
 public:
  Joiner(std::vector<CarriedFlow> items, const RuleCapabilities& device) {
    std::map<decltype(treatment(items[0].flow, device)), std::size_t> numbers;
    parts_.reserve(items.size());
    for (CarriedFlow& item : items) {
      const auto number =
          numbers.try_emplace(treatment(item.flow, device), numbers.size()).first->second;
      Sets from = sorted(item.flow.from), to = sorted(item.flow.to);
      parts_.push_back({std::move(item), number, std::move(from), std::move(to)});
    }
  }

  std::vector<CarriedFlow> run() {
    std::size_t before = 0;
    do {
      before = parts_.size();
      join([](const Part& p) { return std::tie(p.treatment, p.from, p.to); },
           [](Part& first, const Part& more) {
             first.service() = first.service() | more.service();
           });
      join([](const Part& p) { return std::tie(p.treatment, p.from, p.service()); },
           [](Part& first, const Part& more) {
             unite(first.to, more.to);
             first.item.flow.to = first.to;
           });
      join([](const Part& p) { return std::tie(p.treatment, p.to, p.service()); },
           [](Part& first, const Part& more) {
             unite(first.from, more.from);
             first.item.flow.from = first.from;
           });
    } while (parts_.size() < before);
    std::vector<CarriedFlow> out;
    out.reserve(parts_.size());
    for (Part& part : parts_) out.push_back(std::move(part.item));
    return out;
  }

 private:
  struct Part {
    net::ServiceSet& service() { return item.flow.service; }
    const net::ServiceSet& service() const { return item.flow.service; }

    CarriedFlow item;
    std::size_t treatment;  ///< its number; what parts of one number join to has it too
    Sets from;              ///< sorted()
    Sets to;                ///< sorted()
  };

  /// Joins parts of equal keys to the first of them; `add` leaves its key as it is.
  template <class Key, class Add>
  void join(Key key, Add add) {
    const auto hash = [&](std::size_t part) { return hash_of(key(parts_[part])); };
    const auto same = [&](std::size_t a, std::size_t b) {
      return key(parts_[a]) == key(parts_[b]);
    };
    std::unordered_set<std::size_t, decltype(hash), decltype(same)> firsts(parts_.size(), hash,
                                                                           same);
    std::size_t kept = 0;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      if (kept != i) parts_[kept] = std::move(parts_[i]);
      const auto [known, fresh] = firsts.insert(kept);
      if (fresh) {
        ++kept;
        continue;
      }
      Part& first = parts_[*known];
      Part& more = parts_[kept];
      add(first, more);
      first.item.rules.insert(first.item.rules.end(), more.item.rules.begin(),
                              more.item.rules.end());
    }
    parts_.erase(parts_.begin() + static_cast<std::ptrdiff_t>(kept), parts_.end());
  }

  std::vector<Part> parts_;
};

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
  const std::string titles = distinct(near, title);
  out.title = fmt::format("{} (with {})", titles.empty() ? out.origin.feature_title : titles,
                          short_list(std::move(others)));
  out.note = distinct(near, note);
  return out;
}

// ---- the proof

/// The packets of a flow, and which of two lists have a flow with just these.
struct Content {
  const Flow* flow;
  bool before = false;
  bool after = false;
};

std::vector<Content> contents(std::span<const Flow> before, std::span<const Flow> after) {
  const auto key = [](const Flow* f) { return std::tie(f->from, f->to, f->service); };
  const auto hash = [&](const Flow* flow) { return hash_of(key(flow)); };
  const auto same = [&](const Flow* a, const Flow* b) {
    return a->kind == b->kind && key(a) == key(b);
  };
  std::unordered_map<const Flow*, std::size_t, decltype(hash), decltype(same)> numbers(
      before.size(), hash, same);
  std::vector<Content> out;
  out.reserve(before.size());
  const auto content = [&](const Flow& flow) -> Content& {
    const auto [known, fresh] = numbers.try_emplace(&flow, out.size());
    if (fresh) out.push_back({&flow});
    return out[known->second];
  };
  for (const Flow& flow : before) content(flow).before = true;
  for (const Flow& flow : after) content(flow).after = true;
  return out;
}

void prove_equal(std::span<const Content> contents, std::vector<net::Box> boxes) {
  std::map<Kind, std::array<std::vector<net::Box>, 2>> sides;  // before and after
  net::PacketUniverse universe(boxes);
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    auto& [old, fresh] = sides[contents[i].flow->kind];
    if (contents[i].before) old.push_back(boxes[i]);
    if (contents[i].after) fresh.push_back(std::move(boxes[i]));
  }
  for (const auto& [kind, side] : sides) {
    if (universe.of(side[0]) != universe.of(side[1])) {
      bug("the optimiser changed what a policy means");
    }
  }
}

// Island by island: many small universes cost less than one large one, and where both lists have
// the same flows there is nothing to prove.
void prove_equal(std::span<const Flow> before, std::span<const Flow> after) {
  const std::vector<Content> all = contents(before, after);
  const auto changed = [](const Content& content) { return content.before != content.after; };
  if (std::none_of(all.begin(), all.end(), changed)) return;

  std::vector<net::Box> boxes;
  boxes.reserve(all.size());
  for (const Content& content : all) boxes.push_back(box(*content.flow));
  std::map<std::uint32_t, std::vector<std::size_t>> islands;
  const auto island_of = net::islands(boxes);
  for (std::size_t i = 0; i < all.size(); ++i) islands[island_of[i]].push_back(i);
  for (const auto& [island, members] : islands) {
    const auto is_changed = [&](std::size_t i) { return changed(all[i]); };
    if (std::none_of(members.begin(), members.end(), is_changed)) continue;
    std::vector<Content> contents_here;
    std::vector<net::Box> boxes_here;
    for (const std::size_t i : members) {
      contents_here.push_back(all[i]);
      boxes_here.push_back(std::move(boxes[i]));
    }
    prove_equal(contents_here, std::move(boxes_here));
  }
}

}  // namespace

Optimiser::Optimiser(std::span<const Flow> flows)
    : before_(flows), uncovered_(without_covered(flows)) {}

Optimiser::~Optimiser() = default;

const Optimised& Optimiser::fewer(const RuleCapabilities& device) {
  if (const auto known = made_.find(device); known != made_.end()) return known->second;
  Optimised out;
  std::vector<CarriedFlow> items = Joiner(uncovered_, device).run();
  out.flows.reserve(items.size());
  for (CarriedFlow& item : items) {
    Rules& rules = item.rules;
    std::sort(rules.begin(), rules.end());
    rules.erase(std::unique(rules.begin(), rules.end()), rules.end());
    if (rules.size() > 1) {
      out.rules.push_back(carrier(*item.flow.rule, rules));
      item.flow.rule = &out.rules.back();
    }
    out.flows.push_back(std::move(item.flow));
  }
  prove_equal(before_, out.flows);
  name_flows(out.flows);
  return made_.emplace(device, std::move(out)).first->second;
}

}  // namespace hcipol::flow
