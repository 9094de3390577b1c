// Rules that other rules make idle: covered by others of their kind, denied altogether, or denying
// what nothing allows.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "flow/lower.h"
#include "flow/reach.h"
#include "net/cover.h"
#include "verify/lints_passes.h"

namespace hcipol::verify {

namespace {

using Kind = policy::Rule::Kind;
using Owner = WrittenRule::Owner;
using Indices = std::vector<std::size_t>;

// A rule that only packets that no network carries tell apart from others is idle all the same.
const std::vector<net::Box>& impossible_packets() {
  static const std::vector<net::Box> boxes = flow::impossible_boxes();
  return boxes;
}

class IdleRules {
 public:
  IdleRules(const Subject& subject, std::vector<Hit>& hits) : subject_(subject), hits_(hits) {
    for (std::size_t i = 0; i < subject.flows.size(); ++i) {
      by_kind_[subject.flows[i].rule->kind].push_back(i);
    }
  }

  void find() {
    find_impossible();
    for (const auto& [key, flows] : subject_.input.meeting[subject_.index]) find_covered(flows);
    if (!by_kind_[Kind::deny].empty()) find_denied();
  }

 private:
  const WrittenRule& rule_of(std::size_t flow) const {
    return subject_.rules[subject_.rule_of[flow]];
  }
  // Most clusters have no denies and need no sets of packets.
  net::PacketUniverse& universe() {
    if (!universe_) universe_.emplace(with_impossible(subject_.boxes));
    return *universe_;
  }
  std::vector<net::Box> boxes(const Indices& flows) const {
    std::vector<net::Box> out;
    for (const std::size_t flow : flows) out.push_back(subject_.boxes[flow]);
    return out;
  }
  // In front, where what is equal stays.
  static std::vector<net::Box> with_impossible(const std::vector<net::Box>& boxes) {
    std::vector<net::Box> out = impossible_packets();
    out.insert(out.end(), boxes.begin(), boxes.end());
    return out;
  }
  // The flows behind numbers of with_impossible(boxes(flows)).
  static Indices behind(const Indices& numbers, const Indices& flows) {
    const std::size_t first = impossible_packets().size();
    Indices out;
    for (const std::size_t number : numbers) {
      if (number >= first) out.push_back(flows[number - first]);
    }
    return out;
  }
  bool meet(std::size_t a, std::size_t b) const {
    return intersects(subject_.boxes[a], subject_.boxes[b]);
  }
  // Few of the candidates that contain the flow together; nothing if all of them do not.
  std::optional<Indices> cover(std::size_t flow, const Indices& candidates) {
    Indices meeting;
    for (const std::size_t other : candidates) {
      if (meet(other, flow)) meeting.push_back(other);
    }
    if (meeting.empty()) return std::nullopt;
    const auto numbers =
        net::cover(universe(), subject_.boxes[flow], with_impossible(boxes(meeting)));
    return numbers ? std::optional(behind(*numbers, meeting)) : std::nullopt;
  }
  // The same for every flow of a rule.
  std::optional<Indices> cover(const WrittenRule& rule, const Indices& candidates) {
    Indices out;
    for (const std::size_t flow : rule.flows) {
      const auto by = cover(flow, candidates);
      if (!by) return std::nullopt;
      out.insert(out.end(), by->begin(), by->end());
    }
    return out;
  }

  // ---- no packet at all

  void find_impossible() {
    for (std::size_t i = 0; i < subject_.rules.size(); ++i) {
      if (!subject_.rules[i].flows.empty()) continue;
      if (auto why = flow::impossible(*subject_.rules[i].rule)) {
        Hit& hit = hits_.emplace_back();
        hit.lint = Diag::never_applies;
        hit.rule = i;
        hit.detail = *std::move(why);
        hit.message = message<Diag::never_applies>(subject_.rules[i].address, hit.detail);
      }
    }
  }

  // ---- covered

  // Apart from the impossible packets, which cover no flow that the lowering left in: what meets no
  // other flow is not covered.
  void find_covered(Indices flows) {
    if (flows.empty()) return;
    // Of equal boxes the first stays: the library's, which the reader cannot remove.
    const auto rank = [&](std::size_t flow) {
      return std::pair(rule_of(flow).owner == Owner::policy, subject_.rule_of[flow]);
    };
    std::stable_sort(flows.begin(), flows.end(),
                     [&](std::size_t a, std::size_t b) { return rank(a) < rank(b); });
    const auto covers = net::covers(with_impossible(boxes(flows)));
    std::map<std::size_t, Indices> covered;  // by flow
    for (std::size_t i = 0; i < flows.size(); ++i) {
      Indices by = behind(covers[impossible_packets().size() + i], flows);
      if (!by.empty()) covered.emplace(flows[i], std::move(by));
    }

    std::map<std::size_t, Indices> idle;  // by rule
    Indices half;                         // covered flows of rules that are needed
    for (const auto& [flow, by] : covered) {
      const std::size_t rule = subject_.rule_of[flow];
      if (idle.contains(rule)) continue;
      if (rule_of(flow).owner != Owner::policy) continue;
      if (auto all = joined(rule, covered)) {
        idle[rule] = *std::move(all);
      } else {
        half.push_back(flow);
      }
    }
    // Such a flow stays all the same, and may make up for others that looked needed without it.
    for (const std::size_t flow : flows) {
      const std::size_t rule = subject_.rule_of[flow];
      if (idle.contains(rule) || rule_of(flow).owner != Owner::policy) continue;
      const bool affected = std::any_of(half.begin(), half.end(),
                                        [&](std::size_t other) { return meet(other, flow); });
      if (!affected) continue;
      Indices others;
      for (const std::size_t other : flows) {
        const std::size_t its = subject_.rule_of[other];
        if (its != rule && !idle.contains(its)) others.push_back(other);
      }
      if (auto by = cover(subject_.rules[rule], others)) idle[rule] = *std::move(by);
    }
    for (const auto& [rule, by] : idle) add(Diag::covered, rule, by);
    find_covered_in_library(flows, idle);
  }

  // What covers all flows of a rule, unless the rule would have to stand in for itself.
  std::optional<Indices> joined(std::size_t rule,
                                const std::map<std::size_t, Indices>& covered) const {
    Indices out;
    for (const std::size_t flow : subject_.rules[rule].flows) {
      const auto found = covered.find(flow);
      if (found == covered.end()) return std::nullopt;
      for (const std::size_t other : found->second) {
        if (subject_.rule_of[other] == rule) return std::nullopt;
        out.push_back(other);
      }
    }
    return out;
  }

  // Rules of the library say what a document asks for; that they overlap is not the reader's doing.
  // What the policy's own rules make superfluous is.
  void find_covered_in_library(const Indices& flows, const std::map<std::size_t, Indices>& idle) {
    Indices own, theirs;
    for (const std::size_t flow : flows) {
      const Owner owner = rule_of(flow).owner;
      if (owner == Owner::library) theirs.push_back(subject_.rule_of[flow]);
      if (owner == Owner::policy && !idle.contains(subject_.rule_of[flow])) own.push_back(flow);
    }
    if (own.empty()) return;
    theirs.erase(std::unique(theirs.begin(), theirs.end()), theirs.end());
    for (const std::size_t rule : theirs) {
      if (const auto by = cover(subject_.rules[rule], own)) add(Diag::covered, rule, *by);
    }
  }

  // ---- allowed and denied

  void find_denied() {
    const Indices& denies = by_kind_[Kind::deny];
    const net::PacketSet nothing = universe().of(impossible_packets());
    const net::PacketSet denied = universe().of(boxes(denies)) | nothing;
    const net::PacketSet allowed = universe().of(boxes(by_kind_[Kind::allow])) - nothing;
    const auto each = [&](const WrittenRule& rule, auto&& holds) {
      return std::all_of(rule.flows.begin(), rule.flows.end(), [&](std::size_t flow) {
        return holds(universe().of(subject_.boxes[flow]));
      });
    };
    for (std::size_t i = 0; i < subject_.rules.size(); ++i) {
      const WrittenRule& rule = subject_.rules[i];
      if (rule.flows.empty() || rule.owner == Owner::compiler) continue;
      if (rule.rule->kind == Kind::allow) {
        if (!each(rule, [&](const auto& packets) { return denied.contains(packets); })) continue;
        if (const auto by = cover(rule, denies)) add(Diag::never_applies, i, *by);
      } else if (rule.rule->kind == Kind::deny && !rule.rule->log) {
        // A deny that logs has an effect of its own.
        if (each(rule, [&](const auto& packets) { return !packets.intersects(allowed); })) {
          add_idle_deny(i, rule);
        }
      }
    }
  }

  void add_idle_deny(std::size_t index, const WrittenRule& rule) {
    Hit& hit = hits_.emplace_back();
    hit.lint = Diag::deny_without_effect;
    hit.rule = index;
    hit.message = message<Diag::deny_without_effect>(rule.address);
    hit.help =
        "what no rule allows is denied anyway; to keep later rules from allowing it, write an "
        "`invariant` with `never allow`";
  }

  // ---- hits

  // A rule that is idle because of the flows of others.
  void add(Diag lint, std::size_t rule, const Indices& others) {
    const std::string_view relation = lint == Diag::covered ? "covers it" : "denies it";
    std::map<std::string, std::size_t> by;
    for (const std::size_t other : others) {
      by.emplace(rule_of(other).address, subject_.rule_of[other]);
    }
    Hit& hit = hits_.emplace_back();
    hit.lint = lint;
    hit.rule = rule;
    std::vector<std::string> names;
    for (const auto& [name, index] : by) {
      names.push_back(name);
      hit.others.push_back(index);
      hit.labels.push_back({subject_.rules[index].rule->origin.span,
                            fmt::format("{}{}", relation, by.size() == 1 ? "" : " in part")});
    }
    hit.detail = quoted(names);
    const std::string& address = subject_.rules[rule].address;
    if (lint == Diag::covered) {
      if (names.size() > 1) hit.detail += " together";
      hit.message = message<Diag::covered>(address, hit.detail);
    } else {
      hit.detail += names.size() > 1 ? " together deny all of it" : " denies all of it";
      hit.message = message<Diag::never_applies>(address, hit.detail);
    }
  }

  const Subject& subject_;
  std::vector<Hit>& hits_;
  std::optional<net::PacketUniverse> universe_;
  std::map<Kind, Indices> by_kind_;
};

}  // namespace

void find_idle_rules(const Subject& subject, std::vector<Hit>& hits) {
  IdleRules(subject, hits).find();
}

}  // namespace hcipol::verify
