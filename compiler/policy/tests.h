// `test` blocks: under which conditions a policy is read, and what is expected of it then.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "policy/build.h"

namespace hcipol::policy {

/// A test as far as it can be read before the policy is.
struct Test {
  std::string sentence;  ///< one line
  Span span;
  const syntax::Block* block = nullptr;
  std::string cluster;  ///< "" if the test names none and the policy has several
  std::optional<Date> as_of;
  const syntax::Expr* given = nullptr;  ///< an object; null without one
  std::string fails_with;               ///< the code of an error; "" for a test with `expect`s
};

/// The tests of the policy, in order of file and place. `evaluator` needs to know no cluster.
std::vector<Test> read_tests(const sema::Program& program, sema::Evaluator& evaluator,
                             Reporter& reporter);

/// What a test expects of a policy whose clusters and features have been read.
std::vector<Check> read_expectations(BuildContext& context, const Test& test);

}  // namespace hcipol::policy
