// tree-sitter says where a text stops making sense; what the writer meant shows in the words of the
// line. Each rule looks for one mistake. The first that reports wins, so rules that are surer stand
// first.
#include "syntax/error_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "syntax/rule_helpers.h"

namespace hcipol::syntax {
namespace {

// ---- characters -------------------------------------------------------------------------------

bool comment_style(const Damage& d, bool whole_line, Reporter& reporter) {
  const std::size_t at = whole_line ? d.head : d.at;
  if (at >= d.tokens.size() || !(d[at].is("//") || d[at].is("/*"))) return false;
  auto report = reporter.report<Diag::comment_style>(d.place(at));
  if (d[at].is("//")) report.fix(d.place(at), "#");
  return true;
}

bool unclosed_string(const Damage& d, bool, Reporter& reporter) {
  const Token& last = d.tokens.back();
  if (last.kind == Token::Kind::open_string) {
    reporter.report<Diag::unclosed_string>(d.place(d.tokens.size() - 1))
        .help("a string ends on the line it begins on, with `\"`");
    return true;
  }
  const std::size_t quotes = find(d, 0, [](const Token& t) { return t.text == "\"\"\""; });
  if (quotes == npos || d.text.find("\"\"\"", d[quotes].end) != d.text.npos) return false;
  reporter.report<Diag::unclosed_string>(d.place(quotes)).help("end the text with `\"\"\"`");
  return true;
}

bool unclosed_hole(const Damage& d, bool, Reporter& reporter) {
  for (const Token& token : d.tokens) {
    if (token.kind != Token::Kind::string && token.kind != Token::Kind::open_string) continue;
    const std::size_t hole = token.text.rfind("${");
    if (hole == token.text.npos || token.text.find('}', hole) != token.text.npos) continue;
    const auto at = token.begin + static_cast<std::uint32_t>(hole);
    reporter.report<Diag::unclosed_brace>(Span{d.file, at, at + 2})
        .help("for a `$` that is meant as such write `\\$`");
    return true;
  }
  return false;
}

bool foreign_quotes(const Damage& d, bool, Reporter& reporter) {
  constexpr std::array<std::string_view, 8> quotes{"'", "`", "“", "”", "„", "‘", "’", "«"};
  const auto is_quote = [&](const Token& token) {
    return std::find(quotes.begin(), quotes.end(), token.text) != quotes.end();
  };
  const auto first = std::find_if(d.tokens.begin(), d.tokens.end(), is_quote);
  if (first == d.tokens.end()) return false;
  const auto second = std::find_if(first + 1, d.tokens.end(), is_quote);
  const auto index = static_cast<std::size_t>(first - d.tokens.begin());
  if (second == d.tokens.end()) {
    reporter.report<Diag::single_quotes>(d.place(index)).fix(d.place(index), "\"");
    return true;
  }
  const Span whole{d.file, first->begin, second->end};
  const auto inside = d.text.substr(first->end, second->begin - first->end);
  reporter.report<Diag::single_quotes>(whole).fix(whole, fmt::format("\"{}\"", inside));
  return true;
}

bool heredoc(const Damage& d, bool, Reporter& reporter) {
  const std::size_t at = find(d, d.head, [](const Token& t) { return t.is("<<"); });
  if (at == npos) return false;
  reporter.report<Diag::heredoc>(d.place(at))
      .help("its lines lose the indentation of the closing quotes");
  return true;
}

bool stray_brace(const Damage& d, bool whole_line, Reporter& reporter) {
  if (whole_line || d.parent != Kind::source_file || d.at >= d.tokens.size()) return false;
  if (!d[d.at].is("}")) return false;
  reporter.report<Diag::stray_brace>(d.place(d.at));
  return true;
}

// ---- items ------------------------------------------------------------------------------------

bool if_block(const Damage& d, bool, Reporter& reporter) {
  if (!d[d.head].is("if") && !d[d.head].is("else")) return false;
  reporter.report<Diag::if_block>(d.place(d.head, std::max(d.head + 1, d.end) - 1));
  return true;
}

/// `in = "x"` after an attribute is read as an operator, so the word may stand before the damage.
bool reserved_word(const Damage& d, bool whole_line, Reporter& reporter) {
  std::size_t word = d.head;
  if (!whole_line && d.at > 0 && d.at < d.tokens.size() && d[d.at].is("=")) word = d.at - 1;
  if (!d.has(word + 1) || !is_reserved(d[word].text) || d[word].kind != Token::Kind::word) {
    return false;
  }
  if (!d[word + 1].is("=") && !d[word + 1].is(":")) return false;
  reporter.report<Diag::reserved_word>(d.place(word));
  return true;
}

bool unnamed_rule(const Damage& d, bool, Reporter& reporter) {
  const std::size_t head = d.head;
  if (!is_action(d[head])) return false;
  if (d.has(head + 1) && d[head + 1].kind == Token::Kind::string) return false;
  const bool name_without_quotes = d.has(head + 2) && is_name(d[head + 1]) &&
                                   starts_operand(d[head + 2]) &&
                                   find(d, head + 2, is_arrow) != npos;
  if (name_without_quotes) {
    reporter.report<Diag::unquoted_label>(d.place(head + 1))
        .fix(d.place(head + 1), fmt::format("\"{}\"", d[head + 1].text));
  } else {
    reporter.report<Diag::missing_rule_name>(d.place(head), d[head].text);
  }
  return true;
}

bool missing_expectation(const Damage& d, bool, Reporter& reporter) {
  if (!is_verb(d[d.head])) return false;
  if (d.has(d.head + 1) && is_action(d[d.head + 1])) return false;
  reporter.report<Diag::missing_expectation>(d.place(d.head), d[d.head].text);
  return true;
}

bool colon_attribute(const Damage& d, bool whole_line, Reporter& reporter) {
  std::size_t colon = d.head + 1;
  if (!whole_line && d.at > 0 && d.at < d.tokens.size() && d[d.at].is(":")) colon = d.at;
  if (colon >= d.tokens.size() || !d[colon].is(":")) return false;
  const Token& name = d[colon - 1];
  if (!is_name(name) && name.kind != Token::Kind::string) return false;
  const bool at_start = colon - 1 == d.head || d[colon - 2].is("{") || d[colon - 2].is(",");
  if (!at_start) return false;
  const bool blank = name.end < d[colon].begin;
  reporter.report<Diag::colon_attribute>(d.place(colon)).fix(d.place(colon), blank ? "=" : " =");
  return true;
}

/// `cluster prod {`, `enable aks`, `use std/hci/21h2`, `target "iptables" lab`
bool unquoted_label(const Damage& d, bool, Reporter& reporter) {
  if (!is_name(d[d.head])) return false;
  std::size_t i = d.head + 1;
  while (d.has(i) && d[i].kind == Token::Kind::string) ++i;
  if (!d.has(i) || (!is_name(d[i]) && d[i].kind != Token::Kind::literal)) return false;
  const bool last = i + 1 >= d.end || d[i + 1].kind == Token::Kind::string;
  if (!last) return false;
  reporter.report<Diag::unquoted_label>(d.place(i))
      .fix(d.place(i), fmt::format("\"{}\"", d[i].text));
  return true;
}

bool equals_before_label(const Damage& d, bool, Reporter& reporter) {
  if (!is_name(d[d.head]) || d.head + 3 != d.end || d.end >= d.tokens.size()) return false;
  if (!d[d.head + 1].is("=") || d[d.head + 2].kind != Token::Kind::string) return false;
  if (!d[d.end].is("{")) return false;
  reporter.report<Diag::unexpected_text>(d.place(d.head + 1))
      .help(fmt::format("a block has no `=`: `{} {} {{`", d[d.head].text, d[d.head + 2].text));
  return true;
}

bool quoted_alias(const Damage& d, bool, Reporter& reporter) {
  const std::size_t as = find(d, d.head, [](const Token& t) { return t.is("as"); });
  if (as == npos || !d.has(as + 1) || d[as + 1].kind != Token::Kind::string) return false;
  const std::string_view text = d[as + 1].text;
  reporter.report<Diag::unexpected_text>(d.place(as + 1))
      .fix(d.place(as + 1), std::string(text.substr(1, text.size() - 2)))
      .help("the name after `as` has no quotes");
  return true;
}

/// A word alone on its line: what follows on the next line is taken for its value.
bool lone_word(const Damage& d, bool, Reporter& reporter) {
  const bool alone = d.end == d.head + 1 && d.end == d.tokens.size() && is_name(d[d.head]);
  if (!alone || d.parent == Kind::list || d.parent == Kind::arguments) return false;
  reporter.report<Diag::unexpected_text>(d.place(d.head))
      .help(fmt::format("`{0} = …` sets an attribute, `{0} \"label\" {{ … }}` is a block",
                        d[d.head].text));
  return true;
}

bool missing_value(const Damage& d, bool, Reporter& reporter) {
  if (d.end == d.head || !d[d.end - 1].is("=")) return false;
  const std::size_t equals = d.end - 1;
  if (equals == d.head) return false;
  const bool more =
      d.span.begin > d[equals].end &&
      d.text.substr(d[equals].end, d.span.begin - d[equals].end).find_first_not_of(" \t\r\n") !=
          d.text.npos;
  const bool object = d.end < d.tokens.size() && d[d.end].is("{");
  if (more || object) return false;
  reporter.report<Diag::missing_value>(d.place(equals - 1, equals));
  return true;
}

bool separator(const Damage& d, bool whole_line, Reporter& reporter) {
  if (whole_line || d.at >= d.tokens.size()) return false;
  if (!d[d.at].is(",") && !d[d.at].is(";")) return false;
  const bool between_items = d.parent == Kind::body || d.parent == Kind::source_file;
  if (!between_items && !d[d.at].is(";")) return false;
  reporter.report<Diag::attribute_separator>(d.place(d.at)).fix(d.place(d.at), "");
  return true;
}

constexpr MistakeRule rules[] = {
    comment_style,       unclosed_hole,     unclosed_string,     foreign_quotes, heredoc,
    stray_brace,         if_block,          reserved_word,       wrong_arrow,    unnamed_rule,
    missing_expectation, service_spelling,  missing_comma,       flow_mistake,   colon_attribute,
    quoted_alias,        unquoted_label,    equals_before_label, missing_value,  operator_spelling,
    arithmetic,          dangling_operator, lone_word,           separator,
};

/// What an unfinished line looks like: the damage shows on the line after it.
constexpr MistakeRule unfinished_rules[] = {missing_value, dangling_operator, dangling_flow,
                                            lone_word};

bool report_first(std::span<const MistakeRule> table, const Damage& d, bool whole_line,
                  Reporter& reporter) {
  if (d.tokens.empty() || d.head >= d.tokens.size()) return false;
  return std::any_of(table.begin(), table.end(),
                     [&](MistakeRule rule) { return rule(d, whole_line, reporter); });
}

}  // namespace

bool report_known_mistake(const Damage& damage, bool whole_line, Reporter& reporter) {
  return report_first(rules, damage, whole_line, reporter);
}

bool report_unfinished_line(const Damage& damage, Reporter& reporter) {
  return report_first(unfinished_rules, damage, true, reporter);
}

}  // namespace hcipol::syntax
