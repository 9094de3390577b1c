// Text for people: did-you-mean, lists, counting, UTF-8.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hcipol {

/// What an editor may put before the first character of a file in UTF-8.
inline constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

/// Number of Unicode code points; a malformed byte counts as one.
std::size_t code_points(std::string_view utf8);

/// True if every byte sequence of `text` is well-formed UTF-8; otherwise `bad` is the offset of the
/// first byte that is not.
bool valid_utf8(std::string_view text, std::size_t* bad = nullptr);

/// The candidate nearest to `name` (Damerau-Levenshtein, at most a third of its length away and at
/// least one letter in common), or nothing. Ties go to the first candidate in byte order.
std::optional<std::string> did_you_mean(std::string_view name,
                                        std::span<const std::string> candidates);

/// "a", "a and b", "a, b and c".
std::string list_of(std::span<const std::string> items, std::string_view last_word = "and");

/// "a, b"; past `limit` of them "a, b and 12 more".
std::string some_of(std::span<const std::string> items, std::size_t limit);

/// "1 rule", "3 rules"; `many` defaults to `one` + "s".
std::string counted(std::size_t n, std::string_view one, std::string_view many = {});

std::vector<std::string_view> split(std::string_view text, char separator);
std::string_view trim(std::string_view text);

/// ASCII only: names of hosts, protocols and codes.
std::string to_lower(std::string_view text);

/// `text` without control characters (each becomes one blank), cut to at most `bytes` on a UTF-8
/// boundary. For titles and notes that end up in device comments.
std::string one_line(std::string_view text, std::size_t bytes);

/// Whether every character is printable ASCII, a blank included, and none of `others`: such a text
/// is its own form in nearly every format. Megabytes are asked, so eight characters at once.
template <char... others>
bool printable_ascii_but(std::string_view text) {
  constexpr std::size_t width = sizeof(std::uint64_t);
  constexpr std::uint64_t ones = 0x0101010101010101, highs = ones * 0x80;
  std::uint64_t strange = 0;
  const auto look_at = [&](std::uint64_t word) {
    // The high bit of a byte below a blank, of DEL, and of what is not ASCII. A borrow or a carry
    // reaches another byte only out of one that is strange itself.
    strange |= ((word - ones * ' ') | (word + ones) | word) & highs;
    [[maybe_unused]] const auto look_for = [&](std::uint64_t differs) {
      strange |= (differs - ones) & ~differs & highs;
    };
    (look_for(word ^ ones * static_cast<unsigned char>(others)), ...);
  };
  std::size_t at = 0;
  for (std::uint64_t word = 0; at + width <= text.size(); at += width) {
    std::memcpy(&word, text.data() + at, width);
    look_at(word);
  }
  if (at < text.size()) {
    // Filled up with one of those that are asked about.
    std::uint64_t rest = ones * static_cast<unsigned char>(text[at]);
    std::memcpy(&rest, text.data() + at, text.size() - at);
    look_at(rest);
  }
  return strange == 0;
}

/// True if the text holds a control character (line breaks included), a bidirectional or zero-width
/// formatting character, or a line separator of Unicode: what a reader does not see but a parser
/// does.
bool has_control_characters(std::string_view text);

/// Where the first control character of ASCII is that is neither the end of a line nor one of
/// `allowed`, or npos.
std::size_t find_control(std::string_view text, std::string_view allowed);

}  // namespace hcipol
