// What the rules of error_rules.cpp and expression_rules.cpp have in common.
#pragma once

#include <algorithm>
#include <string_view>

#include "syntax/error_rules.h"

namespace hcipol::syntax {

/// Reports one kind of mistake if it is there.
using MistakeRule = bool (*)(const Damage&, bool whole_line, Reporter&);

bool service_spelling(const Damage&, bool, Reporter&);
bool operator_spelling(const Damage&, bool, Reporter&);
bool arithmetic(const Damage&, bool, Reporter&);
bool missing_comma(const Damage&, bool, Reporter&);
bool wrong_arrow(const Damage&, bool, Reporter&);
bool flow_mistake(const Damage&, bool, Reporter&);
bool dangling_operator(const Damage&, bool, Reporter&);
bool dangling_flow(const Damage&, bool, Reporter&);

inline constexpr auto npos = static_cast<std::size_t>(-1);

inline bool is_action(const Token& token) {
  return token.is("allow") || token.is("deny");
}
inline bool is_verb(const Token& token) {
  return token.is("expect") || token.is("never") || token.is("always");
}
inline bool is_arrow(const Token& token) {
  return token.is("->") || token.is("<->");
}
inline bool is_name(const Token& token) {
  return token.kind == Token::Kind::word && !is_reserved(token.text);
}
inline bool all_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

inline std::size_t find(const Damage& d, std::size_t from, auto&& wanted) {
  for (std::size_t i = from; i < d.end; ++i) {
    if (wanted(d[i])) return i;
  }
  return npos;
}

/// Where one operand follows another with nothing between them: the index of the second.
inline std::size_t find_adjacent(const Damage& d, std::size_t from, std::size_t end) {
  for (std::size_t i = from + 1; i < end; ++i) {
    const bool index_or_call = d[i].is("[") || d[i].is("(");
    if (ends_operand(d[i - 1]) && starts_operand(d[i]) && !index_or_call) return i;
  }
  return npos;
}

}  // namespace hcipol::syntax
