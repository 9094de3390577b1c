// Nothing is looked at twice: a node either fits, by its width, or its parts are asked in turn.
#include "syntax/expression_printer.h"

#include <algorithm>

#include "support/text.h"

namespace hcipol::syntax {

// ---- output -----------------------------------------------------------------------------------

void Output::put(std::string_view text) {
  text_ += text;
  const std::size_t newline = text.rfind('\n');
  if (newline == text.npos) {
    column_ += static_cast<std::uint32_t>(code_points(text));
  } else {
    column_ = static_cast<std::uint32_t>(code_points(text.substr(newline + 1)));
  }
}

void Output::new_line(std::uint32_t indent) {
  text_ += '\n';
  text_.append(indent, ' ');
  column_ = indent;
}

void Output::pad(std::uint32_t to_column) {
  if (column_ >= to_column) return;
  text_.append(to_column - column_, ' ');
  column_ = to_column;
}

// ---- expressions ------------------------------------------------------------------------------

void ExpressionPrinter::verbatim(const LayoutNode& node) {
  std::string_view rest = source_.substr(node.begin, node.end - node.begin);
  for (std::size_t at = rest.find("\r\n"); at != rest.npos; at = rest.find("\r\n")) {
    out_.put(rest.substr(0, at));
    rest.remove_prefix(at + 1);
  }
  out_.put(rest);
}

void ExpressionPrinter::flat(const LayoutNode& node) {
  if (node.children.empty()) return verbatim(node);
  for (std::size_t i = 0; i < node.children.size(); ++i) {
    if (i > 0) out_.put(gap(node.kind, node.children[i - 1].kind, node.children[i].kind));
    flat(node.children[i]);
  }
}

void ExpressionPrinter::print(const LayoutNode& node, std::uint32_t indent) {
  if (node.children.empty() || fits(node)) return flat(node);
  switch (node.kind) {
    case Kind::list:
    case Kind::arguments:
    case Kind::object: return sequence(node, indent);
    case Kind::binary: return binary(node, indent);
    case Kind::conditional: return conditional(node, indent);
    default: break;
  }
  for (std::size_t i = 0; i < node.children.size(); ++i) {
    if (i > 0) out_.put(gap(node.kind, node.children[i - 1].kind, node.children[i].kind));
    print(node.children[i], indent);
  }
}

/// `||` and `&&` end a line; what follows them stands two further in. Other operators stay
/// together.
void ExpressionPrinter::binary(const LayoutNode& node, std::uint32_t indent) {
  const LayoutNode* sign = node.child(Field::operator_);
  const std::string_view text = source_.substr(sign->begin, sign->end - sign->begin);
  const bool breaks = text == "||" || text == "&&";
  print(*node.child(Field::left), indent);
  out_.put(" ");
  out_.put(text);
  if (breaks) {
    out_.new_line(indent + 2);
  } else {
    out_.put(" ");
  }
  print(*node.child(Field::right), breaks ? indent + 2 : indent);
}

void ExpressionPrinter::conditional(const LayoutNode& node, std::uint32_t indent) {
  print(*node.child(Field::test), indent);
  out_.new_line(indent + 2);
  out_.put("? ");
  print(*node.child(Field::then), indent + 2);
  out_.new_line(indent + 2);
  out_.put(": ");
  print(*node.child(Field::else_), indent + 2);
}

/// One element per line, comments where they were.
void ExpressionPrinter::sequence(const LayoutNode& node, std::uint32_t indent) {
  const auto& parts = node.children;
  flat(parts.front());
  std::size_t run_end = 0;
  std::uint32_t key_width = 0;
  for (std::size_t i = 1; i + 1 < parts.size(); ++i) {
    const LayoutNode& part = parts[i];
    const bool trailing = part.kind == Kind::comment && part.row == parts[i - 1].end_row;
    if (trailing) {
      out_.put(" ");
    } else {
      if (i > 1 && part.row > parts[i - 1].end_row + 1) out_.put("\n");
      out_.new_line(indent + 2);
    }
    if (part.kind == Kind::comment) {
      flat(part);
    } else if (part.kind == Kind::entry) {
      if (i >= run_end) run_end = name_run(node, i, indent + 2, key_width);
      named_value(part, key_width, indent + 2);
    } else {
      print(part, indent + 2);
      out_.put(",");
    }
  }
  out_.new_line(indent);
  flat(parts.back());
}

void ExpressionPrinter::named_value(const LayoutNode& node, std::uint32_t name_width,
                                    std::uint32_t indent) {
  flat(node.children.front());
  out_.pad(indent + name_width);
  out_.put(" = ");
  const LayoutNode& value = node.children.back();
  // In a table a line may be longer than others by its column; it is not broken for that.
  if (name_width > 0) return flat(value);
  print(value, indent);
}

std::size_t name_run(const LayoutNode& parent, std::size_t first, std::uint32_t indent,
                     std::uint32_t& width) {
  const auto name_of = [](const LayoutNode& node) { return &node.children.front(); };
  const auto one_line = [&](const LayoutNode& node) {
    const bool unbreakable =
        node.width < LayoutNode::unbounded && node.children.back().children.empty();
    return !node.stray_comment && (unbreakable || indent + node.width <= max_columns);
  };
  const Kind kind = parent.children[first].kind;
  width = name_of(parent.children[first])->width;
  if (!one_line(parent.children[first])) {
    width = 0;
    return first + 1;
  }
  std::size_t i = first + 1;
  std::uint32_t row = parent.children[first].end_row;
  for (; i < parent.children.size(); ++i) {
    const LayoutNode& next = parent.children[i];
    if (next.kind == Kind::comment && next.row == row) continue;  // at the end of a line
    if (next.kind != kind || next.row > row + 1 || !one_line(next)) break;
    width = std::max(width, name_of(next)->width);
    row = next.end_row;
  }
  return i;
}

}  // namespace hcipol::syntax
