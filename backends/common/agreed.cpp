// An allow that no deny comes before is allowed whatever other rules say. Where device and policy
// have the same one, the packets in it need no further look.
#include "backends/common/agreed.h"

#include <algorithm>
#include <functional>
#include <unordered_set>
#include <utility>

namespace hcipol::backends {

namespace {

using Act = ReadRule::Act;

/// Pairs of boxes that are looked at in vain before a rule is taken to depend on those before it.
constexpr std::size_t most_looks = 1'000'000;

bool meet(const Grouped& a, const Grouped& b) {
  return a.service->intersects(*b.service) && a.from->intersects(*b.from) &&
         a.to->intersects(*b.to);
}

class Flattener {
 public:
  Flattener(const std::vector<std::vector<Step>>& lists, FamilySets& sets)
      : lists_(lists), sets_(sets) {
    for (const std::vector<Step>& list : lists) {
      for (const Step& step : list) most_ += step.rules.size();
    }
    most_ = 4 * most_ + 1000;
  }

  std::optional<std::vector<FlatRule>> run(const Grouped& within) {
    if (lists_.empty()) return out_;
    if (!add(0, sets_.share(within), true)) return std::nullopt;
    mark_asked();
    return std::move(out_);
  }

 private:
  /// `last`: after the list nothing decides any more.
  bool add(std::size_t list, const Grouped& within, bool last) {
    if (++depth_ > lists_.size()) return false;
    for (const Step& step : lists_[list]) {
      for (const Grouped& rule : step.rules) {
        const Grouped box = sets_.meet(within, sets_.share(rule));
        if (!sets_.empty(box) && !add(step, box, last)) return false;
      }
    }
    --depth_;
    return out_.size() <= most_;
  }

  bool add(const Step& step, const Grouped& box, bool last) {
    switch (step.act) {
      case Act::allow:
      case Act::deny: out_.push_back({box, step.act}); return true;
      case Act::leave: out_.push_back({box, step.act}); return last;
      case Act::jump: return add(step.list, box, false);
      case Act::go: break;
    }
    if (!add(step.list, box, last)) return false;
    if (decided(box)) return true;
    out_.push_back({box, Act::leave});
    return last;
  }

  /// A list that ends with a verdict on everything leaves nothing behind.
  bool decided(const Grouped& box) const {
    return !out_.empty() && out_.back().act != Act::leave && out_.back().box == box;
  }

  void mark_asked() {
    std::vector<const Grouped*> before;
    std::size_t looks = 0;
    for (FlatRule& rule : out_) {
      if (rule.act != Act::allow) {
        before.push_back(&rule.box);
        continue;
      }
      looks += before.size();
      rule.asked = looks <= most_looks && std::none_of(before.begin(), before.end(),
                                                       [&](auto* b) { return meet(*b, rule.box); });
    }
  }

  const std::vector<std::vector<Step>>& lists_;
  FamilySets& sets_;
  std::size_t most_ = 0;
  std::size_t depth_ = 0;
  std::vector<FlatRule> out_;
};

struct GroupedHash {
  std::size_t operator()(const Grouped& one) const {
    std::size_t sum = 0;
    for (const void* field : {static_cast<const void*>(one.from), static_cast<const void*>(one.to),
                              static_cast<const void*>(one.service)}) {
      sum = (sum ^ std::hash<const void*>()(field)) * 0x9e37'79b9'7f4a'7c15;
    }
    return sum ^ sum >> 32;
  }
};
using GroupedSet = std::unordered_set<Grouped, GroupedHash>;

/// The policy's share of the family, with the allows apart that no deny touches.
class Wanted {
 public:
  Wanted(const Meaning& meaning, flow::Order order, FamilySets& sets) : sets_(sets) {
    for (const Grouped& each : meaning.deny.whole) deny(sets.share(each));
    for (const Grouped& each : meaning.deny.added) deny(sets.share(each));
    for (const MeantKind::Clipped& each : meaning.deny.clipped) deny(sets.share(each.box));
    // Exceptions beat denies, but where blocks win, the exceptions were taken out of them before.
    const bool exceptions_too = order == flow::Order::block_wins;
    const bool never = order == flow::Order::allows_only;
    take(meaning.allow, !never, left_.allow);
    take(meaning.exception, exceptions_too, left_.exception);
    left_.deny = meaning.deny;
    left_.rest = meaning.rest;
    left_.rest_with_names = meaning.rest_with_names;
  }

  std::vector<Grouped>& plain() { return plain_; }
  Meaning take_left() { return std::move(left_); }

 private:
  void deny(const Grouped& share) {
    if (!sets_.empty(share)) denies_.push_back(share);
  }
  void take(const MeantKind& kind, bool deniable, MeantKind& left) {
    for (const MeantKind::Clipped& each : kind.clipped) {
      if (!wholly_lost(each)) left.clipped.push_back(each);
    }
    for (const auto* groups : {&kind.whole, &kind.added}) {
      for (const Grouped& each : *groups) {
        const Grouped share = sets_.share(each);
        if (sets_.empty(share)) continue;
        (deniable && denied(share) ? left.whole : plain_).push_back(share);
      }
    }
  }
  bool wholly_lost(const MeantKind::Clipped& each) {
    const Grouped box = sets_.share(each.box);
    return sets_.empty(box) ||
           std::any_of(each.lost.begin(), each.lost.end(), [&](const Grouped& rule) {
             const Grouped lost = sets_.share(rule);
             return lost.from->contains(*box.from) && lost.to->contains(*box.to) &&
                    lost.service->contains(*box.service);
           });
  }
  bool denied(const Grouped& share) {
    looks_ += denies_.size();
    return looks_ > most_looks || std::any_of(denies_.begin(), denies_.end(),
                                              [&](const auto& one) { return meet(one, share); });
  }

  FamilySets& sets_;
  std::vector<Grouped> denies_;
  std::size_t looks_ = 0;
  std::vector<Grouped> plain_;
  Meaning left_;
};

/// Rules of one act in a row are one step.
void append(std::vector<Step>& steps, const FlatRule& rule) {
  if (steps.empty() || steps.back().act != rule.act) steps.push_back({rule.act, 0, {}});
  steps.back().rules.push_back(rule.box);
}

/// Ten thousand hosts to one list of ten thousand are one rule here, not as many copies of the
/// list.
void regroup(std::vector<Step>& steps, FamilySets& sets) {
  for (Step& step : steps) step.rules = regrouped(std::move(step.rules), sets.pool());
}

/// Takes what both have out of both.
void drop_common(std::vector<Grouped>& a, std::vector<Grouped>& b) {
  GroupedSet of_a(a.begin(), a.end());
  GroupedSet common;
  std::erase_if(b, [&](const Grouped& one) {
    const bool both = of_a.contains(one);
    if (both) common.insert(one);
    return both;
  });
  std::erase_if(a, [&](const Grouped& one) { return common.contains(one); });
}

}  // namespace

std::optional<std::vector<FlatRule>> flattened(const std::vector<std::vector<Step>>& lists,
                                               FamilySets& sets, const Grouped& within) {
  return Flattener(lists, sets).run(within);
}

std::optional<Disputed> disputed(const std::vector<std::vector<Step>>& lists,
                                 const Meaning& meaning, flow::Order order, FamilySets& sets) {
  const auto flat = flattened(lists, sets);
  if (!flat) return std::nullopt;
  std::vector<Grouped> device;
  std::vector<Step> left{{Act::allow, 0, {}}};
  for (const FlatRule& rule : *flat) {
    if (rule.act == Act::allow && rule.asked) {
      device.push_back(rule.box);
    } else {
      append(left, rule);
    }
  }
  device = regrouped(std::move(device), sets.pool());
  regroup(left, sets);
  Wanted wanted(meaning, order, sets);
  std::vector<Grouped> policy = regrouped(std::move(wanted.plain()), sets.pool());
  drop_common(device, policy);

  Disputed out;
  left.front().rules.insert(left.front().rules.end(), device.begin(), device.end());
  out.lists.push_back(std::move(left));
  out.meaning = wanted.take_left();
  // No deny has anything of these, so they may as well stand where none is asked.
  auto& exceptions = out.meaning.exception.whole;
  exceptions.insert(exceptions.end(), policy.begin(), policy.end());
  return out;
}

Meaning about(const net::ServiceSet& services, const Meaning& meaning) {
  const auto elsewhere = [&](const Grouped& rule) { return !rule.service->intersects(services); };
  Meaning out = meaning;
  for (MeantKind* kind : {&out.allow, &out.deny, &out.exception}) {
    std::erase_if(kind->whole, elsewhere);
    std::erase_if(kind->added, elsewhere);
    std::erase_if(kind->clipped, [&](const auto& each) { return elsewhere(each.box); });
  }
  return out;
}

std::optional<std::vector<std::vector<Step>>> about(const net::ServiceSet& services,
                                                    const std::vector<std::vector<Step>>& lists,
                                                    FamilySets& sets) {
  const auto flat = flattened(lists, sets, {nullptr, nullptr, &services});
  if (!flat) return std::nullopt;
  std::vector<std::vector<Step>> out(1);
  for (const FlatRule& rule : *flat) append(out.front(), rule);
  regroup(out.front(), sets);
  return out;
}

}  // namespace hcipol::backends
