// Expressions, from tree-sitter's tree to ours.
#pragma once

#include "syntax/ast.h"
#include "syntax/tree_reader.h"

namespace hcipol::syntax {

class ExpressionBuilder {
 public:
  explicit ExpressionBuilder(TreeReader& tree) : tree_(tree) {}

  /// The expression that the reader is on.
  ExprPtr expression();
  /// The string that the reader is on, as a name: nothing can be inserted into it.
  Label label();

 private:
  void fill(Expr& expr, Kind kind);
  void parenthesized(Expr& expr);
  Template template_of(bool several_lines);
  Member member();
  Index index();
  Call call();
  List list();
  Object object();
  Object::Entry entry();
  For for_expression();
  Not unary();
  Binary binary();
  Conditional conditional();
  Flow flow();

  TreeReader& tree_;
};

}  // namespace hcipol::syntax
