// Typographic quotation marks in JSON, as word processors put them. Only the marks are replaced, by
// as many bytes, so that every place stays what it was; whether the rest is JSON is for the parser.
#include <algorithm>
#include <optional>
#include <string>

#include "importer/read.h"

namespace hcipol::importer {

namespace {

// U+201C … U+201F.
constexpr std::size_t mark_size = 3;

bool is_mark(std::string_view text, std::size_t at) {
  return text.substr(at, 2) == "\xE2\x80" && at + 2 < text.size() &&
         static_cast<unsigned char>(text[at + 2]) >= 0x9C &&
         static_cast<unsigned char>(text[at + 2]) <= 0x9F;
}

class Mender {
 public:
  Mender(Range range, Findings& findings)
      : text_(findings.text().substr(0, range.end)),
        begin_(range.begin),
        findings_(findings),
        out_(text_.substr(range.begin)) {}

  std::string mend() {
    for (std::size_t at = begin_; at < text_.size();) {
      if (text_[at] == '"') {
        at = after_string(at, at + 1);
      } else if (is_mark(text_, at)) {
        at = after_string(at, at + mark_size);
      } else {
        ++at;
      }
    }
    return std::move(out_);
  }

 private:
  // What may follow a text in JSON. Marks inside a text are followed by something else.
  bool ends_value(std::size_t at) const {
    at = text_.find_first_not_of(" \t\r\n", at);
    return at == text_.npos || std::string_view(",:}]").find(text_[at]) != std::string_view::npos;
  }

  // A text that a `"` opened ends at the next one, as in JSON, if there is one on the line.
  std::optional<std::size_t> closing(std::size_t from, bool plainly) const {
    for (std::size_t at = from; at < text_.size() && text_[at] != '\n'; ++at) {
      if (text_[at] == '\\') {
        ++at;
      } else if (text_[at] == '"' && (plainly || ends_value(at + 1))) {
        return at;
      } else if (!plainly && is_mark(text_, at) && ends_value(at + mark_size)) {
        return at;
      }
    }
    return std::nullopt;
  }

  std::size_t after_string(std::size_t open, std::size_t content) {
    if (content < hopeless_) return content;
    auto close = text_[open] == '"' ? closing(content, true) : std::nullopt;
    if (!close) close = closing(content, false);
    if (!close) {
      hopeless_ = std::min(text_.find('\n', content), text_.size());
      return content;
    }
    std::vector<Span> marks;
    for (const std::size_t at : {open, *close}) {
      if (text_[at] == '"') continue;
      // Blanks go outside of the text.
      out_.replace(at - begin_, mark_size, at == open ? "  \"" : "\"  ");
      marks.push_back({findings_.file(), static_cast<std::uint32_t>(at),
                       static_cast<std::uint32_t>(at + mark_size)});
    }
    if (!marks.empty()) {
      auto report = findings_.report<Diag::list_quotes>(marks.front());
      if (marks.size() > 1) report.label(marks.back(), "and this one");
      for (const Span mark : marks) report.fix(mark, "\"");
    }
    return text_[*close] == '"' ? *close + 1 : *close + mark_size;
  }

  std::string_view text_;
  std::size_t begin_;
  Findings& findings_;
  std::string out_;
  std::size_t hopeless_ = 0;  ///< up to here nothing closes a text
};

}  // namespace

std::string with_plain_quotes(Range range, Findings& findings) {
  return Mender(range, findings).mend();
}

}  // namespace hcipol::importer
