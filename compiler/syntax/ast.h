// The nodes of a `.hcipol` file: what was written, before anything is known about it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "support/span.h"

namespace hcipol::syntax {

struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

/// A literal that the grammar takes leniently and sema checks: the text is exactly what was
/// written.
struct Literal {
  enum class Kind { number, address, address_range, service, date, duration, boolean, null };
  Kind kind = Kind::null;
  std::string_view text;  ///< into the SourceMap
};

/// `"…"` or `"""…"""`: text with expressions in it. Escapes are resolved; the indentation of `"""`
/// is removed. A string without `${…}` has one piece (or none when empty).
struct Template {
  struct Piece {
    std::string text;  ///< used when `value` is null
    ExprPtr value;     ///< an interpolation
  };
  std::vector<Piece> pieces;
};

struct Name {
  std::string_view text;
};
struct Member {
  ExprPtr of;
  std::string_view name;
  Span name_span;
};
struct Index {
  ExprPtr of;
  ExprPtr key;
};
struct Call {
  std::string_view function;
  Span function_span;
  std::vector<ExprPtr> arguments;
};
struct List {
  std::vector<ExprPtr> elements;
};
struct Object {
  struct Entry {
    std::string key;
    Span key_span;
    ExprPtr value;
  };
  std::vector<Entry> entries;
};
/// `[for k, v in e : value if test]`, and with `key` the `{for … : key => value if test}` form.
struct For {
  std::string_view first;
  std::string_view second;  ///< empty if there is one name
  ExprPtr in;
  ExprPtr key;  ///< null for the list form
  ExprPtr value;
  ExprPtr test;  ///< null if there is none
};
struct Not {
  ExprPtr operand;
};
struct Binary {
  enum class Op {
    or_,
    and_,
    equal,
    not_equal,
    less,
    less_equal,
    greater,
    greater_equal,
    in,
    except
  };
  Op op = Op::or_;
  ExprPtr left;
  ExprPtr right;
  Span op_span;
};
struct Conditional {
  ExprPtr test;
  ExprPtr then;
  ExprPtr otherwise;
};
struct Flow {
  ExprPtr from;
  ExprPtr to;
  ExprPtr service;  ///< null without `on`
  bool both_ways = false;
  Span arrow_span;
};

/// Parentheses leave no node; the span of what is inside them grows to include them.
struct Expr {
  Span span;
  std::variant<Literal, Template, Name, Member, Index, Call, List, Object, For, Not, Binary,
               Conditional, Flow>
      node;
};

struct Item;

struct Label {
  std::string text;
  Span span;  ///< with the quotes
};

struct Attribute {
  std::string_view name;
  Span name_span;
  ExprPtr value;
};
struct Block {
  std::string_view kind;
  Span kind_span;
  std::vector<Label> labels;
  std::string_view alias;  ///< empty without `as`
  Span alias_span;
  bool has_body = false;
  std::vector<Item> items;
  /// From the kind to the last label: what diagnostics point at, not the whole body.
  Span header_span;
};
struct Rule {
  bool allow = true;
  Span action_span;
  Label name;
  ExprPtr flow;  ///< always a Flow
  std::vector<Item> items;
  Span header_span;  ///< from the action to the end of the flow
};
/// `expect`, `never`, `always`: parsed so that they can be refused by name.
struct Check {
  std::string_view verb;
  Span verb_span;
  bool allow = true;
  ExprPtr flow;
  std::vector<Item> items;
};

struct Item {
  Span span;
  std::string_view comment;  ///< the `#` lines directly above, as written; empty if none
  std::variant<Attribute, Block, Rule, Check> node;
};

struct File {
  FileId id = FileId::no_file;
  std::vector<Item> items;
};

}  // namespace hcipol::syntax
