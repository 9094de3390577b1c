// A test asks the same two questions as an invariant, of one cluster.
#include "verify/expectations.h"

#include <fmt/format.h>

#include <algorithm>

#include "flow/effective.h"
#include "flow/naming.h"
#include "support/text.h"
#include "verify/blame.h"
#include "verify/invariants.h"

namespace hcipol::verify {

namespace {

constexpr std::size_t shown_boxes = 4;

void say_which_part(DiagnosticBuilder& report, const Situation& situation,
                    const net::PacketSet& wrong, bool allow) {
  const flow::Naming naming(situation.cluster(), situation.flows());
  bool complete = true;
  const auto boxes = wrong.boxes(shown_boxes, &complete);
  for (const net::Box& box : boxes) {
    report.note(fmt::format("{}: {} -> {} on {}", allow ? "not allowed" : "allowed",
                            naming.text(box.from), naming.text(box.to),
                            net::to_string(box.service)));
  }
  report.note(complete ? "the rest is as expected" : "and more; another part is as expected");
}

}  // namespace

void check_test(Situation& situation, const net::PacketSet& open, const policy::Test& test,
                std::span<const policy::Check> checks, Reporter& reporter) {
  for (const policy::Check& check : checks) {
    const net::PacketSet asked = situation.asked(check);
    if (refuse_empty(asked, check, reporter)) continue;
    const net::PacketSet bad = wrong(check, asked, open);
    if (bad.empty()) continue;
    const Blame found = blame(situation, situation.flows(), check, bad);
    auto report = reporter.report<Diag::test_failed>(check.span, test.sentence,
                                                     finding(found, check, situation.cluster()));
    report.here(check.allow ? "expected to be allowed" : "expected to be denied");
    point_at_rules(report, found, check);
    if (bad == asked) {
      report.note(check.allow ? "none of it is allowed" : "all of it is allowed");
    } else {
      say_which_part(report, situation, bad, check.allow);
    }
  }
}

void Coverage::add(const Situation& situation, std::span<const policy::Check* const> checks) {
  std::vector<net::Box> asked;
  for (const policy::Check* check : checks) {
    for (net::Box& box : flow::boxes(check->flow)) asked.push_back(std::move(box));
  }
  for (const flow::Flow& flow : situation.flows()) {
    // The way to a proxy is the proxy's block, not a rule that anybody wrote.
    const auto& proxies = situation.cluster().proxies;
    const bool way = std::any_of(proxies.begin(), proxies.end(), [&](const policy::Proxy* proxy) {
      return proxy->span == flow.rule->origin.span;
    });
    if (way) continue;
    const auto meant = situation.meant(flow);
    const bool touched = std::any_of(meant.begin(), meant.end(), [&](const net::Box& box) {
      return std::any_of(asked.begin(), asked.end(),
                         [&](const net::Box& question) { return intersects(box, question); });
    });
    bool& entry = touched_[{written_address(*flow.rule), flow.rule->origin.span}];
    entry = entry || touched;
  }
}

std::vector<Coverage::Rule> Coverage::untouched() const {
  std::vector<Rule> out;
  for (const auto& [rule, touched] : touched_) {
    if (!touched) out.push_back(rule);
  }
  return out;
}

}  // namespace hcipol::verify
