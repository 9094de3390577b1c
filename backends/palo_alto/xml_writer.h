// Lines of XML, written one after the other. What XML needs escaped is left to pugixml.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backends/palo_alto/document.h"

namespace hcipol::backends::palo_alto {

/// Where that stands which rules have in common, as it was written last: most of a rule is in
/// thousands of others.
struct Repeated {
  const void* what = nullptr;  ///< null: nothing yet
  std::size_t begin = 0;
  std::size_t size = 0;
};

/// The text of what is written in thousands, with holes for what differs from one to the next.
class Form {
 public:
  /// What is written in the place of values for a form to be made. No text for a device has
  /// characters like these.
  static constexpr std::array<std::string_view, 4> holes{"\1", "\2", "\3", "\4"};
  static bool is_hole(std::string_view text) {
    return text.size() == 1 && text[0] >= holes.front()[0] && text[0] <= holes.back()[0];
  }

  Form() = default;
  Form(std::string_view text, std::vector<const char*> open);
  bool empty() const { return rest_.empty(); }
  void append_to(std::string& out, std::span<const std::string_view> values) const;
  /// The elements that are open behind it.
  const std::vector<const char*>& open() const { return open_; }

 private:
  struct Piece {
    std::string text;
    std::size_t value = 0;  ///< which one follows
  };

  std::vector<Piece> pieces_;
  std::string rest_;
  std::vector<const char*> open_;
};

class XmlWriter {
 public:
  explicit XmlWriter(std::size_t expected) { text_.reserve(expected); }

  void line(std::initializer_list<std::string_view> parts);
  void open(const char* element);
  void open(const char* element, const char* attribute, std::string_view value,
            std::string_view more = {});
  void close(std::size_t count = 1);
  void empty(const char* element) { line({"<", element, " />"}); }
  void text(const char* element, std::string_view value);
  void text_if(const char* element, std::string_view value) {
    if (!value.empty()) text(element, value);
  }
  /// A list of one stands in one line: most lists are, and a rule is to be seen at a glance.
  void members(const char* element, const Members& list);
  /// What `write` writes, which is always the same for one `what` at one depth.
  template <class Write>
  void repeat(Repeated& last, const void* what, Write write) {
    if (last.what == what) {
      text_.append(text_, last.begin, last.size);
      return;
    }
    last = {what, text_.size(), 0};
    write();
    last.size = text_.size() - last.begin;
  }
  /// What `write` writes of the values, a list of texts. For one form that is always the same but
  /// for them, as are their number and the depth.
  template <class Values, class Write>
  void fill(Form& form, const Values& values, Write write) {
    if (std::all_of(values.begin(), values.end(), stands_as_it_is)) {
      fill_names(form, values, write);
    } else {
      write(values);
    }
  }
  /// The same of names, addresses and ports, in which nothing is to be escaped.
  template <class Values, class Write>
  void fill_names(Form& form, const Values& values, Write write) {
    if (values.size() > Form::holes.size()) {
      write(values);
      return;
    }
    if (form.empty()) {
      const std::size_t begin = text_.size();
      const std::vector<const char*> open = open_;
      Values holes = values;
      std::copy_n(Form::holes.begin(), holes.size(), holes.begin());
      write(holes);
      form = Form(std::string_view(text_).substr(begin), std::exchange(open_, open));
      text_.resize(begin);
    }
    form.append_to(text_, values);
    open_ = form.open();
  }
  std::string take() { return std::move(text_); }

 private:
  /// In a text or in an attribute.
  static bool stands_as_it_is(std::string_view text);

  std::string text_;
  std::vector<const char*> open_;
};

}  // namespace hcipol::backends::palo_alto
