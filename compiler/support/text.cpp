// Small algorithms on text; nothing here depends on locale.
#include "support/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace hcipol {

namespace {

// Length of the well-formed sequence at `at`, or 0. The ranges are those of Unicode table 3-7.
std::size_t sequence_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const unsigned lead = byte(at);
  if (lead < 0x80) return 1;
  const auto tail = [&](std::size_t i) { return (byte(i) & 0xc0u) == 0x80u; };
  if (lead >= 0xc2 && lead <= 0xdf) return tail(at + 1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    const unsigned second = byte(at + 1);
    const unsigned low = lead == 0xe0 ? 0xa0u : 0x80u;
    const unsigned high = lead == 0xed ? 0x9fu : 0xbfu;
    return second >= low && second <= high && tail(at + 2) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const unsigned second = byte(at + 1);
    const unsigned low = lead == 0xf0 ? 0x90u : 0x80u;
    const unsigned high = lead == 0xf4 ? 0x8fu : 0xbfu;
    return second >= low && second <= high && tail(at + 2) && tail(at + 3) ? 4 : 0;
  }
  return 0;
}

// Optimal string alignment distance, given up once it exceeds `limit`.
std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t limit) {
  const std::size_t gap = a.size() > b.size() ? a.size() - b.size() : b.size() - a.size();
  if (gap > limit) return limit + 1;
  std::vector<std::size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) above[j] = j;

  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substitute = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, substitute});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(above);
    above.swap(row);
  }
  return above[b.size()];
}

}  // namespace

std::size_t code_points(std::string_view utf8) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < utf8.size(); ++count) {
    at += std::max<std::size_t>(1, sequence_length(utf8, at));
  }
  return count;
}

bool valid_utf8(std::string_view text, std::size_t* bad) {
  constexpr std::uint64_t highs = 0x8080808080808080;
  for (std::size_t at = 0; at < text.size();) {
    // Nearly all that is read is ASCII, so eight characters at once.
    std::uint64_t word = highs;
    if (at + sizeof word <= text.size()) std::memcpy(&word, text.data() + at, sizeof word);
    if ((word & highs) == 0) {
      at += sizeof word;
      continue;
    }
    const std::size_t length = sequence_length(text, at);
    if (length == 0) {
      if (bad != nullptr) *bad = at;
      return false;
    }
    at += length;
  }
  return true;
}

std::optional<std::string> did_you_mean(std::string_view name,
                                        std::span<const std::string> candidates) {
  if (name.empty() || name.size() > 200) return std::nullopt;
  const std::string wanted = to_lower(name);
  const std::size_t limit = std::max<std::size_t>(1, wanted.size() / 3);
  const std::string* best = nullptr;
  std::size_t best_distance = limit + 1;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(wanted, to_lower(candidate), limit);
    // Two single letters are always one edit apart; that is no resemblance.
    if (distance >= std::max(wanted.size(), candidate.size())) continue;
    const bool better = distance < best_distance ||
                        (distance == best_distance && best != nullptr && candidate < *best);
    if (!better) continue;
    best = &candidate;
    best_distance = distance;
  }
  return best == nullptr ? std::nullopt : std::optional(*best);
}

std::string list_of(std::span<const std::string> items, std::string_view last_word) {
  std::string out;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out += i + 1 == items.size() ? fmt::format(" {} ", last_word) : ", ";
    out += items[i];
  }
  return out;
}

std::string some_of(std::span<const std::string> items, std::size_t limit) {
  if (items.size() <= limit) return fmt::format("{}", fmt::join(items, ", "));
  const auto end = items.begin() + static_cast<std::ptrdiff_t>(limit);
  return fmt::format("{} and {} more", fmt::join(items.begin(), end, ", "), items.size() - limit);
}

std::string counted(std::size_t n, std::string_view one, std::string_view many) {
  if (n == 1) return fmt::format("1 {}", one);
  return many.empty() ? fmt::format("{} {}s", n, one) : fmt::format("{} {}", n, many);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

std::string to_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

namespace {

// U+0085, U+2028 and U+2029 end a line for some readers; U+200B … U+200F, U+202A … U+202E, U+2060 …
// U+2069 and U+FEFF are invisible and some of them turn the text around.
bool unseen(std::string_view sequence) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(sequence[i]); };
  if (sequence.size() == 1) return byte(0) < 0x20 || byte(0) == 0x7f;
  if (sequence.size() == 2) return byte(0) == 0xc2 && byte(1) < 0xa0;
  if (sequence.size() != 3) return false;
  if (byte(0) == 0xef) return byte(1) == 0xbb && byte(2) == 0xbf;
  if (byte(0) != 0xe2) return false;
  if (byte(1) == 0x80)
    return (byte(2) >= 0x8b && byte(2) <= 0x8f) || (byte(2) >= 0xa8 && byte(2) <= 0xae);
  return byte(1) == 0x81 && byte(2) >= 0xa0 && byte(2) <= 0xa9;
}

}  // namespace

bool has_control_characters(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = std::max<std::size_t>(1, sequence_length(text, at));
    if (unseen(text.substr(at, length))) return true;
    at += length;
  }
  return false;
}

// Lines of nothing but printable ASCII, as nearly all are, are passed over at once.
std::size_t find_control(std::string_view text, std::string_view allowed) {
  const auto strange = [&](char c) {
    const bool control = (c >= 0 && c < 0x20) || c == 0x7f;
    return control && allowed.find(c) == std::string_view::npos;
  };
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = text.substr(begin, end - begin);
    if (!printable_ascii_but<>(line)) {
      const auto at = std::find_if(line.begin(), line.end(), strange);
      if (at != line.end()) return begin + static_cast<std::size_t>(at - line.begin());
    }
    begin = end + 1;
  }
  return std::string_view::npos;
}

std::string one_line(std::string_view text, std::size_t bytes) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = sequence_length(text, at);
    const std::string_view sequence = text.substr(at, std::max<std::size_t>(1, length));
    const std::string_view piece = length > 0 && !unseen(sequence) ? sequence : " ";
    if (out.size() + piece.size() > bytes) break;
    out += piece;
    at += sequence.size();
  }
  return out;
}

}  // namespace hcipol
