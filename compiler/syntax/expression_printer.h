// Expressions in canonical layout.
#pragma once

#include <string>
#include <string_view>

#include "syntax/layout_tree.h"

namespace hcipol::syntax {

inline constexpr std::uint32_t max_columns = 100;

/// The text so far and the column it is in.
class Output {
 public:
  void put(std::string_view text);
  void new_line(std::uint32_t indent);
  void pad(std::uint32_t to_column);
  std::uint32_t column() const { return column_; }
  bool empty() const { return text_.empty(); }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
  std::uint32_t column_ = 0;
};

/// Prints nodes of `source`: on one line where they fit, otherwise broken at their brackets.
class ExpressionPrinter {
 public:
  ExpressionPrinter(std::string_view source, Output& out) : source_(source), out_(out) {}

  /// `indent` is that of the line on which the expression begins.
  void print(const LayoutNode& node, std::uint32_t indent);
  void flat(const LayoutNode& node);
  /// As it was written, but with line feeds only.
  void verbatim(const LayoutNode& node);

  /// `name = value` with the name padded to `name_width`; 0 if it stands alone.
  void named_value(const LayoutNode& node, std::uint32_t name_width, std::uint32_t indent);

  bool fits(const LayoutNode& node) const { return out_.column() + node.width <= max_columns; }

 private:
  void sequence(const LayoutNode& node, std::uint32_t indent);
  void binary(const LayoutNode& node, std::uint32_t indent);
  void conditional(const LayoutNode& node, std::uint32_t indent);

  std::string_view source_;
  Output& out_;
};

/// The common width of the names of a run of attributes or entries that begins at children[first]:
/// neighbours on lines of their own, each on one line. Returns the first child after the run.
std::size_t name_run(const LayoutNode& parent, std::size_t first, std::uint32_t indent,
                     std::uint32_t& width);

}  // namespace hcipol::syntax
