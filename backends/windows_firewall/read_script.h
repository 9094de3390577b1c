// The tables of a script as values, by the grammar of PowerShell.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backends/common/reading.h"

namespace hcipol::backends::windows_firewall {

/// A string, a list @( … ) or a table @{ … }.
struct ScriptValue {
  enum class Kind { text, list, table };
  Kind kind = Kind::text;
  std::string text;
  std::vector<ScriptValue> list;
  std::vector<std::pair<std::string, ScriptValue>> table;  ///< keys in lower case, no two equal
  const std::vector<ScriptValue>* shared = nullptr;        ///< of $addresses['key']: the list meant
  std::size_t line = 0;

  const std::vector<ScriptValue>& elements() const { return shared != nullptr ? *shared : list; }
};

/// The entries of a table, each of which must be asked for: done() throws for the others.
class ScriptTable {
 public:
  ScriptTable(std::string_view file, const ScriptValue& value);

  const ScriptValue* find(std::string_view key);
  /// "" if there is none of the key.
  const std::string& text(std::string_view key);
  /// Strings, at least one; empty if there is none of the key.
  std::vector<const std::string*> texts(std::string_view key);
  void done() const;
  [[noreturn]] void fail(std::string_view what) const;

 private:
  std::string_view file_;
  const ScriptValue& value_;
  std::size_t used_ = 0;
};

/// The script of a server: comments, a head, assignments of plain values, and the engine. Of the
/// language there are only single-quoted strings of ASCII, within which two quotes are one; lists,
/// tables and `$addresses[…]`. Head and engine must be the programs that `head` and `engine` are,
/// to the byte: what those do with the tables is not read here but tried by tests.
class ScriptReader {
 public:
  ScriptReader(std::string_view file, std::string_view text, std::string_view head,
               std::string_view engine);

  /// The value of `$name`; throws Unreadable if there is none, unless it `may_lack`.
  const ScriptValue* value(std::string_view name, bool may_lack = false) const;
  const std::map<std::string, ScriptValue, std::less<>>& values() const { return values_; }

 private:
  void comments();
  void assignment();
  ScriptValue read_value();
  ScriptValue list();
  ScriptValue table();
  ScriptValue shared_list();
  std::string string();
  std::string_view word();
  bool take(std::string_view text);
  void need(std::string_view text);
  void blanks();
  /// Blanks, line ends and whatever else may stand between elements; whether there was any.
  bool separator(char also);
  std::size_t line() const;
  [[noreturn]] void fail(std::string_view what) const;

  std::string_view file_;
  std::string_view text_;
  std::size_t at_ = 0;
  mutable std::size_t line_ = 1;     ///< at `counted_`
  mutable std::size_t counted_ = 0;  ///< a place in the text
  std::size_t entries_ = 0;          ///< of the table before: those of a list are alike
  std::map<std::string, ScriptValue, std::less<>> values_;
};

}  // namespace hcipol::backends::windows_firewall
