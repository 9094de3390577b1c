// Text of people ends up in files that one wrong byte would turn into other rules.
#include "backends/common/text.h"

#include "backends/common/names.h"
#include "support/text.h"

namespace hcipol::backends {

namespace {

/// Whether the sequence that starts at `at` turns the direction of text or hides: U+061C, U+200B to
/// U+200F, U+202A to U+202E, U+2066 to U+2069, U+FEFF.
std::size_t bidi_mark(std::string_view text, std::size_t at) {
  const std::string_view two = text.substr(at, 2);
  const std::string_view three = text.substr(at, 3);
  if (two == "\xd8\x9c") return 2;
  if (three == "\xef\xbb\xbf") return 3;
  if (three.size() < 3 || three[0] != '\xe2') return 0;
  const auto low = static_cast<unsigned char>(three[2]);
  if (three[1] == '\x80' && ((low >= 0x8b && low <= 0x8f) || (low >= 0xaa && low <= 0xae)))
    return 3;
  if (three[1] == '\x81' && low >= 0xa6 && low <= 0xa9) return 3;
  return 0;
}

}  // namespace

std::string readable(std::string_view text, std::size_t bytes) {
  if (printable_ascii_but<>(text)) return std::string(text.substr(0, bytes));
  const std::string line = one_line(text, text.size());
  std::string out;
  for (std::size_t at = 0; at < line.size();) {
    const std::size_t mark = bidi_mark(line, at);
    out += mark == 0 ? line[at] : ' ';
    at += mark == 0 ? 1 : mark;
  }
  return one_line(out, bytes);
}

}  // namespace hcipol::backends
