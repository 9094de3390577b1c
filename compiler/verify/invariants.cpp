// One universe for each cluster, made once for all checks that are for it.
#include "verify/invariants.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "flow/too_complex.h"
#include "support/text.h"
#include "verify/mend.h"

namespace hcipol::verify {

namespace {

using Kind = policy::Rule::Kind;
using flow::Flow;

constexpr std::size_t shown_clusters = 5;

/// A violation of the first cluster that has it.
struct Violation {
  const policy::Invariant* invariant = nullptr;
  const policy::Check* check = nullptr;
  const policy::Cluster* cluster = nullptr;
  Blame blame;
  std::string help;
  std::vector<std::string> also_in;  ///< clusters where the same rules are behind it
};

class InvariantChecker {
 public:
  InvariantChecker(const policy::Policy& policy, std::span<const std::vector<Flow>> flows,
                   const SourceMap& sources, Reporter& reporter)
      : policy_(policy), flows_(flows), sources_(sources), reporter_(reporter) {}

  std::vector<Waived> run() {
    for (std::size_t i = 0; i < policy_.clusters.size(); ++i) {
      try {
        check_cluster(i);
      } catch (const net::NodeLimitExceeded&) {
        flow::report_too_complex(policy_.clusters[i], reporter_);
      }
    }
    for (const Violation& violation : violations_) report(violation);
    if (!reporter_.has_errors()) report_unused_waives();
    const auto order = [](const Waived& w) {
      return std::tie(w.invariant, w.cluster, w.exception);
    };
    std::sort(waived_.begin(), waived_.end(),
              [&](const Waived& a, const Waived& b) { return order(a) < order(b); });
    return std::move(waived_);
  }

 private:
  void check_cluster(std::size_t index) {
    std::vector<std::pair<const policy::Invariant*, const policy::Check*>> mine;
    std::vector<const policy::Check*> checks;
    for (const policy::Invariant& invariant : policy_.invariants) {
      for (const policy::Check& check : invariant.checks) {
        if (check.cluster != index) continue;
        mine.emplace_back(&invariant, &check);
        checks.push_back(&check);
      }
    }
    if (mine.empty()) return;
    Situation situation(policy_.clusters[index], flows_[index], checks);
    const net::PacketSet open = situation.open(flows_[index]);
    for (const auto& [invariant, check] : mine) {
      const net::PacketSet asked = situation.asked(*check);
      if (refuse_empty(asked, *check, reporter_)) continue;
      const auto waivers = waivers_of(*invariant);
      if (check->allow || waivers.empty()) {
        const net::PacketSet bad = wrong(*check, asked, open);
        if (!bad.empty()) add_violation(situation, flows_[index], *invariant, *check, bad);
        continue;
      }
      const std::vector<Flow> counting = without_waiving(waivers, flows_[index]);
      const net::PacketSet bad = asked & situation.open(counting);
      if (!bad.empty()) add_violation(situation, counting, *invariant, *check, bad);
      note_waives(situation, waivers, (asked & open) - bad);
    }
  }

  // ---- waives

  std::vector<const policy::Waiver*> waivers_of(const policy::Invariant& invariant) const {
    std::vector<const policy::Waiver*> out;
    for (const policy::Waiver& waiver : policy_.waivers) {
      if (waiver.invariant == invariant.address) out.push_back(&waiver);
    }
    return out;
  }

  static std::vector<Flow> without_waiving(const std::vector<const policy::Waiver*>& waivers,
                                           const std::vector<Flow>& flows) {
    std::vector<Flow> kept;
    for (const Flow& flow : flows) {
      if (!waives(waivers, flow)) kept.push_back(flow);
    }
    return kept;
  }

  static bool waives(const std::vector<const policy::Waiver*>& waivers, const Flow& flow) {
    return flow.kind == Kind::exception &&
           std::any_of(waivers.begin(), waivers.end(), [&](const policy::Waiver* waiver) {
             return waiver->exception == flow.rule->origin.feature;
           });
  }

  // `excused` is what only waiving exceptions open of the check's flow.
  void note_waives(Situation& situation, const std::vector<const policy::Waiver*>& waivers,
                   const net::PacketSet& excused) {
    for (const policy::Waiver* waiver : waivers) {
      for (const Flow& flow : situation.flows()) {
        if (!waives({waiver}, flow) || !situation.share(flow).intersects(excused)) continue;
        needed_.insert(waiver);
        const Waived entry{waiver->invariant, situation.cluster().name, waiver->exception,
                           *flow.rule->expires};
        const auto same = [&](const Waived& other) {
          return other.invariant == entry.invariant && other.cluster == entry.cluster &&
                 other.exception == entry.exception;
        };
        if (std::none_of(waived_.begin(), waived_.end(), same)) waived_.push_back(entry);
      }
    }
  }

  void report_unused_waives() {
    for (const policy::Waiver& waiver : policy_.waivers) {
      if (needed_.contains(&waiver)) continue;
      reporter_.report<Diag::unused_waive>(waiver.span, waiver.invariant)
          .here(fmt::format("exception `{}` does not break this invariant", waiver.exception));
    }
  }

  // ---- violations

  void add_violation(Situation& situation, std::span<const Flow> flows,
                     const policy::Invariant& invariant, const policy::Check& check,
                     const net::PacketSet& bad) {
    Blame found = blame(situation, flows, check, bad);
    std::pair<Span, std::vector<Span>> key{check.span, {}};
    for (const Culprit& culprit : found.culprits) key.second.push_back(culprit.rule->origin.span);
    const auto [first, added] = first_.try_emplace(std::move(key), violations_.size());
    if (!added) {
      violations_[first->second].also_in.push_back(situation.cluster().name);
      return;
    }
    const Wanted wanted{&check, name_in_policy(invariant),
                        one_line(trim(sources_.text(check.flow_span)), 200)};
    std::string help = mend(situation, flows, wanted, found, sources_);
    violations_.push_back(
        {&invariant, &check, &situation.cluster(), std::move(found), std::move(help), {}});
  }

  // The policy's own go by their bare name.
  static std::string name_in_policy(const policy::Invariant& invariant) {
    constexpr std::string_view own = "main/";
    return invariant.address.starts_with(own) ? invariant.address.substr(own.size())
                                              : invariant.address;
  }

  void report(const Violation& v) {
    const std::string what = finding(v.blame, *v.check, *v.cluster);
    const std::string name = name_in_policy(*v.invariant);
    auto report = v.check->allow ? reporter_.report<Diag::always_unmet>(v.check->span, name,
                                                                        v.cluster->name, what)
                                 : reporter_.report<Diag::invariant_violated>(
                                       v.check->span, name, v.cluster->name, what);
    point_at_rules(report, v.blame, *v.check);
    if (!v.invariant->why.empty()) report.note(fmt::format("why: {}", v.invariant->why));
    if (!v.also_in.empty()) report.note(fmt::format("the same in {}", clusters(v.also_in)));
    if (!v.help.empty()) report.help(v.help);
  }

  static std::string clusters(const std::vector<std::string>& names) {
    std::vector<std::string> shown;
    for (const std::string& name : names) {
      if (shown.size() == shown_clusters) break;
      shown.push_back(fmt::format("`{}`", name));
    }
    if (names.size() > shown.size()) {
      shown.push_back(counted(names.size() - shown.size(), "more cluster"));
    }
    return fmt::format("cluster{} {}", names.size() == 1 ? "" : "s", list_of(shown));
  }

  const policy::Policy& policy_;
  std::span<const std::vector<Flow>> flows_;
  const SourceMap& sources_;
  Reporter& reporter_;
  std::vector<Violation> violations_;
  std::map<std::pair<Span, std::vector<Span>>, std::size_t> first_;
  std::set<const policy::Waiver*> needed_;
  std::vector<Waived> waived_;
};

}  // namespace

bool refuse_empty(const net::PacketSet& asked, const policy::Check& check, Reporter& reporter) {
  if (!asked.empty()) return false;
  reporter.report<Diag::empty_set>(check.flow_span, "flow")
      .here("no packet can belong to this")
      .note(
          "its two sides have no address family in common with its service, so the check could "
          "not fail");
  return true;
}

std::vector<Waived> check_invariants(const policy::Policy& policy,
                                     std::span<const std::vector<flow::Flow>> flows,
                                     const SourceMap& sources, Reporter& reporter) {
  if (policy.invariants.empty()) return {};
  return InvariantChecker(policy, flows, sources, reporter).run();
}

}  // namespace hcipol::verify
