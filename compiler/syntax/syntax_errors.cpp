// Nothing inside an ERROR node is believed: only where it begins, and what stands on its lines.
#include "syntax/syntax_errors.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "support/text.h"
#include "syntax/error_rules.h"
#include "syntax/scan.h"

namespace hcipol::syntax {
namespace {

/// A line of a damaged stretch is looked at only this often, so that a large one costs little.
constexpr int max_lines_per_error = 50;

/// A `}` that stands further left than the line of the `{` it closes: most likely that `{` was
/// forgotten, and everything after it is shifted by one.
struct Misfit {
  std::uint32_t opener = 0;
  std::uint32_t closer = 0;
};

class ErrorReport {
 public:
  ErrorReport(FileId id, std::string_view text, const Vocabulary& vocabulary, Reporter& reporter)
      : id_(id), text_(text), vocabulary_(vocabulary), reporter_(reporter) {}

  /// The tree begins at `base` in the text.
  void run(const TSTree* tree, std::uint32_t base);
  /// One damaged place, of whatever kind.
  void broken(Span span, Kind parent);

 private:
  std::uint32_t begin_of(TSNode node) const { return base_ + ts_node_start_byte(node); }
  Span span(TSNode node) const {
    return {id_, base_ + ts_node_start_byte(node), base_ + ts_node_end_byte(node)};
  }
  void damaged(TSNode node);
  void missing(TSNode node, TSNode parent);
  void unclosed(TSNode parent, std::string_view opener, std::uint32_t expected_at);
  void unclosed_brace(std::uint32_t brace, std::uint32_t expected_at);
  bool known_on_line(Span span, Kind parent, std::uint32_t begin, bool whole_line);
  bool unfinished_line_before(Span span, std::uint32_t begin, Kind parent);
  void after_report(std::uint32_t line);
  void unknown(Span span, Kind parent);
  bool scanner_knows(std::uint32_t at);
  bool repeated(std::uint32_t at, TSNode item);

  std::uint32_t line_begin(std::uint32_t at) const {
    const std::size_t newline = at == 0 ? text_.npos : text_.rfind('\n', at - 1);
    return newline == text_.npos ? 0 : static_cast<std::uint32_t>(newline) + 1;
  }
  std::uint32_t line_end(std::uint32_t at) const {
    return static_cast<std::uint32_t>(std::min(text_.find('\n', at), text_.size()));
  }
  const std::optional<Misfit>& misfit();
  const std::vector<Scanner::Opener>& unclosed_at_end();
  void scan();

  FileId id_;
  std::string_view text_;
  const Vocabulary& vocabulary_;
  Reporter& reporter_;
  std::uint32_t base_ = 0;
  std::vector<TSNode> ancestors_;
  bool scanned_ = false;
  std::optional<Misfit> misfit_;
  std::vector<Scanner::Opener> unclosed_;
  std::optional<std::uint32_t> last_line_;
  std::optional<std::uint32_t> last_item_;
  bool string_swallowed_brace_ = false;
  bool interrupted_ =
      false;  ///< by a `${` or `"""` without end: who closes what is not known any more
  std::uint32_t silent_until_ = 0;
};

/// Not recursive: a file of nothing but `[` makes a tree as deep as it is long.
void ErrorReport::run(const TSTree* tree, std::uint32_t base) {
  base_ = base;
  TSTreeCursor cursor = ts_tree_cursor_new(ts_tree_root_node(tree));
  for (bool down = true;;) {
    const TSNode node = ts_tree_cursor_current_node(&cursor);
    if (down && ts_node_has_error(node)) {
      const bool error = vocabulary_.kind(node) == Kind::error;
      if (error || ts_node_is_missing(node)) {
        damaged(node);
      } else if (ts_tree_cursor_goto_first_child(&cursor)) {
        ancestors_.push_back(node);
        continue;
      }
    }
    if (ts_tree_cursor_goto_next_sibling(&cursor)) {
      down = true;
      continue;
    }
    if (!ts_tree_cursor_goto_parent(&cursor)) break;
    ancestors_.pop_back();
    down = false;
  }
  ts_tree_cursor_delete(&cursor);
}

/// One mistake often damages two nodes; a second error on a line or in an item is most likely none.
bool ErrorReport::repeated(std::uint32_t at, TSNode item) {
  const std::uint32_t line = line_begin(at);
  const bool in_item = !ts_node_is_null(item);
  const std::uint32_t item_begin = in_item ? begin_of(item) : 0;
  if (last_line_ == line || (in_item && last_item_ == item_begin)) return true;
  last_line_ = line;
  last_item_ = in_item ? std::optional(item_begin) : std::nullopt;
  return false;
}

void ErrorReport::damaged(TSNode node) {
  TSNode item{};
  for (auto at = ancestors_.rbegin(); at != ancestors_.rend(); ++at) {
    const Kind kind = vocabulary_.kind(*at);
    if (kind == Kind::body) break;
    if (is_item(kind)) {
      item = *at;
      break;
    }
  }
  const TSNode parent = ancestors_.empty() ? node : ancestors_.back();
  if (ts_node_is_missing(node)) return missing(node, parent);
  if (!repeated(begin_of(node), item)) broken(span(node), vocabulary_.kind(parent));
}

// ---- something is missing ---------------------------------------------------------------------

void ErrorReport::missing(TSNode node, TSNode parent) {
  const std::uint32_t at = begin_of(node);
  switch (vocabulary_.kind(node)) {
    case Kind::close_brace: return unclosed(parent, "{", at);
    case Kind::close_bracket: return unclosed(parent, "[", at);
    case Kind::close_paren: return unclosed(parent, "(", at);
    case Kind::quote:
    case Kind::text_quote: {
      const std::uint32_t begin = begin_of(parent);
      if (last_line_ == line_begin(begin)) return;
      const std::string_view inside = text_.substr(begin, at - begin);
      string_swallowed_brace_ = inside.find('{') != inside.npos;
      last_line_ = line_begin(begin);
      reporter_.report<Diag::unclosed_string>(Span{id_, begin, at});
      return;
    }
    default:
      if (!repeated(at, TSNode{})) broken(span(node), vocabulary_.kind(parent));
  }
}

void ErrorReport::unclosed(TSNode parent, std::string_view opener, std::uint32_t expected_at) {
  const Kind kind = vocabulary_.kind(parent);
  std::uint32_t begin = begin_of(parent);
  if (kind == Kind::index) {
    begin = span(ts_node_child(parent, 0)).end;
    begin = static_cast<std::uint32_t>(text_.find('[', begin));
  }
  if (opener == "{") return unclosed_brace(begin, expected_at);

  last_line_ = line_begin(begin);
  const Span place{id_, begin, begin + 1};
  const Span expected{id_, expected_at, expected_at};
  if (opener == "[" && kind != Kind::index) {
    reporter_.report<Diag::unclosed_list>(place).fix(expected, "]");
  } else {
    reporter_.report<Diag::unclosed_parenthesis>(place, opener)
        .fix(expected, opener == "[" ? "]" : ")");
  }
}

void ErrorReport::unclosed_brace(std::uint32_t brace, std::uint32_t expected_at) {
  if (interrupted_) return;
  const bool interpolation = text_.substr(brace).starts_with("${");
  if (!interpolation && !unclosed_at_end().empty() && unclosed_at_end().back().what == 't') {
    interrupted_ = true;
    const std::uint32_t quotes = unclosed_at_end().back().at;
    if (last_line_ == line_begin(quotes)) return;
    reporter_.report<Diag::unclosed_string>(Span{id_, quotes, quotes + 3});
    return;
  }
  interrupted_ = interpolation;
  const std::optional<Misfit> blame = interpolation ? std::nullopt : misfit();
  if (!blame || blame->opener <= brace) {
    auto report =
        reporter_.report<Diag::unclosed_brace>(Span{id_, brace, brace + (interpolation ? 2u : 1u)});
    if (!interpolation && expected_at < text_.size()) {
      report.label({id_, expected_at, expected_at}, "a `}` is missing here at the latest");
    }
    return;
  }
  const std::uint32_t line = line_begin(blame->opener);
  const auto header_end = text_.find_last_not_of(" \t", blame->opener - 1) + 1;
  const auto header_begin = text_.find_first_not_of(" \t", line);
  const auto header = text_.substr(header_begin, header_end - header_begin);
  reporter_.report<Diag::unclosed_brace>(Span{id_, blame->opener, blame->opener + 1})
      .label({id_, blame->closer, blame->closer + 1},
             fmt::format("this `}}` is indented less than `{}`, so it was meant for another block",
                         one_line(header, 60)));
}

// ---- something is wrong -----------------------------------------------------------------------

Damage damage_on_line(std::string_view text, Span span, std::uint32_t begin, std::uint32_t end) {
  Damage out;
  out.file = span.file;
  out.text = text;
  out.span = span;
  out.tokens = line_tokens(text, begin, end);
  const auto& tokens = out.tokens;
  out.at = tokens.size();
  for (std::size_t i = tokens.size(); i-- > 0;) {
    if (tokens[i].end > span.begin && span.begin >= begin) out.at = i;
  }
  const auto bounds = [](const Token& token) {
    return token.is("{") || token.is("}") || token.is(";");
  };
  for (std::size_t i = 0; i < out.at && i < tokens.size(); ++i) {
    if (bounds(tokens[i])) out.head = i + 1;
  }
  if (out.at == tokens.size()) out.head = 0;  // the damage is elsewhere: the first item of the line
  out.end = out.head;
  while (out.end < tokens.size() && !bounds(tokens[out.end])) ++out.end;
  return out;
}

bool ErrorReport::known_on_line(Span span, Kind parent, std::uint32_t begin, bool whole_line) {
  Damage damage = damage_on_line(text_, span, begin, line_end(begin));
  damage.parent = parent;
  return report_known_mistake(damage, whole_line, reporter_);
}

/// `cloud =` and nothing: what follows on the next line is read as the value.
bool ErrorReport::unfinished_line_before(Span span, std::uint32_t begin, Kind parent) {
  if (begin == 0) return false;
  const std::size_t before = text_.find_last_not_of(" \t\r\n", begin - 1);
  if (before == text_.npos) return false;
  const std::uint32_t line = line_begin(static_cast<std::uint32_t>(before));
  Damage damage = damage_on_line(text_, span, line, line_end(line));
  damage.parent = parent;
  return report_unfinished_line(damage, reporter_);
}

void ErrorReport::broken(Span span, Kind parent) {
  std::uint32_t line = line_begin(span.begin);
  const std::string_view text = text_.substr(span.begin, span.end - span.begin);
  if (string_swallowed_brace_ && text == "}") {
    string_swallowed_brace_ = false;
    return;
  }
  if (span.begin < silent_until_) return;
  if (unfinished_line_before(span, line, parent)) return;
  for (int count = 0; count < max_lines_per_error; ++count) {
    if (known_on_line(span, parent, line, count > 0)) {
      last_line_ = line;
      after_report(line);
      return;
    }
    line = line_end(line) + 1;
    if (line >= span.end) break;
  }
  if (!scanner_knows(span.begin)) unknown(span, parent);
}

/// Some mistakes damage the lines after them, too.
void ErrorReport::after_report(std::uint32_t line) {
  const std::string_view text = text_.substr(line, line_end(line) - line);
  const std::size_t heredoc = text.find("<<");
  const std::size_t hole = text.rfind("${");
  if (hole != text.npos && text.find('}', hole) == text.npos) interrupted_ = true;
  if (heredoc == text.npos) return;
  const std::string_view word = trim(text.substr(heredoc + 2));
  const std::size_t end = text_.find(word, line + text.size());
  if (!word.empty() && end != text_.npos) {
    silent_until_ = static_cast<std::uint32_t>(end + word.size());
  }
}

/// When the whole rest of a file is damaged, a bracket that nobody closed is the likely reason.
bool ErrorReport::scanner_knows(std::uint32_t at) {
  if (unclosed_at_end().empty()) return false;
  const Scanner::Opener opener = unclosed_at_end().back();
  if (opener.at < line_begin(at)) return false;
  const Span place{id_, opener.at, opener.at + 1};
  switch (opener.what) {
    case '[': reporter_.report<Diag::unclosed_list>(place); break;
    case '(': reporter_.report<Diag::unclosed_parenthesis>(place, "("); break;
    case '{': unclosed_brace(opener.at, static_cast<std::uint32_t>(text_.size())); break;
    case '$': reporter_.report<Diag::unclosed_brace>(Span{id_, opener.at, opener.at + 2}); break;
    default: reporter_.report<Diag::unclosed_string>(place); break;
  }
  return true;
}

void ErrorReport::unknown(Span span, Kind parent) {
  span.end = std::max(span.begin, std::min(span.end, line_end(span.begin)));
  auto report = reporter_.report<Diag::unexpected_text>(span);
  const std::string_view text = text_.substr(span.begin, span.end - span.begin);
  if (text.starts_with("\u00a0")) {
    report.help("this is a no-break space: replace it with a blank");
  } else if (text.starts_with("–") || text.starts_with("—")) {
    report.help("this is a dash: write `-`");
  } else if (is_reserved(text)) {
    report.help(fmt::format("`{}` is a reserved word", text));
  } else if (parent == Kind::body || parent == Kind::source_file) {
    report.help(
        "an item is `name = value`, `block \"label\" { … }` or `allow \"name\" a -> b on tcp/445`");
  }
}

// ---- brackets ---------------------------------------------------------------------------------

void ErrorReport::scan() {
  if (scanned_) return;
  scanned_ = true;
  const auto indent = [&](std::uint32_t at) {
    const std::uint32_t line = line_begin(at);
    return std::min(text_.find_first_not_of(" \t", line), text_.size()) - line;
  };
  Scanner scanner(text_);
  while (scanner.step()) {
    if (misfit_ || !scanner.closed_one() || scanner.closed().what != '{') continue;
    const std::uint32_t opener = scanner.closed().at;
    const std::uint32_t closer = scanner.position() - 1;
    const bool first_on_line = indent(closer) == closer - line_begin(closer);
    const bool lower = line_begin(opener) != line_begin(closer) && indent(closer) < indent(opener);
    if (first_on_line && lower) misfit_ = Misfit{opener, closer};
  }
  unclosed_ = scanner.open();
}

const std::optional<Misfit>& ErrorReport::misfit() {
  scan();
  return misfit_;
}

const std::vector<Scanner::Opener>& ErrorReport::unclosed_at_end() {
  scan();
  return unclosed_;
}

}  // namespace

void report_syntax_errors(FileId id, std::string_view text, std::uint32_t base, const TSTree* tree,
                          const Vocabulary& vocabulary, Reporter& reporter) {
  const std::size_t before = reporter.errors();
  ErrorReport(id, text, vocabulary, reporter).run(tree, base);
  if (reporter.errors() > before) return;
  // Everything looked like the consequence of something else: a damaged file is never passed over.
  const auto end = static_cast<std::uint32_t>(text.size());
  reporter.report<Diag::unexpected_text>(Span{id, std::min(base, end), std::min(base + 1, end)});
}

void report_syntax_error_at(FileId id, std::string_view text, std::uint32_t at,
                            const Vocabulary& vocabulary, Reporter& reporter) {
  const auto end = std::min(at + 1, static_cast<std::uint32_t>(text.size()));
  ErrorReport(id, text, vocabulary, reporter).broken({id, at, end}, Kind::other);
}

}  // namespace hcipol::syntax
