// Mistakes in expressions and flows.
#include <fmt/format.h>

#include <array>

#include "syntax/rule_helpers.h"

namespace hcipol::syntax {

// ---- expressions ------------------------------------------------------------------------------

bool service_spelling(const Damage& d, bool, Reporter& reporter) {
  constexpr std::array<std::string_view, 5> protocols{"tcp", "udp", "icmp", "icmpv6", "ip"};
  for (std::size_t i = d.head; i < d.tokens.size(); ++i) {
    const std::string_view text = d[i].text;
    const std::size_t slash = text.find('/');
    const bool swapped =
        d[i].kind == Token::Kind::literal && slash != text.npos &&
        all_digits(text.substr(0, slash)) && slash + 1 < text.size() &&
        std::find(protocols.begin(), protocols.end(), text.substr(slash + 1)) != protocols.end();
    if (swapped) {
      const auto right = fmt::format("{}/{}", text.substr(slash + 1), text.substr(0, slash));
      reporter.report<Diag::service_spelling>(d.place(i)).fix(d.place(i), right);
      return true;
    }
    const bool protocol = std::find(protocols.begin(), protocols.end(), text) != protocols.end();
    const bool colon = protocol && i + 2 < d.tokens.size() && d[i + 1].is(":");
    const bool blank = protocol && i + 1 < d.end && i > d.head && d[i - 1].is("on");
    const std::size_t port = i + (colon ? 2 : 1);
    if ((!colon && !blank) || d[port].kind != Token::Kind::literal) continue;
    reporter.report<Diag::service_spelling>(d.place(i, port))
        .fix(d.place(i, port), fmt::format("{}/{}", text, d[port].text));
    return true;
  }
  return false;
}

bool operator_spelling(const Damage& d, bool, Reporter& reporter) {
  struct Spelling {
    std::string_view wrong, right;
    bool word;
  };
  constexpr std::array spellings{Spelling{"&", "&&", false},  Spelling{"|", "||", false},
                                 Spelling{"<>", "!=", false}, Spelling{"and", "&&", true},
                                 Spelling{"or", "||", true},  Spelling{"not", "!", true}};
  for (std::size_t i = d.head + 1; i < d.end; ++i) {
    for (const auto& [wrong, right, word] : spellings) {
      if (!d[i].is(wrong)) continue;
      const bool operand_after = d.has(i + 1) && starts_operand(d[i + 1]) && !d[i + 1].is("(");
      const bool operand_before = wrong == "not" || ends_operand(d[i - 1]);
      if (word && !(operand_after && operand_before)) continue;
      reporter.report<Diag::operator_spelling>(d.place(i), right, wrong)
          .fix(d.place(i), std::string(right));
      return true;
    }
  }
  return false;
}

bool arithmetic(const Damage& d, bool, Reporter& reporter) {
  constexpr std::array<std::string_view, 5> operators{"+", "-", "*", "/", "%"};
  const std::size_t at = find(d, d.head + 1, [&](const Token& token) {
    return std::find(operators.begin(), operators.end(), token.text) != operators.end();
  });
  if (at == npos || !ends_operand(d[at - 1])) return false;
  const Token& sign = d[at];
  auto report = reporter.report<Diag::arithmetic>(d.place(at));
  const bool range = sign.is("-") && at + 1 < d.tokens.size() &&
                     d[at + 1].kind == Token::Kind::literal &&
                     d[at - 1].kind == Token::Kind::literal;
  if (range) {
    report.help(
        fmt::format("a range is written without blanks: `{}-{}`", d[at - 1].text, d[at + 1].text));
  } else if (sign.is("-") || sign.is("+")) {
    report.help("addresses are put together in a list, `[a, b]`, and taken away with `except`");
  }
  return true;
}

static void report_missing_comma(const Damage& d, std::size_t before, Reporter& reporter) {
  reporter.report<Diag::missing_comma>(d.after(before)).fix(d.after(before), ",");
}

/// Two values with nothing between them, in brackets that were opened on this line or before it.
bool missing_comma(const Damage& d, bool whole_line, Reporter& reporter) {
  const bool in_list = d.parent == Kind::list || d.parent == Kind::arguments;
  // What begins with a rule begins outside whatever is damaged in it.
  int open = in_list && !whole_line && !is_action(d[0]) ? 1 : 0;
  for (std::size_t i = 0; i < d.tokens.size(); ++i) {
    const bool adjacent =
        i > 0 && ends_operand(d[i - 1]) && starts_operand(d[i]) && !d[i].is("[") && !d[i].is("(");
    if (adjacent && open > 0) {
      report_missing_comma(d, i - 1, reporter);
      return true;
    }
    if (d[i].is("[") || d[i].is("(")) ++open;
    if (d[i].is("]") || d[i].is(")")) --open;
  }
  if (whole_line || !in_list || !ends_operand(d.tokens.back())) return false;
  const std::size_t next = d.text.find_first_not_of(" \t\r\n", d.tokens.back().end);
  if (next == d.text.npos || d.text.find_first_of(",])}", next) == next) return false;
  report_missing_comma(d, d.tokens.size() - 1, reporter);
  return true;
}

// ---- flows ------------------------------------------------------------------------------------

bool wrong_arrow(const Damage& d, bool, Reporter& reporter) {
  constexpr std::array<std::string_view, 6> wrong{"=>", "<-", "-->", "==>", "<=>", "→"};
  if (find(d, d.head, [](const Token& t) { return t.is("for"); }) != npos) return false;
  const std::size_t at = find(d, d.head + 1, [&](const Token& token) {
    return std::find(wrong.begin(), wrong.end(), token.text) != wrong.end();
  });
  if (at == npos) return false;
  auto report = reporter.report<Diag::wrong_arrow>(d.place(at), d[at].text);
  if (d[at].is("<-")) {
    report.help("write the flow the other way round: who opens the connection stands first");
  } else {
    report.fix(d.place(at), d[at].is("<=>") ? "<->" : "->");
  }
  return true;
}

/// The first token of the flow on this line, or npos if there is no sign of one.
static std::size_t flow_start(const Damage& d) {
  if (is_action(d[d.head])) return d.head + 2;
  if (is_verb(d[d.head])) return d.head + 2;
  const bool attribute = d.has(d.head + 1) && d[d.head + 1].is("=");
  const bool flow = attribute && find(d, d.head, is_arrow) != npos;
  return flow ? d.head + 2 : npos;
}

static bool missing_arrow(const Damage& d, std::size_t start, Reporter& reporter) {
  const Span header = d.place(d.head, std::max(d.head + 1, d.end) - 1);
  if (!d.has(start)) {
    reporter.report<Diag::incomplete_flow>(header, "source")
        .help("`management -> servers on tcp/445`");
    return true;
  }
  auto report = reporter.report<Diag::missing_arrow>(header);
  const std::size_t to = find_adjacent(d, start, d.end);
  if (to != npos) report.fix({d.file, d[to].begin, d[to].begin}, "-> ");
  return true;
}

static bool incomplete_flow(const Damage& d, std::size_t start, std::size_t arrow, std::size_t on,
                            Reporter& reporter) {
  const bool no_destination = !d.has(arrow + 1) || arrow + 1 == on;
  const bool no_service =
      on != npos && !d.has(on + 1) &&
      !(on + 1 < d.tokens.size() && d[on + 1].is("{") && d.parent != Kind::body);
  if (arrow == start) {
    reporter.report<Diag::incomplete_flow>(d.place(arrow), "source");
  } else if (no_destination) {
    reporter.report<Diag::incomplete_flow>(d.place(arrow), "destination");
  } else if (no_service) {
    reporter.report<Diag::incomplete_flow>(d.place(on), "service").help("write it as `tcp/445`");
  } else {
    return false;
  }
  return true;
}

static bool missing_on(const Damage& d, std::size_t service, Reporter& reporter) {
  const Span place = d.place(service, d.end - 1);
  const std::string_view text = d.text.substr(place.begin, place.end - place.begin);
  reporter.report<Diag::missing_on>(place, text).fix({d.file, place.begin, place.begin}, "on ");
  return true;
}

bool flow_mistake(const Damage& d, bool, Reporter& reporter) {
  const std::size_t start = flow_start(d);
  if (start == npos) return false;
  const std::size_t arrow = find(d, d.head, is_arrow);
  if (arrow == npos) return missing_arrow(d, start, reporter);
  const auto is_on = [](const Token& t) { return t.is("on"); };
  const std::size_t on = find(d, arrow, is_on);
  if (incomplete_flow(d, start, arrow, on, reporter)) return true;
  if (const std::size_t second = find_adjacent(d, start, arrow); second != npos) {
    reporter.report<Diag::unexpected_text>(d.place(second))
        .help(fmt::format("several sources stand in a list: `[{}, {}]`", d[second - 1].text,
                          d[second].text));
    return true;
  }

  const std::size_t second_on = on == npos ? npos : find(d, on + 1, is_on);
  if (second_on != npos) {
    reporter.report<Diag::second_on>(d.place(second_on))
        .help("several services stand in a list: `on [tcp/443, tcp/80]`");
    return true;
  }
  if (on == npos) {
    const std::size_t service = find_adjacent(d, arrow + 1, d.end);
    return service != npos && missing_on(d, service, reporter);
  }
  const bool comma_after = d.at > on && d.at < d.end && d[d.at].is(",") && d.parent == Kind::body;
  if (comma_after) {
    reporter.report<Diag::service_spelling>(d.place(d.at))
        .help("several services stand in a list: `on [tcp/443, tcp/80]`");
  }
  return comma_after;
}

/// `a = b &&` and nothing.
bool dangling_operator(const Damage& d, bool, Reporter& reporter) {
  constexpr std::array<std::string_view, 12> operators{
      "&&", "||", "==", "!=", "<", "<=", ">", ">=", "except", "?", "!", "."};
  if (d.end < d.head + 2) return false;
  const Token& last = d[d.end - 1];
  if (std::find(operators.begin(), operators.end(), last.text) == operators.end()) return false;
  reporter.report<Diag::unexpected_text>(d.place(d.end - 1))
      .help(fmt::format("a value is missing after `{}`", last.text));
  return true;
}

/// `a ->` or `on` at the end of a line.
bool dangling_flow(const Damage& d, bool whole_line, Reporter& reporter) {
  if (d.end == d.head) return false;
  const Token& last = d[d.end - 1];
  return (is_arrow(last) || last.is("on")) && flow_mistake(d, whole_line, reporter);
}

}  // namespace hcipol::syntax
