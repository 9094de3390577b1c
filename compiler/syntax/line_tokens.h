// The words of a damaged line: enough to see which mistake it is.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace hcipol::syntax {

struct Token {
  enum class Kind { word, literal, string, open_string, symbol };
  Kind kind = Kind::symbol;
  std::string_view text;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;

  bool is(std::string_view expected) const { return text == expected && kind != Kind::string; }
};

/// The tokens of text[begin, end), which holds no line break. Comments are left out.
std::vector<Token> line_tokens(std::string_view text, std::uint32_t begin, std::uint32_t end);

/// True for `allow`, `in`, `true` …: words that mean something wherever a name could stand.
bool is_reserved(std::string_view word);

/// Whether a value may begin or end with this token.
bool starts_operand(const Token& token);
bool ends_operand(const Token& token);

}  // namespace hcipol::syntax
