// Covered flows go first, because joining would hide them; then one dimension after the other is
// joined until none joins any more. Every step can only shorten the list, so this ends.
#include "flow/optimise.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <tuple>

#include "flow/effective.h"
#include "flow/lower.h"
#include "net/cover.h"
#include "support/bug.h"
#include "support/text.h"

namespace hcipol::flow {

using Kind = policy::Rule::Kind;
using Sets = std::vector<const NamedSet*>;
using Rules = std::set<const policy::Rule*>;

/// A flow on its way, with every rule that it carries.
struct Optimiser::Item {
  Flow flow;
  Rules rules;
};

namespace {

// ---- covered flows

template <class Item>
std::vector<Item> without_covered(std::span<const Flow> flows) {
  std::map<StandInClass, std::vector<std::size_t>> groups;
  for (std::size_t i = 0; i < flows.size(); ++i) groups[stand_in_class(flows[i])].push_back(i);
  std::vector<Item> items;
  for (const Flow& flow : flows) items.push_back({flow, {flow.rule}});
  std::vector<bool> dropped(flows.size());
  for (const auto& [key, members] : groups) {
    std::vector<net::Box> boxes;
    for (const std::size_t i : members) boxes.push_back(box(flows[i]));
    const auto covered = net::covers(boxes);
    for (std::size_t m = 0; m < members.size(); ++m) {
      for (const std::size_t other : covered[m]) {
        items[members[other]].rules.insert(flows[members[m]].rule);
        dropped[members[m]] = true;
      }
    }
  }
  std::vector<Item> out;
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
  return std::tuple(flow.kind, flow.rule->log, origin.module, origin.feature, ports, types, web,
                    from, to);
}

// As a set: the order in which a policy lists its peers has no meaning.
Sets sorted(Sets sets) {
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

template <class Item>
class Joiner {
 public:
  Joiner(std::vector<Item> items, const RuleCapabilities& device)
      : items_(std::move(items)), device_(device) {}

  std::vector<Item> run() {
    std::size_t before = 0;
    do {
      before = items_.size();
      join([](const Flow& f) { return std::tuple(sorted(f.from), sorted(f.to)); },
           [](Flow& f, const Flow& more) { f.service = f.service | more.service; });
      join([](const Flow& f) { return std::tuple(sorted(f.from), f.service); },
           [](Flow& f, const Flow& more) { unite(f.to, more.to); });
      join([](const Flow& f) { return std::tuple(sorted(f.to), f.service); },
           [](Flow& f, const Flow& more) { unite(f.from, more.from); });
    } while (items_.size() < before);
    return std::move(items_);
  }

 private:
  template <class Same, class Add>
  void join(Same same, Add add) {
    using Key =
        std::pair<decltype(treatment(items_[0].flow, device_)), decltype(same(items_[0].flow))>;
    std::map<Key, std::size_t> places;
    std::vector<Item> out;
    for (Item& item : items_) {
      const auto [known, fresh] =
          places.try_emplace(Key{treatment(item.flow, device_), same(item.flow)}, out.size());
      if (fresh) {
        out.push_back(std::move(item));
        continue;
      }
      Item& first = out[known->second];
      add(first.flow, item.flow);
      first.rules.merge(item.rules);
    }
    items_ = std::move(out);
  }

  std::vector<Item> items_;
  const RuleCapabilities& device_;
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
  out.carries.assign(rules.begin(), rules.end());
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

}  // namespace

/// The packets of each kind of rule, which no step may change.
class Optimiser::Meaning {
 public:
  explicit Meaning(std::span<const Flow> flows) : universe_(boxes(flows)) {
    for (const Kind kind : kinds) before_.push_back(packets(flows, kind));
  }

  void prove_equal(std::span<const Flow> after) {
    for (std::size_t i = 0; i < kinds.size(); ++i) {
      if (packets(after, kinds[i]) != before_[i]) bug("the optimiser changed what a policy means");
    }
  }

 private:
  static constexpr std::array kinds{Kind::allow, Kind::deny, Kind::exception};

  net::PacketSet packets(std::span<const Flow> flows, Kind kind) {
    std::vector<net::Box> out;
    for (const Flow& flow : flows) {
      if (flow.kind == kind) out.push_back(box(flow));
    }
    return universe_.of(out);
  }

  net::PacketUniverse universe_;
  std::vector<net::PacketSet> before_;  ///< by kinds
};

Optimiser::Optimiser(std::span<const Flow> flows)
    : meaning_(std::make_unique<Meaning>(flows)), uncovered_(without_covered<Item>(flows)) {}

Optimiser::~Optimiser() = default;

const Optimised& Optimiser::fewer(const RuleCapabilities& device) {
  if (const auto known = made_.find(device); known != made_.end()) return known->second;
  Optimised out;
  for (Item& item : Joiner<Item>(uncovered_, device).run()) {
    if (item.rules.size() > 1) {
      out.rules.push_back(carrier(*item.flow.rule, item.rules));
      item.flow.rule = &out.rules.back();
    }
    out.flows.push_back(std::move(item.flow));
  }
  meaning_->prove_equal(out.flows);
  name_flows(out.flows);
  return made_.emplace(device, std::move(out)).first->second;
}

}  // namespace hcipol::flow
