// One walk with a cursor: tree-sitter finds the n-th child of a node by counting, a cursor does
// not.
#include "syntax/ast_builder.h"

#include <iterator>

#include "support/text.h"
#include "syntax/expression_builder.h"

namespace hcipol::syntax {
namespace {

/// The `#` lines that may turn out to stand directly above an item.
struct Comment {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  std::uint32_t last_row = 0;
  bool pending = false;
};

class AstBuilder {
 public:
  explicit AstBuilder(TreeReader& tree) : tree_(tree), expressions_(tree) {}

  std::vector<Item> items();

 private:
  void note_comment(Comment& comment) const;
  std::string_view take_comment(Comment& comment, TSNode item) const;
  bool damaged(Kind kind);
  Item item(TSNode node, Kind kind);
  Attribute attribute();
  Block block();
  Rule rule();
  Check check();
  std::vector<Item> body();

  TreeReader& tree_;
  ExpressionBuilder expressions_;
};

std::vector<Item> AstBuilder::items() {
  std::vector<Item> out;
  out.reserve(ts_node_named_child_count(tree_.node()));
  Comment comment;
  tree_.each_child([&] {
    const TSNode at = tree_.node();
    const Kind what = tree_.kind(at);
    if (what == Kind::comment) {
      note_comment(comment);
    } else if (is_item(what)) {
      const std::string_view above = take_comment(comment, at);
      if (ts_node_has_error(at) && damaged(what)) return;
      out.push_back(item(at, what));
      out.back().comment = above;
    }
  });
  return out;
}

void AstBuilder::note_comment(Comment& comment) const {
  const Span at = tree_.span();
  const std::uint32_t row = ts_node_start_point(tree_.node()).row;
  const std::string_view above = tree_.source().substr(0, at.begin);
  const std::size_t before = above.find_last_not_of(" \t\r");
  const bool own_line = before == above.npos || above[before] == '\n' || above == byte_order_mark;
  if (!own_line) {
    comment.pending = false;
    return;
  }
  if (!comment.pending || comment.last_row + 1 != row) comment.begin = at.begin;
  comment.end = at.end;
  comment.last_row = row;
  comment.pending = true;
}

std::string_view AstBuilder::take_comment(Comment& comment, TSNode item) const {
  const bool above = comment.pending && comment.last_row + 1 == ts_node_start_point(item).row;
  comment.pending = false;
  return above ? tree_.source().substr(comment.begin, comment.end - comment.begin)
               : std::string_view();
}

/// A block whose header is whole is worth keeping: what is damaged may be a single item in it.
bool AstBuilder::damaged(Kind what) {
  if (what != Kind::block) return true;
  bool header = false;
  tree_.each_child([&] {
    const TSNode at = tree_.node();
    if (tree_.kind(at) != Kind::body && ts_node_has_error(at)) header = true;
  });
  return header;
}

Item AstBuilder::item(TSNode at, Kind what) {
  Item out;
  out.span = tree_.span(at);
  switch (what) {
    case Kind::attribute: out.node = attribute(); break;
    case Kind::block: out.node = block(); break;
    case Kind::rule: out.node = rule(); break;
    default: out.node = check(); break;
  }
  return out;
}

Attribute AstBuilder::attribute() {
  Attribute out;
  tree_.each_child([&] {
    switch (tree_.field()) {
      case Field::name:
        out.name_span = tree_.span();
        out.name = tree_.text(out.name_span);
        break;
      case Field::value: out.value = expressions_.expression(); break;
      default: break;
    }
  });
  return out;
}

Block AstBuilder::block() {
  Block out;
  tree_.each_child([&] {
    switch (tree_.field()) {
      case Field::kind:
        out.header_span = out.kind_span = tree_.span();
        out.kind = tree_.text(out.kind_span);
        break;
      case Field::label:
        out.labels.push_back(expressions_.label());
        out.header_span.end = out.labels.back().span.end;
        break;
      case Field::alias:
        out.alias_span = tree_.span();
        out.alias = tree_.text(out.alias_span);
        break;
      case Field::body:
        out.has_body = true;
        out.items = body();
        break;
      default: break;
    }
  });
  return out;
}

Rule AstBuilder::rule() {
  Rule out;
  tree_.each_child([&] {
    switch (tree_.field()) {
      case Field::action:
        out.header_span = out.action_span = tree_.span();
        out.allow = tree_.text(out.action_span) == "allow";
        break;
      case Field::name: out.name = expressions_.label(); break;
      case Field::flow:
        out.flow = expressions_.expression();
        out.header_span.end = out.flow->span.end;
        break;
      case Field::body: out.items = body(); break;
      default: break;
    }
  });
  return out;
}

Check AstBuilder::check() {
  Check out;
  tree_.each_child([&] {
    switch (tree_.field()) {
      case Field::verb:
        out.verb_span = tree_.span();
        out.verb = tree_.text(out.verb_span);
        break;
      case Field::action: out.allow = tree_.text(tree_.span()) == "allow"; break;
      case Field::flow: out.flow = expressions_.expression(); break;
      case Field::body: out.items = body(); break;
      default: break;
    }
  });
  return out;
}

std::vector<Item> AstBuilder::body() {
  if (!tree_.enter()) return {};
  std::vector<Item> out = items();
  tree_.leave();
  return out;
}

}  // namespace

File build_ast(FileId id, std::string_view text, const std::vector<ChunkTree>& chunks,
               const Vocabulary& vocabulary, Reporter& reporter) {
  File file;
  file.id = id;
  std::size_t open = 0;  // the block that parts of a body belong to
  for (const auto& [chunk, tree, part] : chunks) {
    TreeReader reader(id, text, chunk.begin, ts_tree_root_node(tree.get()), vocabulary, reporter);
    auto items = AstBuilder(reader).items();
    auto* to = &file.items;
    if (part == Part::body) {
      to = &std::get<Block>(file.items[open].node).items;
    } else if (part == Part::header) {
      open = file.items.size() + items.size() - 1;
      items.back().span.end = chunk.end;
    }
    std::move(items.begin(), items.end(), std::back_inserter(*to));
  }
  return file;
}

}  // namespace hcipol::syntax
