// A page is read line by line, not by a Markdown library: one that follows the specification drops
// the surplus cells of a row without a word, and says less about places than a diagnostic needs.
#include <algorithm>
#include <optional>
#include <string>

#include "importer/host.h"
#include "importer/read.h"
#include "support/text.h"

namespace hcipol::importer {

namespace {

/// "```json", "~~~~": the mark, how long it is, and what stands behind it.
struct Fence {
  char mark = '`';
  std::size_t size = 0;
  std::string info;
};

std::optional<Fence> fence_of(std::string_view line) {
  line = trim(line);
  if (!line.starts_with("```") && !line.starts_with("~~~")) return std::nullopt;
  const std::size_t size = std::min(line.find_first_not_of(line[0]), line.size());
  const std::string_view info = trim(line.substr(size));
  if (line[0] == '`' && info.find('`') != info.npos) return std::nullopt;  // a code span
  return Fence{line[0], size, to_lower(info)};
}

// At least as long as what it closes.
bool closes(const Fence& open, std::string_view line) {
  const auto fence = fence_of(line);
  return fence && fence->mark == open.mark && fence->size >= open.size && fence->info.empty();
}

// "|---|:--:|" below a header.
bool is_delimiter_row(std::string_view line) {
  return line.find("--") != line.npos && line.find('|') != line.npos &&
         line.find_first_not_of("|-: \t") == line.npos;
}

// The address of a bullet. Other bullets are prose.
std::optional<Range> bullet(std::string_view text, Range line) {
  const std::size_t at = std::min(text.find_first_not_of(" \t", line.begin), line.end);
  std::size_t digits = at;
  while (digits < line.end && text[digits] >= '0' && text[digits] <= '9') ++digits;
  const bool numbered = digits > at && digits + 1 < line.end && text[digits] == '.';
  const bool plain = at + 1 < line.end && (text[at] == '-' || text[at] == '*' || text[at] == '+');
  if (!numbered && !plain) return std::nullopt;
  const std::size_t content = numbered ? digits + 1 : at + 1;
  if (text[content] != ' ' && text[content] != '\t') return std::nullopt;
  const std::string_view item = trim(text.substr(content, line.end - content));
  if (item.find_first_of(" \t") != item.npos || !looks_like_address(item)) return std::nullopt;
  return Range{content, line.end};
}

bool is_punctuation(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte > 0x20 && byte < 0x30) || (byte > 0x39 && byte < 0x41) ||
         (byte > 0x5A && byte < 0x61) || (byte > 0x7A && byte < 0x7F);
}

/// What a cell or bullet says without its markup. Backslashes are told of where they stand in an
/// address, backquotes where they are not around it.
Cell without_markup(const Cell& cell, bool tell, Findings& findings) {
  Cell out{cell.file, "", {}, cell.span().begin};
  const std::string_view text = cell.text;
  std::size_t escape_at = text.npos;  // the first
  for (std::size_t at = 0; at < text.size(); ++at) {
    const Span place = cell.part(at, 1).span();
    if (to_lower(text.substr(at, 3)) == "<br") {
      if (const std::size_t stop = text.find('>', at); stop != text.npos) {
        out.add('\n', place.begin, cell.places[stop] + 1 - place.begin);
        at = stop;
        continue;
      }
    }
    const bool escape = text[at] == '\\' && at + 1 < text.size() && is_punctuation(text[at + 1]);
    if (escape) escape_at = std::min(escape_at, at++);
    if (text[at] == '`') continue;
    out.add(text[at], place.begin, escape ? 2 : place.end - place.begin);
  }
  out.end = cell.end;
  if (!tell) return out;
  if (escape_at != text.npos) {
    findings.report<Diag::list_spelling>(cell.part(escape_at, 1).span(),
                                         "a backslash is none of the address");
  }
  // A code span is around all of it.
  const bool quoted = text.size() > 1 && text.starts_with('`') && text.ends_with('`');
  const auto backquotes = std::count(text.begin(), text.end(), '`');
  if (backquotes > 0 && (backquotes % 2 != 0 || !quoted)) {
    findings.report<Diag::list_spelling>(cell.part(text.rfind('`'), 1).span(),
                                         "a backquote is none of the address");
  }
  return trimmed(out);
}

class MarkdownReader {
 public:
  explicit MarkdownReader(Findings& findings)
      : findings_(findings), text_(findings.text()), lines_(lines_of(text_, {0, text_.size()})) {}

  std::vector<List> read() {
    while (at_ < lines_.size()) {
      if (const auto fence = fence_of(line(at_))) {
        fenced(*fence);
      } else if (at_ + 1 < lines_.size() && line(at_).find('|') != std::string_view::npos &&
                 is_delimiter_row(line(at_ + 1))) {
        table();
      } else if (bullet(text_, lines_[at_])) {
        bullets();
      } else {
        if (trim(line(at_)).starts_with('|')) stray();
        ++at_;
      }
    }
    return std::move(lists_);
  }

 private:
  std::string_view line(std::size_t i) const {
    return text_.substr(lines_[i].begin, lines_[i].end - lines_[i].begin);
  }
  Cell cell(Range range) const {
    return trimmed(verbatim(findings_.file(), text_, range.begin, range.end));
  }

  void fenced(const Fence& fence) {
    const std::size_t first = ++at_;
    while (at_ < lines_.size() && !closes(fence, line(at_))) ++at_;
    const std::size_t last = at_;
    if (at_ < lines_.size()) ++at_;
    if (first == last) return;
    const Range inside{lines_[first].begin, lines_[last - 1].end};
    const std::string_view content = text_.substr(inside.begin, inside.end - inside.begin);
    if (fence.info == "json" || (fence.info.empty() && looks_like_json(content))) {
      for (List& list : read_json(inside, findings_)) lists_.push_back(std::move(list));
    } else if (fence.info.empty() || fence.info == "text" || fence.info == "output") {
      // Names only; anything else is an example of something.
      bool names = true;
      for (std::size_t i = first; i < last; ++i) {
        const std::string_view item = trim(line(i));
        names = names && (item.empty() ||
                          (looks_like_address(item) && item.find_first_of(" \t") == item.npos));
      }
      if (names) lists_.push_back(read_lines(inside, findings_));
    }
  }

  void bullets() {
    List list;
    for (; at_ < lines_.size(); ++at_) {
      const auto item = bullet(text_, lines_[at_]);
      if (!item) break;
      Cell address = without_markup(cell(*item), true, findings_);
      const Span span = address.span();
      list.rows.push_back({span, {{Column::host, "", std::move(address)}}});
    }
    lists_.push_back(std::move(list));
  }

  /// The cells of a row as they stand; `\|` divides none. A bar at either end is optional.
  std::vector<Cell> cells(Range range) const {
    const Cell row = cell(range);
    std::vector<Cell> out;
    const std::string_view text = row.text;
    std::size_t begin = text.starts_with('|') ? 1 : 0;
    for (std::size_t at = begin; at <= text.size(); ++at) {
      if (at < text.size() && text[at] == '\\') {
        ++at;
      } else if (at == text.size() || text[at] == '|') {
        if (at < text.size() || !text.ends_with('|')) {
          out.push_back(trimmed(row.part(begin, at - begin)));
        }
        begin = at + 1;
      }
    }
    return out;
  }

  void table() {
    const Span header = cell(lines_[at_]).span();
    std::vector<std::string> names;
    for (const Cell& name : cells(lines_[at_])) {
      names.push_back(without_markup(name, false, findings_).text);
    }
    const bool closed = trim(line(at_)).ends_with('|');
    at_ += 2;
    const std::size_t first = at_;
    while (at_ < lines_.size() && line(at_).find('|') != std::string_view::npos) ++at_;
    const bool hosts = std::any_of(names.begin(), names.end(), [](const std::string& name) {
      return column_of(name) == Column::host;
    });
    if (!hosts) {
      findings_.report<Diag::list_left_out>(header, "no column of this table is one of hosts");
      return;
    }
    List list;
    for (std::size_t i = first; i < at_; ++i) {
      if (is_delimiter_row(line(i))) continue;  // of a header that is repeated
      row(list, lines_[i], names, closed);
    }
    lists_.push_back(std::move(list));
  }

  void row(List& list, Range range, const std::vector<std::string>& names, bool closed) {
    const Span span = cell(range).span();
    if (closed && text_[span.end - 1] != '|') {
      findings_.report<Diag::list_spelling>({span.file, span.end - 1, span.end},
                                            "the row has no `|` at its end");
    }
    std::vector<Cell> values = cells(range);
    for (std::size_t i = 0; i < values.size() && i < names.size(); ++i) {
      const Column column = column_of(names[i]);
      const bool strict =
          column == Column::host || column == Column::port || column == Column::protocol;
      values[i] = without_markup(values[i], strict, findings_);
    }
    add_row(list, span, names, values, findings_);
  }

  // A row whose table has ended, or never began.
  void stray() {
    const Span span = cell(lines_[at_]).span();
    findings_.refuse<Diag::list_shape>(span, span, "there is no header above it");
  }

  Findings& findings_;
  std::string_view text_;
  std::vector<Range> lines_;
  std::size_t at_ = 0;
  std::vector<List> lists_;
};

}  // namespace

bool looks_like_markdown(std::string_view text) {
  for (const Range range : lines_of(text, {0, text.size()})) {
    const std::string_view line = text.substr(range.begin, range.end - range.begin);
    if (fence_of(line) || is_delimiter_row(line) || bullet(text, range)) return true;
  }
  return false;
}

std::vector<List> read_markdown(Findings& findings) {
  return MarkdownReader(findings).read();
}

}  // namespace hcipol::importer
