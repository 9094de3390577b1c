// The picture: the lines that matter, carets under the place, the other places below it.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "diagnostics/render.h"
#include "support/text.h"

namespace hcipol {

namespace {

struct Style {
  std::string_view error, warning, frame, bold, reset;
};

constexpr Style plain{"", "", "", "", ""};
constexpr Style ansi{"\x1b[1;31m", "\x1b[1;33m", "\x1b[1;34m", "\x1b[1m", "\x1b[0m"};

struct Mark {
  std::uint32_t column = 1;
  std::uint32_t width = 1;
  bool primary = false;
  std::string_view text;
};

// Tabs and control characters would move the carets; they are shown as one blank each.
std::string visible(std::string_view line) {
  return one_line(line, line.size());
}

class Picture {
 public:
  Picture(const Diagnostic& diagnostic, const SourceMap& sources, const Style& style)
      : d_(diagnostic), sources_(sources), style_(style) {}

  std::string draw() {
    collect();
    std::string out = header();
    if (!lines_.empty()) out += snippet();
    for (const std::string& note : d_.notes) out += footer("note", note);
    for (const Fix& fix : d_.fixes) out += footer("fix", fix_text(fix));
    if (!d_.help.empty()) out += footer("help", d_.help);
    return out;
  }

 private:
  using Key = std::pair<FileId, std::uint32_t>;

  void collect() {
    add(d_.span, d_.primary_label, true);
    for (const Label& label : d_.labels) add(label.span, label.text, false);
    std::uint32_t last = 1;
    for (const auto& [key, marks] : lines_) last = std::max(last, key.second);
    gutter_ = std::max<std::size_t>(fmt::formatted_size("{}", last), 2);
  }

  void add(Span span, std::string_view text, bool primary) {
    if (span.file == FileId::no_file) return;
    const LineColumn begin = sources_.line_column(span.file, span.begin);
    const LineColumn end = sources_.line_column(span.file, span.end);
    const auto line_width =
        static_cast<std::uint32_t>(code_points(sources_.line(span.file, begin.line)));
    const std::uint32_t stop = end.line == begin.line ? end.column : line_width + 1;
    const std::uint32_t width = stop > begin.column ? stop - begin.column : 1;
    lines_[{span.file, begin.line}].push_back({begin.column, width, primary, text});
  }

  std::string header() const {
    const bool error = d_.severity == Severity::Error;
    return fmt::format("{}{}[{}]{}{}: {}{}\n", error ? style_.error : style_.warning,
                       error ? "error" : "warning", entry(d_.id).code, style_.reset, style_.bold,
                       d_.message, style_.reset);
  }

  std::string margin(std::string_view number, std::string_view bar) const {
    return fmt::format("{}{:>{}} {}{}", style_.frame, number, gutter_, bar, style_.reset);
  }

  // The file of the main place comes first, whatever its number.
  std::vector<Key> order() const {
    std::vector<Key> keys;
    for (const auto& [key, marks] : lines_) keys.push_back(key);
    std::stable_partition(keys.begin(), keys.end(),
                          [&](const Key& key) { return key.first == d_.span.file; });
    return keys;
  }

  std::string snippet() const {
    std::string out;
    FileId shown = FileId::no_file;
    std::uint32_t previous = 0;
    for (const Key& key : order()) {
      const auto& [file, number] = key;
      if (file != shown) {
        const std::uint32_t column = lines_.at(key).front().column;
        const LineColumn at = file == d_.span.file ? sources_.line_column(file, d_.span.begin)
                                                   : LineColumn{number, column};
        out += fmt::format("{} {}:{}:{}\n", margin("", "┌─"), sources_.file(file).path, at.line,
                           at.column);
      } else if (number > previous + 1) {
        out += margin("", "·") + "\n";
      }
      shown = file;
      previous = number;
      out += draw_line(key);
    }
    return out;
  }

  std::string draw_line(const Key& key) const {
    const std::string number = fmt::format("{}", key.second);
    std::string out =
        fmt::format("{} {}\n", margin(number, "│"), visible(sources_.line(key.first, key.second)));
    for (const Mark& mark : lines_.at(key)) {
      const std::string carets(std::min<std::uint32_t>(mark.width, 120), mark.primary ? '^' : '-');
      const bool error = d_.severity == Severity::Error;
      const std::string_view color = !mark.primary ? style_.frame
                                     : error       ? style_.error
                                                   : style_.warning;
      out += fmt::format("{} {:{}}{}{}{}{}{}\n", margin("", "│"), "", mark.column - 1, color,
                         carets, mark.text.empty() ? "" : " ", mark.text, style_.reset);
    }
    return out;
  }

  std::string fix_text(const Fix& fix) const {
    if (fix.text.empty()) return fmt::format("remove `{}`", sources_.text(fix.span));
    if (fix.span.begin == fix.span.end) return fmt::format("insert `{}`", fix.text);
    return fmt::format("write `{}`", fix.text);
  }

  std::string footer(std::string_view kind, std::string_view text) const {
    return fmt::format("{} {}{}:{} {}\n", margin("", "="), style_.bold, kind, style_.reset, text);
  }

  const Diagnostic& d_;
  const SourceMap& sources_;
  const Style& style_;
  std::map<Key, std::vector<Mark>> lines_;
  std::size_t gutter_ = 2;
};

}  // namespace

std::string render_human(std::span<const Diagnostic> diagnostics, const SourceMap& sources,
                         bool color, std::size_t limit) {
  std::size_t shown[2] = {0, 0};
  std::size_t hidden[2] = {0, 0};
  std::string out;
  for (const Diagnostic& d : diagnostics) {
    const auto kind = static_cast<std::size_t>(d.severity);
    if (shown[kind] == limit) {
      ++hidden[kind];
      continue;
    }
    ++shown[kind];
    if (!out.empty()) out += "\n";
    out += Picture(d, sources, color ? ansi : plain).draw();
  }
  if (hidden[0] > 0) out += fmt::format("\n… and {}\n", counted(hidden[0], "more error", ""));
  if (hidden[1] > 0) out += fmt::format("\n… and {}\n", counted(hidden[1], "more warning", ""));
  return out;
}

}  // namespace hcipol
