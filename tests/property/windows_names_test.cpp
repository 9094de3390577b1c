// Every script of every example and of random policies: no two of its rules look alike in Windows'
// consoles.
#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>

#include "support/text.h"
#include "tests/support/emitted.h"
#include "tests/support/many_rules.h"
#include "tests/support/random_policy.h"

namespace hcipol {
namespace {

/// How often a display name stands in a script, whatever its case.
std::map<std::string, unsigned> display_names(const std::string& script) {
  std::map<std::string, unsigned> out;
  const std::string start = "\n        DisplayName   = '";
  for (std::size_t at = script.find(start); at != std::string::npos; at = script.find(start, at)) {
    at += start.size();
    ++out[to_lower(script.substr(at, script.find('\n', at) - at))];
  }
  return out;
}

/// The number of rules looked at.
unsigned expect_unlike(std::map<std::string, std::string> files, const std::string& folder,
                       const std::string& what) {
  test::EmittedPolicy policy(std::move(files), folder, "windows-firewall");
  unsigned rules = 0;
  for (const test::Emitted& one : policy.devices()) {
    if (one.refused) continue;
    for (const auto& artefact : one.emission.artefacts) {
      for (const auto& [name, count] : display_names(artefact.text)) {
        EXPECT_EQ(count, 1u) << one.name << ", " << artefact.path << ": " << name << "\n" << what;
        ++rules;
      }
    }
  }
  return rules;
}

TEST(WindowsDisplayNames, OfExamplesAreUnique) {
  for (const std::string& name : test::example_names()) {
    EXPECT_GT(expect_unlike(test::example_files(name), "examples/" + name, name), 0u) << name;
  }
}

const std::string windows_targets = R"(
target "windows-firewall" {}
target "windows-firewall" "names" { names = "dynamic-keywords" }
target "windows-firewall" "builtin" { builtin = true }
target "windows-firewall" "one-way" { sees = servers -> any }
)";

TEST(WindowsDisplayNames, OfRandomPoliciesAreUnique) {
  std::mt19937 random(1);
  unsigned rules = 0;
  for (unsigned i = 0; i < (test::sanitized ? 100u : 500u) && !testing::Test::HasFailure(); ++i) {
    const std::string text = test::random_policy(random, 3 + i % 10).text() + windows_targets;
    rules += expect_unlike({{"main.hcipol", text}}, ".", text);
  }
  EXPECT_GT(rules, test::sanitized ? 500u : 2500u);
}

TEST(WindowsDisplayNames, OfManyRulesAreUnique) {
  std::mt19937 random(2);
  for (const unsigned count : {60u, 250u, test::sanitized ? 100u : 700u}) {
    const std::string text = test::many_rules(random, count) + windows_targets;
    EXPECT_GT(expect_unlike({{"main.hcipol", text}}, ".", std::to_string(count)), count / 2);
  }
}

}  // namespace
}  // namespace hcipol
