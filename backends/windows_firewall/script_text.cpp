// UTF-8 is decoded by hand here because all text was checked when it was read (E0101 otherwise).
#include "backends/windows_firewall/script_text.h"

#include <fmt/format.h>

#include <cstdint>
#include <iterator>

#include "backends/common/names.h"
#include "support/bug.h"
#include "support/text.h"

namespace hcipol::backends::windows_firewall {

namespace {

// The code point at `at`, which is moved past it. one_line() has replaced what is malformed.
std::uint32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto lead = static_cast<unsigned char>(text[at++]);
  if (lead < 0x80) return lead;
  const unsigned tails = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
  std::uint32_t point = lead & (0x3fu >> tails);
  for (unsigned i = 0; i < tails && at < text.size(); ++i) {
    point = (point << 6) | (static_cast<unsigned char>(text[at++]) & 0x3fu);
  }
  return point;
}

}  // namespace

std::string plain(std::string_view text, std::size_t characters) {
  // As long as each byte is a character, the first of them are what is left.
  const std::string_view first = text.substr(0, characters);
  if (printable_ascii_but<'|'>(first)) return std::string(trim(first));
  const std::string line = one_line(text, text.size());
  std::string out;
  for (std::size_t at = 0, count = 0; at < line.size() && count < characters;) {
    const std::size_t begin = at;
    const std::uint32_t point = next_code_point(line, at);
    if (point == '|') {
      out += '/';
    } else {
      out.append(line, begin, at - begin);
    }
    ++count;
  }
  return std::string(trim(out));
}

std::string escaped(std::string text) {
  const bool as_it_is = printable_ascii_but<'\\'>(text);
  if (as_it_is) return text;
  std::string out;
  auto end = std::back_inserter(out);
  for (std::size_t at = 0; at < text.size();) {
    const std::uint32_t point = next_code_point(text, at);
    if (point == '\\') {
      out += "\\\\";
    } else if (point < 0x80) {
      out += static_cast<char>(point);
    } else if (point < 0x10000) {
      fmt::format_to(end, "\\u{:04X}", point);
    } else {
      const std::uint32_t rest = point - 0x10000;
      fmt::format_to(end, "\\u{:04X}\\u{:04X}", 0xd800 + (rest >> 10), 0xdc00 + (rest & 0x3ff));
    }
  }
  return out;
}

void append_quoted(std::string& out, std::string_view ascii) {
  out += '\'';
  append_between_quotes(out, ascii);
  out += '\'';
}

void append_between_quotes(std::string& out, std::string_view ascii) {
  if (printable_ascii_but<'\''>(ascii)) {
    out += ascii;
    return;
  }
  if (!printable_ascii_but<>(ascii)) bug("text for a PowerShell script is not printable ASCII");
  std::size_t at = 0;
  for (std::size_t quote = 0; (quote = ascii.find('\'', at)) != std::string_view::npos;) {
    out += ascii.substr(at, quote - at);
    out += "''";
    at = quote + 1;
  }
  out += ascii.substr(at);
}

}  // namespace hcipol::backends::windows_firewall
