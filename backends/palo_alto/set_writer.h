// The same configuration as commands for the command line, one for each value.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backends/palo_alto/document.h"

namespace hcipol::backends::palo_alto {

/// A word of the command line: in quotation marks unless it is made of letters, digits and
/// `. _ : / , @ * -` alone. What no quotation mark helps against (`"` itself, `?` for help, `\`,
/// `|`) becomes another character, which only texts for people can have.
std::string command_word(std::string_view text);

/// Commands in configuration mode, each beginning with `verb`. Has the functions of the writer of
/// XML: elements become words of the commands' paths, and entries their names.
class SetWriter {
 public:
  explicit SetWriter(std::string_view verb) : verb_(verb) {}

  void open(const char* element) { path_.emplace_back(element); }
  /// An entry, or any other element that has a name.
  void open(const char*, const char*, std::string_view name) {
    path_.push_back(command_word(name));
  }
  void close(std::size_t count = 1) { path_.resize(path_.size() - count); }
  void empty(const char* element) { line({element}); }
  void text(const char* element, std::string_view value) { line({element, command_word(value)}); }
  void text_if(const char* element, std::string_view value) {
    if (!value.empty()) text(element, value);
  }
  /// Long lists take several commands, because each adds to what is there already.
  void members(const char* element, const Members& list);
  /// As those of XML, but every command begins with what it is about.
  template <class Last, class Write>
  void repeat(Last&, const void*, Write write) {
    write();
  }
  template <class Form, class Values, class Write>
  void fill(Form&, const Values& values, Write write) {
    write(values);
  }
  template <class Form, class Values, class Write>
  void fill_names(Form&, const Values& values, Write write) {
    write(values);
  }
  /// What a command here begins with, and a blank.
  std::string beginning() const;
  std::string take() { return std::move(text_); }

 private:
  void line(const std::vector<std::string>& words);

  std::string_view verb_;
  std::vector<std::string> path_;
  std::string text_;
};

/// Opens what rules or shared objects stand in, and says how much of it there is to close: nothing
/// on a firewall whose virtual systems need no names.
std::size_t open_place(SetWriter& out, const Location& location, bool shared);

}  // namespace hcipol::backends::palo_alto
