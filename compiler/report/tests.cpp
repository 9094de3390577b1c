// Without times: the same policy gives the same bytes.
#include "report/tests.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <sstream>

#include <nlohmann/json.hpp>
#include <pugixml.hpp>

#include "support/text.h"

namespace hcipol::report {

namespace {

using Json = nlohmann::ordered_json;

std::size_t failed(const std::vector<TestResult>& results) {
  return static_cast<std::size_t>(std::count_if(
      results.begin(), results.end(), [](const TestResult& result) { return !result.passed(); }));
}

std::string coverage_text(const TestCoverage& coverage) {
  const std::size_t touched = coverage.rules - coverage.untouched.size();
  const std::size_t percent = coverage.rules == 0 ? 100 : touched * 100 / coverage.rules;
  std::string out = fmt::format("\ncoverage: {} of {} ({} %)\n", touched,
                                counted(coverage.rules, "rule"), percent);
  std::size_t widest = 0;
  for (const UntouchedRule& rule : coverage.untouched) {
    widest = std::max(widest, rule.address.size());
  }
  for (const UntouchedRule& rule : coverage.untouched) {
    out += fmt::format("  no test touches {:<{}}  {}:{}\n", rule.address, widest, rule.file,
                       rule.line);
  }
  return out;
}

void set_counts(pugi::xml_node node, std::size_t tests, std::size_t failures) {
  node.append_attribute("tests") = static_cast<unsigned long long>(tests);
  node.append_attribute("failures") = static_cast<unsigned long long>(failures);
}

}  // namespace

std::string tests_text(const std::vector<TestResult>& results,
                       const std::optional<TestCoverage>& coverage) {
  std::string out;
  for (const TestResult& result : results) {
    out += fmt::format("{}  {}\n", result.passed() ? "ok    " : "FAILED", result.sentence);
  }
  if (coverage) out += coverage_text(*coverage);
  const std::size_t bad = failed(results);
  out += fmt::format("\n{} passed", counted(results.size() - bad, "test"));
  return out + (bad == 0 ? "\n" : fmt::format(", {} failed\n", bad));
}

std::string tests_junit(const std::vector<TestResult>& results) {
  std::map<std::string, std::vector<TestResult>> by_file;
  for (const TestResult& result : results) by_file[result.file].push_back(result);
  pugi::xml_document document;
  pugi::xml_node head = document.append_child(pugi::node_declaration);
  head.append_attribute("version") = "1.0";
  head.append_attribute("encoding") = "UTF-8";
  pugi::xml_node all = document.append_child("testsuites");
  set_counts(all, results.size(), failed(results));
  for (const auto& [file, tests] : by_file) {
    pugi::xml_node suite = all.append_child("testsuite");
    suite.append_attribute("name") = file.c_str();
    set_counts(suite, tests.size(), failed(tests));
    for (const TestResult& test : tests) {
      pugi::xml_node element = suite.append_child("testcase");
      element.append_attribute("classname") = file.c_str();
      element.append_attribute("name") = test.sentence.c_str();
      element.append_attribute("file") = file.c_str();
      element.append_attribute("line") = test.line;
      if (test.passed()) continue;
      pugi::xml_node failure = element.append_child("failure");
      failure.append_attribute("message") = test.failures.front().c_str();
      failure.text() = fmt::format("{}", fmt::join(test.failures, "\n")).c_str();
    }
  }
  std::ostringstream out;
  document.save(out, "  ");
  return out.str();
}

std::string tests_json(const std::vector<TestResult>& results,
                       const std::optional<TestCoverage>& coverage) {
  const std::size_t bad = failed(results);
  Json out{{"version", 1}, {"passed", results.size() - bad}, {"failed", bad}};
  out["tests"] = Json::array();
  for (const TestResult& result : results) {
    out["tests"].push_back({{"test", result.sentence},
                            {"file", result.file},
                            {"line", result.line},
                            {"passed", result.passed()},
                            {"failures", result.failures}});
  }
  if (coverage) {
    Json untouched = Json::array();
    for (const UntouchedRule& rule : coverage->untouched) {
      untouched.push_back({{"rule", rule.address}, {"file", rule.file}, {"line", rule.line}});
    }
    out["coverage"] = {{"rules", coverage->rules},
                       {"touched", coverage->rules - coverage->untouched.size()},
                       {"untouched", std::move(untouched)}};
  }
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace hcipol::report
