// Flows that both sides have cancel; the universe is built of what is left and of what meets it.
#include "flow/diff.h"

#include <algorithm>
#include <map>
#include <optional>
#include <unordered_map>

#include "flow/diff_rows.h"
#include "flow/effective.h"
#include "flow/too_complex.h"

namespace hcipol::flow {

namespace {

using Kind = policy::Rule::Kind;

bool same_sets(const std::vector<const NamedSet*>& a, const std::vector<const NamedSet*>& b) {
  const auto equal = [](const NamedSet* x, const NamedSet* y) {
    return x->set == y->set && (!x->is_tag_only() || x->tag_addresses == y->tag_addresses);
  };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), equal);
}

bool same_content(const Flow& a, const Flow& b) {
  return a.kind == b.kind && a.service == b.service && same_sets(a.from, b.from) &&
         same_sets(a.to, b.to);
}

using Pointers = std::vector<const Flow*>;

class Comparison {
 public:
  Comparison(const std::vector<Flow>& base, const std::vector<Flow>& head, ClusterDiff& out)
      : base_(base), head_(head), out_(out) {}

  void run() {
    match();
    if (!base_only_.empty() || !head_only_.empty()) compare();
    compare_tags();
    count();
  }

 private:
  // ---- what both sides have

  void match() {
    std::unordered_map<std::string_view, const Flow*> by_id;
    for (const Flow& flow : base_) by_id.emplace(flow.id, &flow);
    std::set<const Flow*> kept;
    for (const Flow& flow : head_) {
      const auto same = by_id.find(flow.id);
      if (same != by_id.end() && same_content(*same->second, flow)) {
        kept.insert(same->second);
      } else {
        head_only_.push_back(&flow);
        edited_.insert(flow.rule->address);
      }
    }
    for (const Flow& flow : base_) {
      if (!kept.contains(&flow)) base_only_.push_back(&flow);
    }
    match_renamed();
  }

  // A flow under another name is the same flow.
  void match_renamed() {
    using Content = std::pair<Kind, net::Box>;
    const auto contents = [](const Pointers& flows) {
      std::set<Content> out;
      for (const Flow* flow : flows) out.emplace(flow->kind, wire_box(*flow));
      return out;
    };
    const std::set<Content> before = contents(base_only_), after = contents(head_only_);
    std::erase_if(head_only_, [&](const Flow* f) {
      return before.contains({f->kind, wire_box(*f)});
    });
    std::erase_if(base_only_, [&](const Flow* f) {
      return after.contains({f->kind, wire_box(*f)});
    });
    for (const Flow* flow : base_only_) edited_.insert(flow->rule->address);
  }

  // ---- what differs

  // The flows that meet a changed one. With many of these, asking each would cost more than it
  // saves.
  static DiffSide near_to(const policy::Cluster* cluster, const std::vector<Flow>& flows,
                          const std::vector<net::Box>& changed) {
    constexpr std::size_t many = 64;
    DiffSide out{cluster, {}, {}};
    for (const Flow& flow : flows) {
      net::Box whole = wire_box(flow);
      const bool near = changed.size() > many ||
                        std::any_of(changed.begin(), changed.end(),
                                    [&](const net::Box& box) { return intersects(whole, box); });
      if (!near) continue;
      out.flows.push_back(&flow);
      out.boxes.push_back(std::move(whole));
    }
    return out;
  }

  void compare() {
    std::vector<net::Box> changed;
    for (const Flow* flow : base_only_) changed.push_back(wire_box(*flow));
    for (const Flow* flow : head_only_) changed.push_back(wire_box(*flow));
    const DiffSide before = near_to(out_.base, base_, changed);
    const DiffSide after = near_to(out_.head, head_, changed);
    std::vector<net::Box> all = before.boxes;
    all.insert(all.end(), after.boxes.begin(), after.boxes.end());
    net::PacketUniverse universe(all);
    const net::PacketSet old_set = effective(universe, before);
    const net::PacketSet new_set = effective(universe, after);
    add_rows(universe, Effect::opens, new_set - old_set, after, before, out_.rows);
    add_rows(universe, Effect::closes, old_set - new_set, before, after, out_.rows);
    sort_rows(out_.rows);
  }

  static net::PacketSet effective(net::PacketUniverse& universe, const DiffSide& side) {
    BoxesByKind boxes;
    for (std::size_t i = 0; i < side.flows.size(); ++i) {
      boxes[side.flows[i]->kind].push_back(side.boxes[i]);
    }
    return flow::effective(universe, std::move(boxes));
  }

  void compare_tags() {
    const std::map<std::string, const NamedSet*> before = named_with_tags(base_);
    for (const auto& [name, set] : named_with_tags(head_)) {
      const auto old = before.find(name);
      if (old == before.end() || old->second->tag != set->tag) continue;
      TagChange change{name, set->tag, set->tag_addresses - old->second->tag_addresses,
                       old->second->tag_addresses - set->tag_addresses};
      if (change.added.empty() && change.removed.empty()) continue;
      out_.tags.push_back(std::move(change));
    }
  }

  static std::map<std::string, const NamedSet*> named_with_tags(const std::vector<Flow>& flows) {
    std::map<std::string, const NamedSet*> out;
    for (const Flow& flow : flows) {
      for (const auto* sets : {&flow.from, &flow.to}) {
        for (const NamedSet* set : *sets) {
          if (!set->tag.empty() && !set->is_tag_only()) out.emplace(set->name, set);
        }
      }
    }
    return out;
  }

  void count() {
    std::set<std::string_view> rules, in_rows;
    for (const Flow& flow : head_) rules.insert(flow.rule->address);
    for (const Row& row : out_.rows) in_rows.insert(row.flow->rule->address);
    add_denies(base_only_, Effect::opens, in_rows);
    add_denies(head_only_, Effect::closes, in_rows);
    for (const std::string_view rule : rules) out_.unchanged += edited_.contains(rule) ? 0 : 1;
    for (const std::string_view rule : edited_)
      out_.without_effect += in_rows.contains(rule) ? 0 : 1;
  }

  // Rows are named after allows, but a deny that meets one had its part in it.
  void add_denies(const Pointers& changed, Effect effect, std::set<std::string_view>& out) const {
    for (const Flow* flow : changed) {
      if (flow->kind != Kind::deny) continue;
      const net::Box whole = wire_box(*flow);
      const bool met = std::any_of(out_.rows.begin(), out_.rows.end(), [&](const Row& row) {
        return row.effect == effect &&
               std::any_of(row.parts.begin(), row.parts.end(),
                           [&](const net::Box& part) { return intersects(part, whole); });
      });
      if (met) out.insert(flow->rule->address);
    }
  }

  const std::vector<Flow>& base_;
  const std::vector<Flow>& head_;
  ClusterDiff& out_;
  Pointers base_only_, head_only_;
  std::set<std::string_view> edited_;  ///< addresses of rules that are not the same on both sides
};

}  // namespace

bool PolicyDiff::empty() const {
  return std::all_of(clusters.begin(), clusters.end(),
                     [](const ClusterDiff& cluster) { return cluster.rows.empty(); });
}

PolicyDiff diff(const PolicyFlows& base, const PolicyFlows& head, Reporter& reporter) {
  struct Pair {
    std::optional<std::size_t> base, head;
  };
  std::map<std::string, Pair> names;
  for (std::size_t i = 0; i < base.policy->clusters.size(); ++i) {
    names[base.policy->clusters[i].name].base = i;
  }
  for (std::size_t i = 0; i < head.policy->clusters.size(); ++i) {
    names[head.policy->clusters[i].name].head = i;
  }
  const std::vector<Flow> nothing;
  PolicyDiff out;
  for (const auto& [name, at] : names) {
    ClusterDiff cluster;
    cluster.name = name;
    if (at.base) cluster.base = &base.policy->clusters[*at.base];
    if (at.head) cluster.head = &head.policy->clusters[*at.head];
    try {
      Comparison(at.base ? (*base.flows)[*at.base] : nothing,
                 at.head ? (*head.flows)[*at.head] : nothing, cluster)
          .run();
    } catch (const net::NodeLimitExceeded&) {
      report_too_complex(cluster.head != nullptr ? *cluster.head : *cluster.base, reporter);
      continue;
    }
    out.clusters.push_back(std::move(cluster));
  }
  return out;
}

}  // namespace hcipol::flow
