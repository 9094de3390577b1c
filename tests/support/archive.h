// Several files in one text, as Go's txtar has it: a head, then `-- name --` lines with a file
// below each.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hcipol::test {

struct Section {
  std::string name;
  std::string text;
};

struct Archive {
  std::vector<std::string> head;  ///< lines, without their ends
  std::vector<Section> sections;

  const Section* find(std::string_view name) const;
};

/// A text that does not end in a line break has the line `\ no newline at the end` below it.
Archive parse_archive(std::string_view text);
std::string to_string(const Archive& archive);

}  // namespace hcipol::test
