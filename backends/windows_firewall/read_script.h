// The tables of a script as values, by the grammar of PowerShell.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "backends/common/reading.h"

namespace hcipol::backends::windows_firewall {

/// A string, a list @( … ) or a table @{ … }. The values of a script are one array: behind each
/// one are those that are within it, in the order of the script. So a copy of one means nothing.
struct ScriptValue {
  enum class Kind : std::uint8_t { text, list, table };

  /// Steps over what is within the elements.
  struct Iterator {
    const ScriptValue* at;
    const ScriptValue& operator*() const { return *at; }
    Iterator& operator++() {
      at += at->size;
      return *this;
    }
    bool operator==(const Iterator&) const = default;
  };

  std::string_view key;      ///< in the table that it is in: in lower case, no two equal
  std::string_view source;   ///< what a string says; a list or a table as the script has it
  std::uint32_t size = 1;    ///< with all that is within it
  std::uint32_t shared = 0;  ///< of $addresses['key']: how far before this the list meant is
  Kind kind = Kind::text;

  std::string_view text() const { return kind == Kind::text ? source : std::string_view(); }
  /// The list itself, or the one meant.
  const ScriptValue& meant() const { return *(this - shared); }
  /// The elements of a list, the entries of a table.
  Iterator begin() const { return {this + 1}; }
  Iterator end() const { return {this + size}; }
  std::size_t elements() const;
};

class ScriptReader;

/// The entries of a table, each of which must be asked for: done() throws for the others.
class ScriptTable {
 public:
  ScriptTable(const ScriptReader& script, const ScriptValue& value);

  const ScriptValue* find(std::string_view key);
  /// "" if there is none of the key.
  std::string_view text(std::string_view key);
  /// A list of strings, at least one; null if there is none of the key.
  const ScriptValue* texts(std::string_view key);
  void done() const;
  [[noreturn]] void fail(std::string_view what) const;

 private:
  const ScriptReader& script_;
  const ScriptValue& value_;
  std::size_t used_ = 0;
};

/// The script of a server: comments, a head, assignments of plain values, and the engine. Of the
/// language there are only single-quoted strings of ASCII, within which two quotes are one; lists,
/// tables and `$addresses[…]`. Head and engine must be the programs that `head` and `engine` are,
/// to the byte: what those do with the tables is not read here but tried by tests. Values point
/// into the text.
class ScriptReader {
 public:
  ScriptReader(std::string_view file, std::string_view text, std::string_view head,
               std::string_view engine);

  std::string_view file() const { return file_; }
  /// The value of `$name`; throws Unreadable if there is none, unless it `may_lack`.
  const ScriptValue* value(std::string_view name, bool may_lack = false) const;
  /// Of all variables, by name, where their values are in the array.
  const std::map<std::string, std::size_t, std::less<>>& variables() const { return variables_; }
  /// The one that the source is on, which must be from this script.
  std::size_t line_of(std::string_view source) const;

 private:
  void comments();
  void assignment();
  void read_value(std::string_view key);
  void list();
  void table(std::size_t index);
  std::size_t shared_list();
  std::string_view string();
  std::string_view string_part();
  std::string_view word();
  std::string_view key();
  bool take(std::string_view text);
  bool take(char c);
  void need(char c);
  bool next_is(char c) const { return at_ < text_.size() && text_[at_] == c; }
  /// What there is of characters that are such.
  template <class Is>
  std::string_view run(Is is);
  void blanks();
  /// Blanks, line ends and whatever else may stand between elements; whether there was any.
  bool separator(char also);
  [[noreturn]] void fail(std::string_view what) const;

  std::string_view file_;
  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<ScriptValue> values_;
  std::map<std::string, std::size_t, std::less<>> variables_;
  /// In lower case, by how they are written: those of tables are few.
  std::unordered_map<std::string_view, std::string> keys_;
  std::deque<std::string> unquoted_;  ///< strings that are not as in the text
};

}  // namespace hcipol::backends::windows_firewall
