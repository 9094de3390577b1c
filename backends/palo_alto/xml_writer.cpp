// The tree of a whole configuration would be many times its text, so pugixml sees only the texts
// that need it.
#include "backends/palo_alto/xml_writer.h"

#include <pugixml.hpp>
#include <sstream>

#include "support/text.h"

namespace hcipol::backends::palo_alto {

namespace {

bool plain(std::string_view text) {
  return printable_ascii_but<'&', '<', '>', '"'>(text);
}

// What pugixml writes between the first `open` and the last `close`.
std::string between(char open, char close, const pugi::xml_document& document) {
  std::ostringstream out;
  document.print(out, "", pugi::format_raw | pugi::format_no_declaration);
  const std::string text = out.str();
  const std::size_t begin = text.find(open) + 1;
  return text.substr(begin, text.rfind(close) - begin);
}

std::string escaped_attribute(std::string_view value) {
  pugi::xml_document document;
  document.append_child("x").append_attribute("y").set_value(std::string(value).c_str());
  return between('"', '"', document);
}
std::string escaped_text(std::string_view value) {
  pugi::xml_document document;
  document.append_child("x").append_child(pugi::node_pcdata).set_value(std::string(value).c_str());
  return between('>', '<', document);
}

/// A text that stands in XML as it is, or else escaped.
class Escaped {
 public:
  using Escape = std::string (*)(std::string_view);

  Escaped(std::string_view value, Escape escape)
      : escaped_(plain(value) || Form::is_hole(value) ? "" : escape(value)),
        value_(escaped_.empty() ? value : escaped_) {}
  Escaped(const Escaped&) = delete;
  Escaped& operator=(const Escaped&) = delete;
  operator std::string_view() const { return value_; }

 private:
  std::string escaped_;
  std::string_view value_;
};

}  // namespace

Form::Form(std::string_view text, std::vector<const char*> open) : open_(std::move(open)) {
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (!is_hole(text.substr(at, 1))) continue;
    pieces_.push_back({std::string(text.substr(begin, at - begin)),
                       static_cast<std::size_t>(text[at] - holes[0][0])});
    begin = at + 1;
  }
  rest_ = text.substr(begin);
}

void Form::append_to(std::string& out, std::span<const std::string_view> values) const {
  for (const Piece& piece : pieces_) {
    out += piece.text;
    out += values[piece.value];
  }
  out += rest_;
}

void XmlWriter::line(std::initializer_list<std::string_view> parts) {
  text_.append(2 * open_.size(), ' ');
  for (const std::string_view part : parts) text_ += part;
  text_ += '\n';
}

void XmlWriter::open(const char* element) {
  line({"<", element, ">"});
  open_.push_back(element);
}

void XmlWriter::open(const char* element, const char* attribute, std::string_view value,
                     std::string_view more) {
  line({"<", element, " ", attribute, "=\"", Escaped(value, escaped_attribute), "\"", more, ">"});
  open_.push_back(element);
}

void XmlWriter::close(std::size_t count) {
  for (; count > 0; --count) {
    const char* element = open_.back();
    open_.pop_back();
    line({"</", element, ">"});
  }
}

void XmlWriter::text(const char* element, std::string_view value) {
  line({"<", element, ">", Escaped(value, escaped_text), "</", element, ">"});
}

void XmlWriter::members(const char* element, const Members& list) {
  if (list.empty()) return empty(element);
  if (list.size() == 1) {
    const Escaped member(list.front(), escaped_text);
    return line({"<", element, "><member>", member, "</member></", element, ">"});
  }
  open(element);
  for (const std::string_view member : list) text("member", member);
  close();
}

bool XmlWriter::stands_as_it_is(std::string_view text) {
  return plain(text);
}

}  // namespace hcipol::backends::palo_alto
