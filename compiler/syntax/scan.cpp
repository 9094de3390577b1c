// Only what decides whether a bracket is a bracket: quotes, escapes, interpolations, comments.
#include "syntax/scan.h"

#include <algorithm>
#include <array>

#include "support/bug.h"

namespace hcipol::syntax {
namespace {

/// Whatever decides nothing is passed over in runs, and a large text is nearly all of it.
enum class Class : unsigned char { plain, blank, sign };

constexpr std::array<Class, 256> class_of = [] {
  std::array<Class, 256> out{};
  for (const unsigned char c : std::string_view(" \t\n\r")) out[c] = Class::blank;
  for (const unsigned char c : std::string_view("#\"{}[]()")) out[c] = Class::sign;
  return out;
}();

bool is(Class wanted, char c) {
  return class_of[static_cast<unsigned char>(c)] == wanted;
}

}  // namespace

bool Scanner::step() {
  closed_one_ = false;
  if (at_ >= text_.size()) return false;
  const char inside = top();
  if (inside == '"' || inside == 't') {
    step_in_quotes(inside);
  } else {
    step_in_code();
  }
  return true;
}

void Scanner::open(char what, std::uint32_t size) {
  open_.push_back({what, at_});
  at_ += size;
}

/// A closer that does not fit is left to the parser to complain about.
void Scanner::close(char opener) {
  ++at_;
  if (top() != opener) return;
  closed_one_ = true;
  closed_ = open_.back();
  open_.pop_back();
}

void Scanner::step_in_quotes(char quotes) {
  const std::string_view rest = text_.substr(at_);
  if (rest.front() == '\\') {
    at_ += rest.size() > 1 ? 2 : 1;
  } else if (rest.starts_with("${")) {
    open('$', 2);
  } else if (quotes == '"' && (rest.front() == '"' || rest.front() == '\n')) {
    close('"');  // a string ends with its line, whether it was closed or not
  } else if (quotes == 't' && rest.starts_with("\"\"\"")) {
    at_ += 2;
    close('t');
  } else {
    const std::size_t end = rest.find_first_of(quotes == '"' ? "\\$\"\n" : "\\$\"", 1);
    at_ += static_cast<std::uint32_t>(std::min(end, rest.size()));
  }
}

void Scanner::step_in_code() {
  const std::string_view rest = text_.substr(at_);
  const auto advance_while = [&](auto&& wanted) {
    while (at_ < text_.size() && wanted(text_[at_])) ++at_;
  };
  const char c = rest.front();
  for (const Class run : {Class::blank, Class::plain}) {
    if (is(run, c)) return advance_while([&](char x) { return is(run, x); });
  }
  switch (c) {
    case '#': return advance_while([](char x) { return x != '\n'; });
    case '"': return rest.starts_with("\"\"\"") ? open('t', 3) : open('"', 1);
    case '{':
    case '[':
    case '(': return open(c, 1);
    case '}': return close(top() == '$' ? '$' : '{');
    case ']': return close('[');
    case ')': return close('(');
    default: bug("a sign of no kind");
  }
}

}  // namespace hcipol::syntax
