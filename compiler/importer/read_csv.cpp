// Fields of a sheet that was saved as text.
#include <algorithm>
#include <optional>
#include <string>

#include "importer/read.h"
#include "support/text.h"

namespace hcipol::importer {

namespace {

// Nothing if there is no such header.
std::optional<char> separator_of(std::string_view text) {
  const std::string_view header = text.substr(0, text.find('\n'));
  for (const char separator : {',', ';', '\t'}) {
    const auto names = split(header, separator);
    const bool host = std::any_of(names.begin(), names.end(), [](std::string_view name) {
      name = trim(name);
      if (name.size() > 1 && name.starts_with('"') && name.ends_with('"')) {
        name = name.substr(1, name.size() - 2);
      }
      return column_of(name) == Column::host;
    });
    if (host) return separator;
  }
  return std::nullopt;
}

class CsvReader {
 public:
  CsvReader(char separator, Findings& findings)
      : separator_(separator), findings_(findings), text_(findings.text()) {}

  List read() {
    List list;
    std::vector<std::string> headings;
    while (at_ < text_.size()) {
      const std::size_t begin = at_;
      std::vector<Cell> cells = record();
      if (damaged_) return list;
      const Span span{findings_.file(), static_cast<std::uint32_t>(begin), cells.back().span().end};
      if (cells.size() == 1 && cells.front().text.empty()) continue;
      if (headings.empty()) {
        for (const Cell& cell : cells) headings.push_back(without_blanks(cell, findings_).text);
      } else {
        add_row(list, span, headings, cells, findings_);
      }
    }
    return list;
  }

 private:
  std::vector<Cell> record() {
    std::vector<Cell> cells;
    for (;;) {
      cells.push_back(text_.substr(at_).starts_with('"') ? quoted() : plain());
      if (damaged_ || at_ >= text_.size() || text_[at_] != separator_) break;
      ++at_;
    }
    if (at_ < text_.size() && text_[at_] == '\r') ++at_;
    if (at_ < text_.size() && text_[at_] == '\n') ++at_;
    return cells;
  }

  bool ends_field(std::size_t at) const {
    return at >= text_.size() || text_[at] == separator_ || text_[at] == '\n' ||
           text_.substr(at).starts_with("\r\n");
  }

  Cell plain() {
    const std::size_t begin = at_;
    while (!ends_field(at_)) ++at_;
    return verbatim(findings_.file(), text_, begin, at_);
  }

  Cell quoted() {
    const auto open = static_cast<std::uint32_t>(at_++);
    Cell cell{findings_.file(), "", {}, open + 1};
    while (at_ < text_.size()) {
      const auto place = static_cast<std::uint32_t>(at_);
      if (text_[at_] != '"') {
        cell.add(text_[at_++], place, 1);
      } else if (text_.substr(at_).starts_with("\"\"")) {
        cell.add('"', place, 2);
        at_ += 2;
      } else if (ends_field(at_ + 1)) {
        ++at_;
        return cell;
      } else {
        damage(place, "after a closing `\"` comes the next field or line");
        return cell;
      }
    }
    damage(open, "this `\"` is never closed");
    return cell;
  }

  void damage(std::uint32_t place, std::string_view why) {
    damaged_ = true;
    findings_.report<Diag::list_damaged>({findings_.file(), place, place + 1}, "table", why);
  }

  char separator_;
  Findings& findings_;
  std::string_view text_;
  std::size_t at_ = 0;
  bool damaged_ = false;
};

}  // namespace

bool looks_like_csv(std::string_view text) {
  return separator_of(text).has_value();
}

std::vector<List> read_csv(Findings& findings) {
  return {CsvReader(separator_of(findings.text()).value(), findings).read()};
}

}  // namespace hcipol::importer
