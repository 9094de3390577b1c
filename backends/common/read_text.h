// What readers of line-based files share: lines, words, numbers.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/common/reading.h"
#include "support/text.h"

namespace hcipol::backends {

/// Calls `take(line, number)` for each line, numbers from 1. Throws Unreadable for a last line
/// without an end and for control characters.
template <class Take>
void for_each_line(std::string_view file, std::string_view text, Take take) {
  if (find_control(text, "") != std::string_view::npos)
    throw Unreadable(file, 0, "a control character");
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
