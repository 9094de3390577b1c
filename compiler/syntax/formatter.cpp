// Items in canonical layout. Neighbours on consecutive lines are a table and share their columns.
#include "syntax/formatter.h"

#include <algorithm>

#include "syntax/ast_builder.h"
#include "syntax/expression_printer.h"
#include "syntax/layout_tree.h"
#include "syntax/parser.h"

namespace hcipol::syntax {
namespace {

/// The columns that the items of a run have in common, as widths from the indentation.
struct Columns {
  std::size_t end = 0;       ///< the first child after the run
  std::uint32_t name = 0;    ///< attributes: before `=`
  std::uint32_t action = 0;  ///< rules and checks: `allow` or `deny`
  std::uint32_t verb = 0;    ///< checks: `expect`, `never` or `always`
  std::uint32_t label = 0;   ///< rules: the quoted name
  std::uint32_t header = 0;  ///< blocks: before `{`
};

class Formatter {
 public:
  explicit Formatter(std::string_view source) : source_(source), expressions_(source, out_) {}

  std::string file(const LayoutNode& root) {
    items(root, 0);
    if (!out_.empty()) out_.put("\n");
    return out_.take();
  }

 private:
  void items(const LayoutNode& parent, std::uint32_t indent);
  void item(const LayoutNode& node, const Columns& columns, std::uint32_t indent);
  void block(const LayoutNode& node, const Columns& columns, std::uint32_t indent);
  void statement(const LayoutNode& node, const Columns& columns, std::uint32_t indent);
  void body(const LayoutNode& node, std::uint32_t indent);

  Columns columns_from(const LayoutNode& parent, std::size_t first, std::uint32_t indent) const;
  std::uint32_t header_width(const LayoutNode& block) const;
  bool body_on_one_line(const LayoutNode& body, std::uint32_t column) const;
  void widen(Columns& columns, const LayoutNode& node, std::uint32_t indent) const;

  std::string_view source_;
  Output out_;
  ExpressionPrinter expressions_;
};

bool is_content(Kind kind) {
  return is_item(kind) || kind == Kind::comment;
}

void Formatter::items(const LayoutNode& parent, std::uint32_t indent) {
  const LayoutNode* before = nullptr;
  Columns columns;
  for (std::size_t i = 0; i < parent.children.size(); ++i) {
    const LayoutNode& node = parent.children[i];
    if (!is_content(node.kind)) {
      before = node.kind == Kind::open_brace ? &node : before;
      continue;
    }
    const bool comment = node.kind == Kind::comment;
    if (comment && before != nullptr && node.row == before->end_row) {
      out_.put(" ");
    } else if (before != nullptr) {
      const bool blank_line = node.row > before->end_row + 1 && before->kind != Kind::open_brace;
      if (blank_line) out_.put("\n");
      out_.new_line(indent);
    }
    if (comment) {
      expressions_.flat(node);
    } else {
      if (i >= columns.end) columns = columns_from(parent, i, indent);
      item(node, columns, indent);
    }
    before = &node;
  }
}

void Formatter::item(const LayoutNode& node, const Columns& columns, std::uint32_t indent) {
  if (node.stray_comment) return expressions_.verbatim(node);
  switch (node.kind) {
    case Kind::attribute: return expressions_.named_value(node, columns.name, indent);
    case Kind::block: return block(node, columns, indent);
    default: return statement(node, columns, indent);
  }
}

void Formatter::block(const LayoutNode& node, const Columns& columns, std::uint32_t indent) {
  const LayoutNode* braces = node.child(Field::body);
  bool first = true;
  for (const LayoutNode& part : node.children) {
    if (&part == braces) continue;
    if (!first) out_.put(" ");
    expressions_.flat(part);
    first = false;
  }
  if (braces == nullptr) return;
  if (!body_on_one_line(*braces, indent + header_width(node) + 1)) {
    out_.put(" ");
    return body(*braces, indent);
  }
  out_.pad(indent + columns.header);
  out_.put(" ");
  expressions_.flat(*braces);
}

/// A rule or a check.
void Formatter::statement(const LayoutNode& node, const Columns& columns, std::uint32_t indent) {
  std::uint32_t column = indent;
  const auto cell = [&](Field field, std::uint32_t width) {
    const LayoutNode* part = node.child(field);
    if (part == nullptr) return;
    expressions_.flat(*part);
    column += width;
    out_.pad(column);
    out_.put(" ");
    ++column;
  };
  cell(Field::verb, columns.verb);
  cell(Field::action, columns.action);
  cell(Field::name, columns.label);
  expressions_.print(*node.child(Field::flow), indent);
  const LayoutNode* braces = node.child(Field::body);
  if (braces == nullptr) return;
  out_.put(" ");
  if (body_on_one_line(*braces, out_.column())) return expressions_.flat(*braces);
  body(*braces, indent);
}

void Formatter::body(const LayoutNode& node, std::uint32_t indent) {
  if (node.children.size() == 2) return out_.put("{}");
  out_.put("{");
  items(node, indent + 2);
  out_.new_line(indent);
  out_.put("}");
}

/// Written on one line, with at most one item that has no body of its own.
bool Formatter::body_on_one_line(const LayoutNode& body, std::uint32_t column) const {
  if (body.children.size() == 2) return true;
  if (body.row != body.end_row || body.children.size() != 3) return false;
  const LayoutNode& item = body.children[1];
  return !item.stray_comment && item.child(Field::body) == nullptr &&
         column + body.width <= max_columns;
}

std::uint32_t Formatter::header_width(const LayoutNode& block) const {
  std::uint32_t width = 0;
  for (const LayoutNode& part : block.children) {
    if (part.field != Field::body) width += part.width + 1;
  }
  return width - 1;
}

// ---- columns ----------------------------------------------------------------------------------

void Formatter::widen(Columns& columns, const LayoutNode& node, std::uint32_t indent) const {
  const auto widen = [&](std::uint32_t& column, Field field) {
    const LayoutNode* part = node.child(field);
    if (part != nullptr) column = std::max(column, part->width);
  };
  if (node.kind == Kind::block) {
    const LayoutNode* braces = node.child(Field::body);
    const std::uint32_t width = header_width(node);
    if (braces != nullptr && body_on_one_line(*braces, indent + width + 1)) {
      columns.header = std::max(columns.header, width);
    }
    return;
  }
  widen(columns.verb, Field::verb);
  widen(columns.action, Field::action);
  widen(columns.label, Field::name);
}

/// A run ends at a blank line, at a comment on a line of its own, at an item of another kind and at
/// a block that takes several lines.
Columns Formatter::columns_from(const LayoutNode& parent, std::size_t first,
                                std::uint32_t indent) const {
  Columns columns;
  const LayoutNode& start = parent.children[first];
  if (start.kind == Kind::attribute) {
    columns.end = name_run(parent, first, indent, columns.name);
    return columns;
  }
  const auto word = [&](const LayoutNode& node) {
    const LayoutNode& part = node.children.front();
    return source_.substr(part.begin, part.end - part.begin);
  };
  const auto several_lines = [&](const LayoutNode& node) {
    const LayoutNode* braces = node.kind == Kind::block ? node.child(Field::body) : nullptr;
    return braces != nullptr && !body_on_one_line(*braces, indent + header_width(node) + 1);
  };
  std::uint32_t row = start.row;
  std::size_t i = first;
  for (; i < parent.children.size(); ++i) {
    const LayoutNode& node = parent.children[i];
    if (node.kind == Kind::comment && i > first && node.row == row) continue;
    const bool same_kind =
        node.kind == start.kind && (node.kind != Kind::block || word(node) == word(start));
    const bool apart = i > first && node.row > row + 1;
    if (!same_kind || apart || node.stray_comment || several_lines(node)) break;
    widen(columns, node, indent);
    row = node.end_row;
  }
  columns.end = std::max(i, first + 1);
  return columns;
}

}  // namespace

std::optional<std::string> format(FileId id, const SourceMap& sources, Reporter& reporter) {
  const std::string_view text = sources.file(id).text;
  const std::size_t errors = reporter.errors();
  if (!readable(id, text, reporter)) return std::nullopt;
  const Vocabulary vocabulary;
  const std::vector<ChunkTree> chunks = parse_chunks(id, text, vocabulary, false, reporter);
  // Bounds the depth of what follows.
  build_ast(id, text, chunks, vocabulary, reporter);
  if (reporter.errors() > errors) return std::nullopt;
  return Formatter(text).file(layout_tree(text, chunks, vocabulary));
}

}  // namespace hcipol::syntax
