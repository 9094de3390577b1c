// `hcipolc test`: runs the `test` blocks beside a policy. The policy is read once and analysed once
// for each combination of `as_of` and `given`.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include <re2/re2.h>

#include "driver/commands.h"
#include "flow/too_complex.h"
#include "policy/tests.h"
#include "report/tests.h"
#include "support/text.h"
#include "verify/expectations.h"

namespace hcipol::driver {

namespace {

class TestRunner {
 public:
  TestRunner(const Options& options, Environment& environment)
      : options_(options), environment_(environment) {}

  int run() {
    if (load(options_, environment_, base_, true) && choose()) {
      for (const auto& [conditions, tests] : by_conditions()) run_under_same(tests);
      write_junit();
    }
    const int code = finish(options_, environment_, base_.reporter, base_.sources);
    if (!results_.empty() && !options_.quiet) environment_.out(answer());
    return code;
  }

 private:
  using Tests = std::vector<std::size_t>;  ///< indices into tests_

  // The tests that `--run` names; false if there is nothing to run.
  bool choose() {
    sema::Evaluator evaluator(
        sema::EvaluationInput{&*base_.program, &base_.policy.sets, &base_.sources,
                              environment_.files, options_.variables, nullptr},
        base_.reporter);
    tests_ = policy::read_tests(*base_.program, evaluator, base_.reporter);
    if (base_.reporter.has_errors()) return false;
    if (tests_.empty()) {
      base_.reporter
          .report<Diag::bad_command_line>(Span{}, fmt::format("`{}` has no tests", options_.path))
          .help("`test` blocks stand in `*.test.hcipol` files beside the policy");
      return false;
    }
    const RE2 pattern(options_.run, RE2::Quiet);
    if (!pattern.ok()) {
      base_.reporter.report<Diag::bad_command_line>(
          Span{}, fmt::format("`--run` takes a regular expression: {}", pattern.error()));
      return false;
    }
    std::erase_if(tests_, [&](const policy::Test& test) {
      return !RE2::PartialMatch(test.sentence, pattern);
    });
    if (tests_.empty()) {
      base_.reporter.report<Diag::bad_command_line>(
          Span{}, fmt::format("no test matches `{}`", one_line(options_.run, 80)));
      return false;
    }
    for (const policy::Test& test : tests_) {
      const SourceFile& file = base_.sources.file(test.span.file);
      const auto place = base_.sources.line_column(test.span.file, test.span.begin);
      results_.push_back({test.sentence, file.path, place.line, {}});
    }
    return true;
  }

  std::map<std::pair<std::string, std::string>, Tests> by_conditions() const {
    std::map<std::pair<std::string, std::string>, Tests> out;
    for (std::size_t i = 0; i < tests_.size(); ++i) {
      const policy::Test& test = tests_[i];
      const std::string as_of = test.as_of ? to_string(*test.as_of) : "";
      const std::string given(test.given ? base_.sources.text(test.given->span) : "");
      out[{as_of, given}].push_back(i);
    }
    return out;
  }

  void run_under_same(const Tests& tests) {
    Options options = options_;
    const policy::Test& first = tests_[tests.front()];
    if (first.as_of) options.as_of = first.as_of;
    Compilation c;
    c.sources = std::move(base_.sources);
    c.program = std::move(base_.program);
    c.lock = base_.lock;
    bool good = analyse(options, {}, environment_, c, first.given);
    const bool wants_error = std::any_of(
        tests.begin(), tests.end(), [&](std::size_t i) { return !tests_[i].fails_with.empty(); });
    if (good && wants_error) {
      emit(c, [](const auto&...) {});
      good = !c.reporter.has_errors();
    }
    for (const std::size_t i : tests) {
      if (!tests_[i].fails_with.empty()) expect_error(i, c);
    }
    if (good) {
      run_checks(tests, c);
    } else {
      fail_all(tests, c);
    }
    base_.sources = std::move(c.sources);
    base_.program = std::move(c.program);
  }

  // ---- tests that expect an error

  void expect_error(std::size_t index, const Compilation& c) {
    const policy::Test& test = tests_[index];
    std::set<std::string_view> codes;
    std::vector<Diagnostic> errors = c.reporter.sorted();
    std::erase_if(errors, [](const Diagnostic& d) { return d.severity != Severity::Error; });
    for (const Diagnostic& error : errors) codes.insert(entry(error.id).code);
    if (codes == std::set<std::string_view>{test.fails_with}) return;
    Reporter reporter;
    const auto* attribute = sema::find_attribute(test.block->items, "fails_with");
    auto report = reporter.report<Diag::test_failed>(
        attribute->value->span, test.sentence,
        errors.empty() ? "the policy has no error" : "the policy has another error");
    report.here("expected to be the only error");
    for (const Diagnostic& error : errors) {
      if (entry(error.id).code != test.fails_with) {
        report.note(fmt::format("{}: {}", entry(error.id).code, error.message));
      }
    }
    keep(index, std::move(reporter));
  }

  // The policy's own errors are shown as they are, and each test says that they are why it failed.
  void fail_all(const Tests& tests, Compilation& c) {
    bool any = false;
    for (const std::size_t i : tests) {
      const policy::Test& test = tests_[i];
      if (!test.fails_with.empty()) continue;
      any = true;
      Reporter reporter;
      const bool conditions = test.as_of || test.given != nullptr;
      reporter.report<Diag::test_failed>(
          test.span, test.sentence,
          fmt::format("the policy has errors{}", conditions ? " under its conditions" : ""));
      keep(i, std::move(reporter));
    }
    if (any) base_.reporter.append(std::move(c.reporter));
  }

  // ---- tests that expect flows

  void run_checks(const Tests& tests, Compilation& c) {
    std::vector<std::pair<std::size_t, std::vector<policy::Check>>> asked;
    std::set<std::size_t> clusters;
    policy::BuildContext context = c.context();
    for (const std::size_t i : tests) {
      if (!tests_[i].fails_with.empty()) continue;
      c.reporter = Reporter();
      asked.emplace_back(i, policy::read_expectations(context, tests_[i]));
      for (const policy::Check& check : asked.back().second) clusters.insert(check.cluster);
      if (c.reporter.has_errors()) keep(i, std::move(c.reporter));
    }
    for (const std::size_t cluster : clusters) run_on_cluster(cluster, asked, c);
  }

  void run_on_cluster(std::size_t index,
                      const std::vector<std::pair<std::size_t, std::vector<policy::Check>>>& asked,
                      Compilation& c) {
    std::vector<const policy::Check*> all;
    for (const auto& [test, checks] : asked) {
      for (const policy::Check& check : checks) {
        if (check.cluster == index) all.push_back(&check);
      }
    }
    const policy::Cluster& cluster = c.policy.clusters[index];
    try {
      verify::Situation situation(cluster, c.flows[index], all);
      const net::PacketSet open = situation.open(c.flows[index]);
      for (const auto& [test, checks] : asked) {
        if (checks.empty() || checks.front().cluster != index) continue;
        Reporter reporter;
        verify::check_test(situation, open, tests_[test], checks, reporter);
        if (reporter.has_errors()) keep(test, std::move(reporter));
      }
      if (options_.coverage) coverage_.add(situation, all);
    } catch (const net::NodeLimitExceeded&) {
      flow::report_too_complex(cluster, base_.reporter);
    }
  }

  void keep(std::size_t test, Reporter&& reporter) {
    for (const Diagnostic& d : reporter.sorted()) {
      if (d.severity == Severity::Error) results_[test].failures.push_back(d.message);
    }
    base_.reporter.append(std::move(reporter));
  }

  // ---- what comes out

  std::optional<report::TestCoverage> coverage() const {
    if (!options_.coverage) return std::nullopt;
    report::TestCoverage out{coverage_.rules(), {}};
    for (const verify::Coverage::Rule& rule : coverage_.untouched()) {
      out.untouched.push_back({rule.address, base_.sources.file(rule.span.file).path,
                               base_.sources.line_of(rule.span.file, rule.span.begin)});
    }
    return out;
  }

  std::string answer() const {
    return options_.json ? report::tests_json(results_, coverage())
                         : report::tests_text(results_, coverage());
  }

  void write_junit() {
    if (options_.junit.empty()) return;
    write_file(options_.junit, report::tests_junit(results_), environment_, base_.reporter);
  }

  const Options& options_;
  Environment& environment_;
  /// Owns the texts and the program between the runs.
  Compilation base_;
  std::vector<policy::Test> tests_;
  std::vector<report::TestResult> results_;  ///< of tests_, in the same order
  verify::Coverage coverage_;
};

}  // namespace

int run_test(const Options& options, Environment& environment) {
  return TestRunner(options, environment).run();
}

}  // namespace hcipol::driver
