// The library parses; places are found in the text again, between the end of the token before and
// the end of this one.
#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>

#include "importer/read.h"
#include "support/bug.h"
#include "support/text.h"

namespace hcipol::importer {

namespace {

/// Lets the library read a text and counts how far it has come.
class Counted {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  Counted(const char* at, std::size_t* count) : at_(at), count_(count) {}

  reference operator*() const { return *at_; }
  Counted& operator++() {
    ++at_;
    ++*count_;
    return *this;
  }
  Counted operator++(int) {
    const Counted before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const Counted& a, const Counted& b) { return a.at_ == b.at_; }
  friend bool operator!=(const Counted& a, const Counted& b) { return a.at_ != b.at_; }

 private:
  const char* at_;
  std::size_t* count_;
};

class Walker final : public nlohmann::json_sax<nlohmann::json> {
 public:
  Walker(std::string_view text, std::size_t begin, const std::size_t& count, Findings& findings)
      : text_(text), begin_(begin), count_(count), findings_(findings) {}

  std::vector<List> take() { return std::move(lists_); }

  bool null() override {
    seen_ = count_;
    return true;
  }
  bool boolean(bool truth) override { return value(bare(truth ? "true" : "false")); }
  bool number_integer(number_integer_t) override { return value(number()); }
  bool number_unsigned(number_unsigned_t) override { return value(number()); }
  bool number_float(number_float_t, const string_t&) override { return value(number()); }
  bool string(string_t& text) override { return value(quoted(text)); }
  bool binary(binary_t&) override { bug("there is no binary data in JSON text"); }

  bool start_object(std::size_t) override { return open(true); }

  bool key(string_t& text) override {
    Open& object = open_.back();
    object.key = without_blanks(quoted(text), findings_);
    const bool added = object.keys.insert(object.key.text).second;
    if (!added && !object.twice) object.twice = object.key;
    return true;
  }

  bool end_object() override {
    Open object = std::move(open_.back());
    open_.pop_back();
    object.row.span = {findings_.file(), object.begin, place(count_)};
    if (object.twice) {
      findings_.refuse<Diag::list_shape>(
          object.row.span, object.twice->span(),
          fmt::format("it has two keys `{}`", one_line(object.twice->text, 80)));
    } else if (object.holds_rows &&
               (object.row.has(Column::port) || object.row.has(Column::protocol))) {
      // No row can be left out for it: which of them it is for is not known.
      findings_.report<Diag::list_shape>(object.place_of_port(),
                                         "a port stands outside of the objects with the hosts");
    } else if (object.row.has(Column::host)) {
      list().rows.push_back(std::move(object.row));
    } else if (!object.holds_rows && !object.row.fields.empty()) {
      const Span brace{findings_.file(), object.begin, object.begin + 1};
      findings_.refuse<Diag::list_shape>(object.row.span, brace,
                                         "none of its keys is that of a host, such as `URL`");
    }
    for (Open& outer : open_) outer.holds_rows = true;
    seen_ = count_;
    return true;
  }

  bool start_array(std::size_t) override { return open(false); }

  bool end_array() override {
    open_.pop_back();
    seen_ = count_;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    const std::uint32_t at = place(position > 0 ? position - 1 : 0);
    const bool inside = at < begin_ + text_.size();
    findings_
        .report<Diag::list_damaged>({findings_.file(), at, inside ? at + 1 : at}, "JSON",
                                    inside ? "something else must stand here" : "it ends too early")
        .help("mend it here; a comma, a quotation mark or a bracket is missing or too much");
    return false;
  }

 private:
  /// An object or array that is not at its end yet.
  struct Open {
    bool object = true;
    std::uint32_t begin = 0;
    Cell key;
    Row row;
    std::set<std::string> keys;
    std::optional<Cell> twice;  ///< the first key that was there before
    bool holds_rows = false;

    Span place_of_port() const {
      const auto port = std::find_if(row.fields.begin(), row.fields.end(), [](const Field& field) {
        return field.column == Column::port || field.column == Column::protocol;
      });
      return port->value.span();
    }
  };

  bool open(bool object) {
    constexpr std::size_t deepest = 64;
    if (open_.size() == deepest) {
      const std::uint32_t at = place(count_ - 1);
      findings_.report<Diag::list_damaged>({findings_.file(), at, at + 1}, "JSON",
                                           "it is nested more than 64 levels deep");
      return false;
    }
    Open& opened = open_.emplace_back();
    opened.object = object;
    opened.begin = place(count_ - 1);
    seen_ = count_;
    return true;
  }

  std::uint32_t place(std::size_t at) const { return static_cast<std::uint32_t>(begin_ + at); }

  List& list() {
    if (lists_.empty()) lists_.emplace_back();
    return lists_.back();
  }

  // A value of the object around it, also through an array, or an element of an array of texts.
  bool value(Cell cell) {
    seen_ = count_;
    for (auto open = open_.rbegin(); open != open_.rend(); ++open) {
      if (!open->object) continue;
      const std::string& heading = open->key.text;
      open->row.fields.push_back({column_of(heading), heading, std::move(cell)});
      return true;
    }
    const Span span = cell.span();
    list().rows.push_back({span, {{Column::host, "", std::move(cell)}}});
    return true;
  }

  Cell bare(std::string_view word) const {
    const std::size_t at = text_.find(word, seen_);
    return verbatim(findings_.file(), findings_.text(), begin_ + at, begin_ + at + word.size());
  }

  Cell number() const {
    const std::size_t at = text_.find_first_of("-0123456789", seen_);
    const std::size_t stop = std::min(text_.find_first_not_of("+-.0123456789eE", at), text_.size());
    return verbatim(findings_.file(), findings_.text(), begin_ + at, begin_ + stop);
  }

  // `decoded` is what stands between the quotes, without escapes.
  Cell quoted(const std::string& decoded) {
    std::size_t at = text_.find('"', seen_) + 1;
    Cell cell{findings_.file(), "", {}, place(at)};
    for (std::size_t i = 0; i < decoded.size();) {
      std::size_t bytes = 1, raw = 1;
      if (text_[at] == '\\' && text_[at + 1] == 'u') {
        // The lead byte says how long the character is; the longest ones are written in two halves.
        const auto lead = static_cast<unsigned char>(decoded[i]);
        bytes = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
        raw = bytes == 4 ? 12 : 6;
      } else if (text_[at] == '\\') {
        raw = 2;
      }
      for (std::size_t k = 0; k < bytes; ++k, ++i) {
        cell.add(decoded[i], place(at), static_cast<std::uint32_t>(raw));
      }
      at += raw;
    }
    seen_ = count_;
    return cell;
  }

  std::string_view text_;
  std::size_t begin_;
  const std::size_t& count_;
  std::size_t seen_ = 0;  ///< where the token before ended
  Findings& findings_;
  std::vector<Open> open_;
  std::vector<List> lists_;
};

}  // namespace

bool looks_like_json(std::string_view text) {
  text = trim(text);
  if (!text.starts_with('[') && !text.starts_with('{')) return false;
  const std::string_view rest = trim(text.substr(1));
  return rest.empty() || std::string_view("{[\"]}").find(rest.front()) != std::string_view::npos ||
         rest.starts_with("\xE2\x80");
}

std::vector<List> read_json(Range range, Findings& findings) {
  const std::string text = with_plain_quotes(range, findings);
  std::size_t count = 0;
  Walker walker(text, range.begin, count, findings);
  const Counted begin(text.data(), &count);
  std::size_t none = 0;
  const Counted end(text.data() + text.size(), &none);
  if (!nlohmann::json::sax_parse(begin, end, &walker)) return {};
  return walker.take();
}

}  // namespace hcipol::importer
