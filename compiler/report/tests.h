// The outcome of tests: lines for people, JUnit's XML for a CI, JSON.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace hcipol::report {

struct TestResult {
  std::string sentence;
  std::string file;
  unsigned line = 1;                  ///< from 1
  std::vector<std::string> failures;  ///< messages; none if the test passed

  bool passed() const { return failures.empty(); }
};

struct UntouchedRule {
  std::string address;
  std::string file;
  unsigned line = 1;
};

struct TestCoverage {
  std::size_t rules = 0;  ///< of the clusters that tests ran on
  std::vector<UntouchedRule> untouched;
};

/// "ok      sentence" or "FAILED  sentence" for each test, then the coverage, then how many passed.
std::string tests_text(const std::vector<TestResult>& results,
                       const std::optional<TestCoverage>& coverage);
/// <testsuites> with one <testsuite> for each file.
std::string tests_junit(const std::vector<TestResult>& results);
/// {"version": 1, "passed": 2, "failed": 1, "tests": [{test, file, line, passed, failures}],
/// "coverage": {rules, touched, untouched: [{rule, file, line}]}}.
std::string tests_json(const std::vector<TestResult>& results,
                       const std::optional<TestCoverage>& coverage);

}  // namespace hcipol::report
