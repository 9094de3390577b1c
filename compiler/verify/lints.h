// Lints: what is no mistake but looks like one. Each is a warning with a code, can be made an error
// by `--deny`, and hidden at one address by a `waive` block.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "diagnostics/reporter.h"
#include "flow/effective.h"
#include "flow/flow.h"
#include "sema/evaluator.h"
#include "verify/waives.h"

namespace hcipol::verify {

/// What lints must know of a target's device.
struct Device {
  bool host = false;             ///< a firewall on each server
  bool addresses_first = false;  ///< rules by address decide before rules by name
};

struct LintInput {
  const sema::Program& program;
  sema::Evaluator& evaluator;
  const policy::Policy& policy;
  /// By cluster of the policy.
  const std::vector<std::vector<flow::Flow>>& flows;
  const std::vector<flow::Meeting>& meeting;
  /// By target of the policy.
  std::vector<Device> devices;
  /// Texts of the policy's test files, which are read for tests alone: what they name is used.
  std::vector<std::string> test_texts;
};

/// One warning, folded over the clusters in which it is the same.
struct Finding {
  Diagnostic diagnostic;
  /// What it is about: a rule, a feature or a declaration, as `waive` names it in `at`.
  std::string address;
};

struct LintReport {
  std::vector<Finding> findings;  ///< those that no waive hides, in order of code and address
  std::vector<Waive> waives;      ///< in order of place
};

/// A row of the table of lints: what may be waived.
struct Lint {
  Diag id;
  /// A rule of the policy's own is only reported if the lint holds in every cluster that has the
  /// rule: what is needed in one cluster is not idle.
  bool everywhere = false;
  /// Several rules of a feature of the library are one finding: "2 of 7 rules of feature `x`" goes
  /// before this, and `{}` becomes what is said of them. Empty: never of the library.
  std::string_view of_feature;
  std::string_view looks_for;  ///< for lists of lints
};

std::span<const Lint> lints();
const Lint* find_lint(Diag id);

/// Runs every lint and reads every `waive` block. Reports into `reporter` what no waive hides, and
/// what is wrong with the waives.
LintReport lint(const LintInput& input, Reporter& reporter);

}  // namespace hcipol::verify
