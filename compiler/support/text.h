// Text for people: did-you-mean, lists, counting, UTF-8.
#pragma once

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

/// True if the text holds a control character (line breaks included), a bidirectional or zero-width
/// formatting character, or a line separator of Unicode: what a reader does not see but a parser
/// does.
bool has_control_characters(std::string_view text);

}  // namespace hcipol
