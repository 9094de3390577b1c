// Which bracket closes which, without a parser: for files too large or too damaged to ask
// tree-sitter.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace hcipol::syntax {

/// Walks over a text once and keeps the brackets and quotes that are open. It knows strings, `${…}`
/// and comments, so what it says about a file without errors is exact.
class Scanner {
 public:
  /// `what` is `{`, `[`, `(`, `"` (a string), `t` (a `"""` text) or `$` (a `${`).
  struct Opener {
    char what = '{';
    std::uint32_t at = 0;
  };

  explicit Scanner(std::string_view text) : text_(text) {}

  /// Moves over a bracket, a quote, a comment, a piece of a string, or a run of blanks or of
  /// anything else; false at the end of the text.
  bool step();

  std::uint32_t position() const { return at_; }
  const std::vector<Opener>& open() const { return open_; }
  /// The pair that the last step closed, if it closed one: `closed().at` is the opener.
  bool closed_one() const { return closed_one_; }
  Opener closed() const { return closed_; }

 private:
  void step_in_quotes(char quotes);
  void step_in_code();
  void close(char opener);
  void open(char what, std::uint32_t size);
  char top() const { return open_.empty() ? '\0' : open_.back().what; }

  std::string_view text_;
  std::uint32_t at_ = 0;
  std::vector<Opener> open_;
  bool closed_one_ = false;
  Opener closed_;
};

}  // namespace hcipol::syntax
