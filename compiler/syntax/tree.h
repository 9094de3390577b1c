// What this room shares about tree-sitter: owning handles, and node kinds as an enum instead of
// strings.
#pragma once

#include <tree_sitter/api.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace hcipol::syntax {

struct TreeDeleter {
  void operator()(TSTree* tree) const { ts_tree_delete(tree); }
};
using Tree = std::unique_ptr<TSTree, TreeDeleter>;

/// The concrete tree of `text`; never null.
Tree parse_tree(std::string_view text);

/// The concrete tree of `text` if it has no errors; otherwise null, and `error_at` is the first
/// place that makes no sense. Slower than parse_tree, but safe for texts of any size (see
/// chunks.h).
Tree parse_tree_without_errors(std::string_view text, std::uint32_t& error_at);

/// Every node of grammar.js that somebody asks for.
enum class Kind : std::uint8_t {
  other,
  error,
  source_file,
  attribute,
  block,
  body,
  rule,
  check,
  flow,
  conditional,
  binary,
  unary,
  reference,
  member,
  index,
  call,
  arguments,
  parenthesized,
  list,
  object,
  entry,
  for_list,
  for_object,
  for_clause,
  if_clause,
  interpolation,
  boolean,
  null,
  number,
  address,
  address_range,
  service,
  date,
  duration,
  string,
  text,
  string_content,
  text_content,
  escape,
  identifier,
  comment,
  open_brace,
  close_brace,
  open_bracket,
  close_bracket,
  open_paren,
  close_paren,
  comma,
  quote,
  text_quote,
  open_interpolation,
  dot,
  bang,
};

enum class Field : std::uint8_t {
  none,
  action,
  alias,
  arguments,
  arrow,
  body,
  else_,
  first,
  flow,
  from,
  function,
  in,
  key,
  kind,
  label,
  left,
  name,
  of,
  operand,
  operator_,
  right,
  second,
  service,
  test,
  then,
  to,
  value,
  verb,
};

/// Numbers of the generated parser → our enums. Built once per parse: a few microseconds.
class Vocabulary {
 public:
  Vocabulary();
  Kind kind(TSNode node) const {
    const TSSymbol symbol = ts_node_symbol(node);
    return symbol < kinds_.size() ? kinds_[symbol] : Kind::error;  // ERROR is the largest number
  }
  Field field(TSFieldId id) const { return fields_[id]; }

 private:
  std::vector<Kind> kinds_;
  std::vector<Field> fields_;
};

inline bool is_item(Kind kind) {
  return kind == Kind::attribute || kind == Kind::block || kind == Kind::rule ||
         kind == Kind::check;
}
inline bool is_expression(Kind kind) {
  return (kind >= Kind::flow && kind <= Kind::call) ||
         (kind >= Kind::parenthesized && kind <= Kind::object) || kind == Kind::for_list ||
         kind == Kind::for_object || (kind >= Kind::boolean && kind <= Kind::text);
}

/// A place in the tree that cleans up after itself.
class Cursor {
 public:
  explicit Cursor(TSNode node) : cursor_(ts_tree_cursor_new(node)) {}
  ~Cursor() { ts_tree_cursor_delete(&cursor_); }
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;

  TSNode node() const { return ts_tree_cursor_current_node(&cursor_); }
  TSFieldId field() const { return ts_tree_cursor_current_field_id(&cursor_); }

  /// Calls `visit()` with the cursor on each child in turn; `visit` must leave it where it was.
  template <class Visit>
  void each_child(Visit&& visit) {
    if (!ts_tree_cursor_goto_first_child(&cursor_)) return;
    do {
      visit();
    } while (ts_tree_cursor_goto_next_sibling(&cursor_));
    ts_tree_cursor_goto_parent(&cursor_);
  }

 private:
  TSTreeCursor cursor_;
};

}  // namespace hcipol::syntax
