// Differences of texts by lines, for messages of tests and for tests of what changes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hcipol::test {

struct LineChanges {
  std::vector<std::string> removed;
  std::vector<std::string> added;
};

/// The least changes that lead from one text to the other.
LineChanges line_changes(std::string_view before, std::string_view after);

/// A unified diff with `name` in its head; empty if the texts are equal.
std::string unified_diff(std::string_view expected, std::string_view actual, std::string_view name);

}  // namespace hcipol::test
