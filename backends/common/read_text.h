// What readers of line-based files share: lines, words, numbers.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/common/reading.h"

namespace hcipol::backends {

/// Whether there is a control character other than the end of a line.
inline bool has_control(std::string_view text) {
  // Without branches and a way out, and in blocks of one size, the compiler looks at many
  // characters at a time.
  const auto is_control = [](char c) -> unsigned char {
    const auto byte = static_cast<unsigned char>(c);
    return ((byte < 0x20) & (byte != '\n')) | (byte == 0x7f) ? 1 : 0;
  };
  constexpr std::size_t block = 64;
  unsigned char control = 0;
  for (; text.size() >= block; text.remove_prefix(block)) {
    for (std::size_t i = 0; i < block; ++i) control |= is_control(text[i]);
  }
  for (const char c : text) control |= is_control(c);
  return control != 0;
}

/// Calls `take(line, number)` for each line, numbers from 1. Throws Unreadable for a last line
/// without an end and for control characters.
template <class Take>
void for_each_line(std::string_view file, std::string_view text, Take take) {
  if (has_control(text)) throw Unreadable(file, 0, "a control character");
  std::size_t number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    ++number;
    if (end == std::string_view::npos) throw Unreadable(file, number, "the last line has no end");
    const std::string_view line = text.substr(at, end - at);
    take(line, number);
    at = end + 1;
  }
}

/// For messages.
inline std::string quoted(std::string_view text) {
  return "`" + std::string(text) + "`";
}

/// Words between single blanks; two blanks in a row make an empty word.
inline void split_words(std::string_view line, std::vector<std::string_view>& out) {
  out.clear();
  while (true) {
    const std::size_t blank = line.find(' ');
    out.push_back(line.substr(0, blank));
    if (blank == std::string_view::npos) return;
    line.remove_prefix(blank + 1);
  }
}

/// A decimal number without sign or leading zeros, at most `most`.
inline std::optional<std::uint32_t> number_of(std::string_view text, std::uint32_t most) {
  std::uint32_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (!whole || out > most || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  return out;
}

}  // namespace hcipol::backends
