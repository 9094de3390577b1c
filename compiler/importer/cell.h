// A piece of a list as it is meant, and where each byte of it stands in the file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "support/span.h"

namespace hcipol::importer {

/// What a format writes in a way of its own (`\*` in Markdown, `\n` in JSON, `""` in CSV) is here
/// what it means; places still are those in the file.
struct Cell {
  FileId file = FileId::no_file;
  std::string text;
  std::vector<std::uint32_t> places;  ///< of each byte of `text`
  std::uint32_t end = 0;              ///< where the last one ends

  Span span() const { return {file, places.empty() ? end : places.front(), end}; }
  Cell part(std::size_t begin, std::size_t size = std::string::npos) const;
  void add(char c, std::uint32_t place, std::uint32_t size);
};

/// The bytes [begin, end) of a file, as they stand.
Cell verbatim(FileId file, std::string_view source, std::size_t begin, std::size_t end);
/// Without blanks, tabs and line ends around it.
Cell trimmed(const Cell& cell);
/// A text for one line: control characters are blanks, and no two blanks stand side by side.
std::string collapsed(std::string_view text);

}  // namespace hcipol::importer
