// Indentation is removed before escapes are resolved, so that a written `\t` is never taken for it.
#include "syntax/templates.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

namespace hcipol::syntax {
namespace {

constexpr std::string_view blanks = " \t\r";

void append_utf8(std::string& out, std::uint32_t c) {
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | c >> 6);
    put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | c >> 12);
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | c >> 18);
    put(0x80 | (c >> 12 & 0x3F));
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  }
}

/// The code point of `u{…}`; nothing if it is none, a surrogate or NUL.
std::optional<std::uint32_t> code_point(std::string_view escape) {
  if (!escape.starts_with("u{") || !escape.ends_with('}')) return std::nullopt;
  const std::string_view digits = escape.substr(2, escape.size() - 3);
  std::uint32_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto [at, error] = std::from_chars(digits.data(), end, value, 16);
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (error != std::errc() || at != end || value == 0 || value > 0x10FFFF || surrogate) {
    return std::nullopt;
  }
  return value;
}

/// What follows a backslash: one character, or `u{…}`.
std::string_view escape_at(std::string_view rest) {
  if (rest.starts_with("u{")) {
    const std::size_t end = rest.find_first_of("}\"\n");
    if (end != rest.npos && rest[end] == '}') return rest.substr(0, end + 1);
  }
  std::size_t size = 1;  // a whole UTF-8 sequence
  while (size < rest.size() && (static_cast<unsigned char>(rest[size]) & 0xC0) == 0x80) ++size;
  return rest.substr(0, size);
}

class Resolver {
 public:
  Resolver(std::string_view source, std::string_view indent, Reporter& reporter)
      : source_(source), indent_(indent), reporter_(reporter) {}

  std::string resolve(Span raw, bool at_line_start) {
    std::string out;
    out.reserve(raw.end - raw.begin);
    std::uint32_t at = at_line_start ? after_indent(raw.begin, raw.end) : raw.begin;
    while (at < raw.end) {
      const char c = source_[at];
      if (c == '\\') {
        at = escape(out, at, raw);
      } else if (c == '\r' && at + 1 < raw.end && source_[at + 1] == '\n') {
        ++at;
      } else {
        out += c;
        ++at;
        if (c == '\n') at = after_indent(at, raw.end);
      }
    }
    return out;
  }

 private:
  std::uint32_t after_indent(std::uint32_t at, std::uint32_t end) const {
    for (const char c : indent_) {
      if (at == end || source_[at] != c) break;
      ++at;
    }
    return at;
  }

  std::uint32_t escape(std::string& out, std::uint32_t at, Span raw) {
    const std::string_view escape = escape_at(source_.substr(at + 1, raw.end - at - 1));
    const std::uint32_t end = at + 1 + static_cast<std::uint32_t>(escape.size());
    if (escape == "n") {
      out += '\n';
    } else if (escape == "t") {
      out += '\t';
    } else if (escape == "\"" || escape == "\\" || escape == "$") {
      out += escape;
    } else if (const auto c = code_point(escape)) {
      append_utf8(out, *c);
    } else {
      bad_escape({raw.file, at, end}, escape);
    }
    return end;
  }

  void bad_escape(Span span, std::string_view escape) {
    auto report = reporter_.report<Diag::bad_escape>(span);
    if (escape.starts_with('u')) {
      report.help(
          "a character by number is written `\\u{e9}`: the hexadecimal number of a character");
    } else if (!escape.empty() && escape.front() != '\r') {
      report.fix({span.file, span.begin, span.begin + 1}, "\\\\")
          .help(fmt::format("for a backslash write two: `\\\\{}`; the escapes are "
                            "\\n \\t \\\" \\\\ \\$ \\u{{…}}",
                            escape));
    }
  }

  std::string_view source_;
  std::string_view indent_;
  Reporter& reporter_;
};

/// Takes the line of the closing quotes off `last` and returns its indentation.
std::string_view take_closing_line(Span& last, std::string_view source) {
  const std::string_view text = source.substr(last.begin, last.end - last.begin);
  const std::size_t newline = text.rfind('\n');
  if (newline == text.npos || text.find_first_not_of(blanks, newline + 1) != text.npos) return {};
  const bool crlf = newline > 0 && text[newline - 1] == '\r';
  last.end = last.begin + static_cast<std::uint32_t>(newline - (crlf ? 1 : 0));
  return text.substr(newline + 1);
}

}  // namespace

std::vector<std::string> resolve_string(const std::vector<Span>& raw, std::string_view source,
                                        Reporter& reporter) {
  Resolver resolver(source, {}, reporter);
  std::vector<std::string> out;
  for (const Span& span : raw) out.push_back(resolver.resolve(span, false));
  return out;
}

std::vector<std::string> resolve_text(const std::vector<Span>& raw, std::string_view source,
                                      Reporter& reporter) {
  std::vector<Span> spans = raw;
  const std::string_view indent = take_closing_line(spans.back(), source);

  Span& first = spans.front();
  const std::size_t content = source.find_first_not_of(blanks, first.begin);
  const bool blank_first_line = content < raw.front().end && source[content] == '\n';
  if (blank_first_line) {
    // With nothing between the quotes, both ends take the same line break.
    first.begin = static_cast<std::uint32_t>(content) + 1;
    first.end = std::max(first.begin, first.end);
  }

  Resolver resolver(source, indent, reporter);
  std::vector<std::string> out;
  for (std::size_t i = 0; i < spans.size(); ++i) {
    out.push_back(resolver.resolve(spans[i], i == 0 && blank_first_line));
  }
  return out;
}

}  // namespace hcipol::syntax
