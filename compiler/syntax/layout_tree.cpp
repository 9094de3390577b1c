// Widths are computed once, from the leaves up, so that deciding where to break costs nothing
// later.
#include "syntax/layout_tree.h"

#include <algorithm>

#include "support/text.h"

namespace hcipol::syntax {
namespace {

/// What holds elements: commas are implied and comments have a place.
bool is_sequence(Kind kind) {
  return kind == Kind::list || kind == Kind::arguments || kind == Kind::object;
}
bool holds_comments(Kind kind) {
  return is_sequence(kind) || kind == Kind::body || kind == Kind::source_file;
}
bool is_leaf(Kind kind) {
  return kind == Kind::string || kind == Kind::text;
}

class LayoutTree {
 public:
  LayoutTree(std::string_view text, const ChunkTree& chunk, const Vocabulary& vocabulary)
      : text_(text),
        chunk_(chunk.chunk),
        vocabulary_(vocabulary),
        cursor_(ts_tree_root_node(chunk.tree.get())) {}

  LayoutNode node();

 private:
  void add_child(LayoutNode& parent);
  void measure(LayoutNode& node) const;

  std::string_view text_;
  Chunk chunk_;
  const Vocabulary& vocabulary_;
  Cursor cursor_;
};

LayoutNode LayoutTree::node() {
  const TSNode at = cursor_.node();
  LayoutNode out;
  out.kind = vocabulary_.kind(at);
  out.field = vocabulary_.field(cursor_.field());
  out.begin = chunk_.begin + ts_node_start_byte(at);
  out.end = chunk_.begin + ts_node_end_byte(at);
  out.row = chunk_.row + ts_node_start_point(at).row;
  out.end_row = chunk_.row + ts_node_end_point(at).row;
  if (!is_leaf(out.kind)) cursor_.each_child([&] { add_child(out); });
  measure(out);
  return out;
}

void LayoutTree::add_child(LayoutNode& parent) {
  const Kind kind = vocabulary_.kind(cursor_.node());
  if (kind == Kind::comma && is_sequence(parent.kind)) return;
  LayoutNode child = node();
  const bool no_place = kind == Kind::comment && !holds_comments(parent.kind);
  const bool inherited = child.stray_comment && !is_item(kind);
  parent.stray_comment = parent.stray_comment || no_place || inherited;
  parent.children.push_back(std::move(child));
}

void LayoutTree::measure(LayoutNode& node) const {
  if (node.children.empty()) {
    const std::string_view text = text_.substr(node.begin, node.end - node.begin);
    const bool lines = node.kind == Kind::text && text.find('\n') != text.npos;
    node.width = lines || node.kind == Kind::comment
                     ? LayoutNode::unbounded
                     : static_cast<std::uint32_t>(code_points(text));
    return;
  }
  // An object whose first entry is written on a line of its own stays that way.
  const bool broken = node.kind == Kind::object && node.children.size() > 1 &&
                      node.children[0].row != node.children[1].row && node.children.size() > 2;
  if (broken) {
    node.width = LayoutNode::unbounded;
    return;
  }
  std::uint32_t width = 0;
  for (std::size_t i = 0; i < node.children.size(); ++i) {
    const LayoutNode& child = node.children[i];
    if (i > 0) {
      width +=
          static_cast<std::uint32_t>(gap(node.kind, node.children[i - 1].kind, child.kind).size());
    }
    width = std::min(width + child.width, LayoutNode::unbounded);
  }
  node.width = width;
}

}  // namespace

const LayoutNode* LayoutNode::child(Field wanted) const {
  for (const LayoutNode& child : children) {
    if (child.field == wanted) return &child;
  }
  return nullptr;
}

LayoutNode layout_tree(std::string_view text, const std::vector<ChunkTree>& chunks,
                       const Vocabulary& vocabulary) {
  LayoutNode file;
  file.kind = Kind::source_file;
  for (const ChunkTree& chunk : chunks) {
    LayoutNode root = LayoutTree(text, chunk, vocabulary).node();
    std::move(root.children.begin(), root.children.end(), std::back_inserter(file.children));
  }
  return file;
}

std::string_view gap(Kind parent, Kind left, Kind right) {
  switch (parent) {
    case Kind::member:
    case Kind::index:
    case Kind::call:
    case Kind::unary:
    case Kind::parenthesized: return "";
    case Kind::list:
    case Kind::arguments: {
      const bool edge = left == Kind::open_bracket || left == Kind::open_paren ||
                        right == Kind::close_bracket || right == Kind::close_paren;
      return edge ? "" : ", ";
    }
    case Kind::object:
      if (left == Kind::open_brace && right == Kind::close_brace) return "";
      return left == Kind::open_brace || right == Kind::close_brace ? " " : ", ";
    case Kind::body: return left == Kind::open_brace && right == Kind::close_brace ? "" : " ";
    case Kind::for_list:
      return left == Kind::open_bracket || right == Kind::close_bracket ? "" : " ";
    case Kind::for_clause: return right == Kind::comma ? "" : " ";
    default: return " ";
  }
}

}  // namespace hcipol::syntax
