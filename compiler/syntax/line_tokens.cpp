// Lenient like the grammar, and lenient about mistakes on top: `445/tcp` and `std/hci/21h2` are one
// token.
#include "syntax/line_tokens.h"

#include <algorithm>
#include <array>

namespace hcipol::syntax {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

constexpr std::array<std::string_view, 17> symbols{"<->", "-->", "==>", "<=>", "->", "=>",
                                                   "<-",  "<=",  ">=",  "==",  "!=", "&&",
                                                   "||",  "//",  "/*",  "<<",  "<>"};

std::size_t code_point_size(std::string_view rest) {
  std::size_t size = 1;
  while (size < rest.size() && (static_cast<unsigned char>(rest[size]) & 0xC0) == 0x80) ++size;
  return size;
}

/// An IPv6 address has at least two colons.
std::size_t v6_size(std::string_view rest) {
  std::size_t size = 0;
  while (size < rest.size() && (is_hex(rest[size]) || rest[size] == ':')) ++size;
  if (std::count(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(size), ':') < 2) return 0;
  while (size < rest.size() && (is_hex(rest[size]) || rest[size] == '/' || rest[size] == '.'))
    ++size;
  return size;
}

std::size_t word_size(std::string_view rest, std::string_view also) {
  std::size_t size = 0;
  while (size < rest.size()) {
    const char c = rest[size];
    const bool arrow = c == '-' && size + 1 < rest.size() && !is_letter(rest[size + 1]) &&
                       !is_digit(rest[size + 1]) && rest[size + 1] != '-';
    if (!(is_letter(c) || is_digit(c) || c == '-' || also.find(c) != also.npos) || arrow) break;
    ++size;
  }
  return size;
}

/// Up to and with the closing quote, or the whole rest.
std::size_t string_size(std::string_view rest, bool& closed) {
  for (std::size_t i = 1; i < rest.size(); ++i) {
    if (rest[i] == '\\') {
      ++i;
    } else if (rest[i] == '"') {
      closed = true;
      return i + 1;
    }
  }
  closed = false;
  return rest.size();
}

std::size_t token_size(std::string_view rest, Token::Kind& kind) {
  kind = Token::Kind::literal;
  if (const std::size_t size = v6_size(rest)) return size;
  if (is_digit(rest.front())) return word_size(rest, "./");
  if (is_letter(rest.front())) {
    const std::size_t size = word_size(rest, "");
    if (rest.size() > size + 1 && rest[size] == '/' &&
        (is_letter(rest[size + 1]) || is_digit(rest[size + 1]))) {
      return word_size(rest, "/.");
    }
    kind = Token::Kind::word;
    return size;
  }
  if (rest.starts_with("\"\"\"")) {
    kind = Token::Kind::string;
    return 3;
  }
  if (rest.front() == '"') {
    bool closed = false;
    const std::size_t size = string_size(rest, closed);
    kind = closed ? Token::Kind::string : Token::Kind::open_string;
    return size;
  }
  kind = Token::Kind::symbol;
  for (const std::string_view symbol : symbols) {
    if (rest.starts_with(symbol)) return symbol.size();
  }
  return code_point_size(rest);
}

}  // namespace

std::vector<Token> line_tokens(std::string_view text, std::uint32_t begin, std::uint32_t end) {
  std::vector<Token> out;
  while (begin < end) {
    const std::string_view rest = text.substr(begin, end - begin);
    if (rest.front() == '#') break;
    if (rest.front() == ' ' || rest.front() == '\t' || rest.front() == '\r') {
      ++begin;
      continue;
    }
    Token token;
    const std::size_t size = std::max<std::size_t>(token_size(rest, token.kind), 1);
    token.text = rest.substr(0, size);
    token.begin = begin;
    token.end = begin + static_cast<std::uint32_t>(size);
    out.push_back(token);
    begin = token.end;
  }
  return out;
}

bool is_reserved(std::string_view word) {
  constexpr std::array<std::string_view, 14> words{"allow",  "deny", "expect", "never", "always",
                                                   "as",     "on",   "in",     "for",   "if",
                                                   "except", "true", "false",  "null"};
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool starts_operand(const Token& token) {
  if (token.kind == Token::Kind::symbol) return token.text == "[" || token.text == "(";
  if (token.kind != Token::Kind::word) return true;
  return !is_reserved(token.text) || token.text == "true" || token.text == "false" ||
         token.text == "null";
}

bool ends_operand(const Token& token) {
  if (token.kind == Token::Kind::symbol) return token.text == "]" || token.text == ")";
  return starts_operand(token);
}

}  // namespace hcipol::syntax
