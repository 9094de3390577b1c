// The only file of the tests that includes dtl.
#include "tests/support/line_diff.h"

#include <dtl/dtl.hpp>
#include <sstream>

#include "support/text.h"

namespace hcipol::test {

namespace {

using Diff = dtl::Diff<std::string>;

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> out;
  for (const std::string_view line : split(text, '\n')) out.emplace_back(line);
  return out;
}

Diff compared(std::string_view before, std::string_view after) {
  Diff diff(lines_of(before), lines_of(after));
  diff.onHuge();
  diff.compose();
  return diff;
}

}  // namespace

LineChanges line_changes(std::string_view before, std::string_view after) {
  LineChanges out;
  for (const auto& [line, info] : compared(before, after).getSes().getSequence()) {
    if (info.type == dtl::SES_DELETE) out.removed.push_back(line);
    if (info.type == dtl::SES_ADD) out.added.push_back(line);
  }
  return out;
}

std::string unified_diff(std::string_view expected, std::string_view actual,
                         std::string_view name) {
  if (expected == actual) return {};
  Diff diff = compared(expected, actual);
  diff.composeUnifiedHunks();
  std::ostringstream out;
  out << "--- " << name << " (expected)\n+++ " << name << " (actual)\n";
  diff.printUnifiedFormat(out);
  return out.str();
}

}  // namespace hcipol::test
