// The table of lints, and the order in which they run: cluster by cluster, each with packet sets of
// its own.
#include "verify/lints.h"

#include <algorithm>
#include <array>

#include "flow/too_complex.h"
#include "verify/lints_passes.h"

namespace hcipol::verify {

namespace {

constexpr std::array table{
    Lint{Diag::unused, false, "",
         "roles, variables, locals, endpoints and parameters that nothing mentions"},
    Lint{Diag::covered, true, "are covered by {}",
         "a rule that another, or several together, make superfluous"},
    Lint{Diag::never_applies, true, "never apply: {}",
         "an allow that is denied altogether, or that no packet can match"},
    Lint{Diag::deny_without_effect, true, "", "a deny of what nothing allows"},
    Lint{Diag::any_to_any, false, "are open from any peer to any peer",
         "a rule from any peer to any peer"},
    Lint{Diag::wide_ports, false, "open {}", "a rule that opens more than 1,000 ports"},
    Lint{Diag::from_internet, false, "let the Internet reach {}",
         "public addresses that may reach servers"},
    Lint{Diag::broad_wildcard, false, "", "a wildcard that takes in a documented name"},
    Lint{Diag::update_without_http, false, "", "Microsoft Update whose tcp/80 is denied"},
    Lint{Diag::exception_ends_soon, false, "", "an exception that ends within 14 days"},
    Lint{Diag::seen_by_no_target, true, "are seen by no target",
         "a rule that no `target` block sees"},
    Lint{Diag::dead_name_rules, false, "decide before rules with names on Azure Firewall",
         "a rule by address that Azure Firewall reads before rules with names"},
};

// Two lints that say the same: the one that names the wildcard says more.
void drop_repetitions(const Subject& subject, std::vector<Hit>& hits) {
  std::vector<bool> broad(subject.rules.size());
  for (const Hit& hit : hits) {
    if (hit.lint == Diag::broad_wildcard) broad[hit.rule] = true;
  }
  std::erase_if(hits, [&](const Hit& hit) {
    return hit.lint == Diag::covered &&
           subject.rules[hit.rule].owner == WrittenRule::Owner::library &&
           std::all_of(hit.others.begin(), hit.others.end(),
                       [&](std::size_t other) { return broad[other]; });
  });
}

void report(const Finding& finding, Reporter& reporter) {
  const Diagnostic& d = finding.diagnostic;
  DiagnosticBuilder report = reporter.add(d.id, d.span, d.message);
  for (const Label& label : d.labels) report.label(label.span, label.text);
  for (const std::string& note : d.notes) report.note(note);
  if (!d.help.empty()) report.help(d.help);
}

}  // namespace

std::span<const Lint> lints() {
  return table;
}

const Lint* find_lint(Diag id) {
  const auto found =
      std::find_if(table.begin(), table.end(), [&](const Lint& lint) { return lint.id == id; });
  return found == table.end() ? nullptr : &*found;
}

LintReport lint(const LintInput& input, Reporter& reporter) {
  const Places places(input.program);
  Waives waives(input.program, input.evaluator, input.policy.as_of, reporter);
  Findings findings(input, places, waives);
  for (std::size_t i = 0; i < input.policy.clusters.size(); ++i) {
    const Subject subject(input, places, i);
    std::vector<Hit> hits;
    try {
      find_idle_rules(subject, hits);
    } catch (const net::NodeLimitExceeded&) {
      flow::report_too_complex(subject.cluster, reporter);
    }
    find_wide_rules(subject, hits);
    find_broad_wildcards(subject, hits);
    find_rules_lost_on_devices(subject, hits);
    find_update_without_http(subject, hits, findings);
    drop_repetitions(subject, hits);
    findings.add(subject, std::move(hits));
  }
  find_ending_exceptions(input, findings);
  find_unused(input, findings);

  LintReport out{findings.take(), {}};
  for (const Finding& finding : out.findings) report(finding, reporter);
  out.waives = waives.finish(reporter);
  return out;
}

}  // namespace hcipol::verify
