// From a file to lists of rows; one reader a format.
#pragma once

#include <vector>

#include "importer/findings.h"
#include "importer/table.h"

namespace hcipol::importer {

/// The bytes [begin, end) of the file.
struct Range {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// The lists of a file, whose format is recognised by its content. A file that is none of the
/// formats, or is damaged, is reported.
std::vector<List> read(Findings& findings);

/// Arrays of objects with a key such as "URL", at any depth, or of texts. Typographic quotation
/// marks are mended.
std::vector<List> read_json(Range range, Findings& findings);
/// Whether a text can only be meant as JSON.
bool looks_like_json(std::string_view text);

/// Tables, bullets that are addresses, and fenced blocks that hold JSON or host names. The prose
/// around them is none of ours.
std::vector<List> read_markdown(Findings& findings);
bool looks_like_markdown(std::string_view text);

/// RFC 4180, with `,`, `;` or tabs.
std::vector<List> read_csv(Findings& findings);
bool looks_like_csv(std::string_view text);

/// An address a line; lines that begin with `#` are comments.
List read_lines(Range range, Findings& findings);

/// The lines of a range, without their ends.
std::vector<Range> lines_of(std::string_view text, Range range);

/// The text that JSON makes of typographic quotation marks, byte for byte in the same place.
std::string with_plain_quotes(Range range, Findings& findings);

}  // namespace hcipol::importer
