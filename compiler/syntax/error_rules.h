// The table of mistakes that we know by sight.
#pragma once

#include <cstddef>
#include <vector>

#include "diagnostics/reporter.h"
#include "syntax/line_tokens.h"
#include "syntax/tree.h"

namespace hcipol::syntax {

/// A damaged place with the line it is on.
struct Damage {
  FileId file = FileId::no_file;
  std::string_view text;      ///< of the whole file
  std::vector<Token> tokens;  ///< of the line
  std::size_t head = 0;       ///< where the item on this line begins
  std::size_t end = 0;        ///< where the item ends: at its `{`, at a `}` or with the line
  std::size_t at = 0;         ///< the first token that is damaged; tokens.size() if there is none
  Kind parent = Kind::other;  ///< of the damaged node
  Span span;                  ///< of the damaged node

  bool has(std::size_t i) const { return i < end; }
  const Token& operator[](std::size_t i) const { return tokens[i]; }
  Span place(std::size_t i) const { return {file, tokens[i].begin, tokens[i].end}; }
  Span place(std::size_t first, std::size_t last) const {
    return {file, tokens[first].begin, tokens[last].end};
  }
  /// Just behind a token.
  Span after(std::size_t i) const { return {file, tokens[i].end, tokens[i].end}; }
};

/// Reports the mistake that this is, or returns false. With `whole_line` only what is wrong
/// wherever it stands is looked for: the damage may begin on an earlier line.
bool report_known_mistake(const Damage& damage, bool whole_line, Reporter& reporter);

/// The same for the line before the damage: only whether something is missing at its end.
bool report_unfinished_line(const Damage& damage, Reporter& reporter);

}  // namespace hcipol::syntax
