// One function per kind of expression: what its children are called in grammar.js.
#include "syntax/expression_builder.h"

#include "support/bug.h"
#include "syntax/templates.h"

namespace hcipol::syntax {
namespace {

Binary::Op binary_op(std::string_view text) {
  using Op = Binary::Op;
  if (text == "||") return Op::or_;
  if (text == "&&") return Op::and_;
  if (text == "==") return Op::equal;
  if (text == "!=") return Op::not_equal;
  if (text == "<") return Op::less;
  if (text == "<=") return Op::less_equal;
  if (text == ">") return Op::greater;
  if (text == ">=") return Op::greater_equal;
  if (text == "in") return Op::in;
  if (text == "except") return Op::except;
  bug("an operator that the grammar has and the tree has not");
}

Literal::Kind literal_kind(Kind kind) {
  switch (kind) {
    case Kind::number: return Literal::Kind::number;
    case Kind::address: return Literal::Kind::address;
    case Kind::address_range: return Literal::Kind::address_range;
    case Kind::service: return Literal::Kind::service;
    case Kind::date: return Literal::Kind::date;
    case Kind::duration: return Literal::Kind::duration;
    case Kind::boolean: return Literal::Kind::boolean;
    default: return Literal::Kind::null;
  }
}

/// Most strings say what they are: no escape, no interpolation, no line break.
bool is_plain(std::string_view inside_quotes) {
  return inside_quotes.find_first_of("\\$\r\n") == inside_quotes.npos;
}

}  // namespace

/// Names are known before anything is evaluated, so nothing can be inserted into them.
Label ExpressionBuilder::label() {
  Label out;
  out.span = tree_.span();
  const Span inside{out.span.file, out.span.begin + 1, out.span.end - 1};
  if (inside.begin < inside.end && is_plain(tree_.text(inside))) {
    out.text = tree_.text(inside);
    return out;
  }
  tree_.each_child([&] {
    if (tree_.kind() == Kind::interpolation)
      tree_.reporter().report<Diag::computed_name>(tree_.span());
  });
  out.text = std::move(resolve_string({inside}, tree_.source(), tree_.reporter()).front());
  return out;
}

ExprPtr ExpressionBuilder::expression() {
  auto out = std::make_unique<Expr>();
  const TSNode at = tree_.node();
  out->span = tree_.span(at);
  if (!tree_.enter()) return out;
  fill(*out, tree_.kind(at));
  tree_.leave();
  return out;
}

void ExpressionBuilder::fill(Expr& expr, Kind what) {
  switch (what) {
    case Kind::reference: expr.node = Name{tree_.text(expr.span)}; break;
    case Kind::string: expr.node = template_of(false); break;
    case Kind::text: expr.node = template_of(true); break;
    case Kind::list: expr.node = list(); break;
    case Kind::flow: expr.node = flow(); break;
    case Kind::member: expr.node = member(); break;
    case Kind::index: expr.node = index(); break;
    case Kind::call: expr.node = call(); break;
    case Kind::object: expr.node = object(); break;
    case Kind::for_list:
    case Kind::for_object: expr.node = for_expression(); break;
    case Kind::unary: expr.node = unary(); break;
    case Kind::binary: expr.node = binary(); break;
    case Kind::conditional: expr.node = conditional(); break;
    case Kind::parenthesized: parenthesized(expr); break;
    default: expr.node = Literal{literal_kind(what), tree_.text(expr.span)}; break;
  }
}

void ExpressionBuilder::parenthesized(Expr& expr) {
  tree_.each_child([&] {
    if (!is_expression(tree_.kind())) return;
    ExprPtr inner = expression();
    expr.node = std::move(inner->node);
  });
}

Template ExpressionBuilder::template_of(bool several_lines) {
  const std::uint32_t quotes = several_lines ? 3 : 1;
  const Span whole = tree_.span();
  const Span inside{whole.file, whole.begin + quotes, whole.end - quotes};
  Template out;
  if (!several_lines && inside.begin < inside.end && is_plain(tree_.text(inside))) {
    out.pieces.push_back({std::string(tree_.text(inside)), nullptr});
    return out;
  }
  std::vector<Span> raw{inside};
  std::vector<ExprPtr> values;
  tree_.each_child([&] {
    if (tree_.kind() != Kind::interpolation) return;
    const Span hole = tree_.span();
    tree_.each_child([&] {
      if (is_expression(tree_.kind())) values.push_back(expression());
    });
    const std::uint32_t end = raw.back().end;
    raw.back().end = hole.begin;
    raw.push_back({whole.file, hole.end, end});
  });

  auto texts = several_lines ? resolve_text(raw, tree_.source(), tree_.reporter())
                             : resolve_string(raw, tree_.source(), tree_.reporter());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (!texts[i].empty()) out.pieces.push_back({std::move(texts[i]), nullptr});
    if (i < values.size()) out.pieces.push_back({{}, std::move(values[i])});
  }
  return out;
}

Member ExpressionBuilder::member() {
  Member out;
  tree_.each_child([&] {
    const Field part = tree_.field();
    if (part == Field::of) out.of = expression();
    if (part != Field::name) return;
    out.name_span = tree_.span();
    out.name = tree_.text(out.name_span);
  });
  return out;
}

Index ExpressionBuilder::index() {
  Index out;
  tree_.each_child([&] {
    const Field part = tree_.field();
    if (part == Field::of) out.of = expression();
    if (part == Field::key) out.key = expression();
  });
  return out;
}

Call ExpressionBuilder::call() {
  Call out;
  tree_.each_child([&] {
    const Field part = tree_.field();
    if (part == Field::function) {
      out.function_span = tree_.span();
      out.function = tree_.text(out.function_span);
    } else if (part == Field::arguments) {
      out.arguments = list().elements;
    }
  });
  return out;
}

List ExpressionBuilder::list() {
  List out;
  tree_.each_child([&] {
    if (is_expression(tree_.kind())) out.elements.push_back(expression());
  });
  return out;
}

Object ExpressionBuilder::object() {
  Object out;
  tree_.each_child([&] {
    if (tree_.kind() == Kind::entry) out.entries.push_back(entry());
  });
  return out;
}

Object::Entry ExpressionBuilder::entry() {
  Object::Entry out;
  tree_.each_child([&] {
    const Field part = tree_.field();
    if (part == Field::value) out.value = expression();
    if (part != Field::key) return;
    if (tree_.kind() == Kind::string) {
      Label key = label();
      out.key_span = key.span;
      out.key = std::move(key.text);
    } else {
      out.key_span = tree_.span();
      out.key = tree_.text(out.key_span);
    }
  });
  return out;
}

For ExpressionBuilder::for_expression() {
  For out;
  const auto part = [&] {
    switch (tree_.field()) {
      case Field::first: out.first = tree_.text(tree_.span()); break;
      case Field::second: out.second = tree_.text(tree_.span()); break;
      case Field::in: out.in = expression(); break;
      case Field::key: out.key = expression(); break;
      case Field::value: out.value = expression(); break;
      case Field::test: out.test = expression(); break;
      default: break;
    }
  };
  tree_.each_child([&] {
    const Kind what = tree_.kind();
    if (what == Kind::for_clause || what == Kind::if_clause) {
      tree_.each_child(part);
    } else {
      part();
    }
  });
  return out;
}

Not ExpressionBuilder::unary() {
  Not out;
  tree_.each_child([&] {
    if (tree_.field() == Field::operand) out.operand = expression();
  });
  return out;
}

Binary ExpressionBuilder::binary() {
  Binary out;
  tree_.each_child([&] {
    switch (tree_.field()) {
      case Field::left: out.left = expression(); break;
      case Field::right: out.right = expression(); break;
      case Field::operator_:
        out.op_span = tree_.span();
        out.op = binary_op(tree_.text(out.op_span));
        break;
      default: break;
    }
  });
  return out;
}

Conditional ExpressionBuilder::conditional() {
  Conditional out;
  tree_.each_child([&] {
    switch (tree_.field()) {
      case Field::test: out.test = expression(); break;
      case Field::then: out.then = expression(); break;
      case Field::else_: out.otherwise = expression(); break;
      default: break;
    }
  });
  return out;
}

Flow ExpressionBuilder::flow() {
  Flow out;
  tree_.each_child([&] {
    switch (tree_.field()) {
      case Field::from: out.from = expression(); break;
      case Field::to: out.to = expression(); break;
      case Field::service: out.service = expression(); break;
      case Field::arrow:
        out.arrow_span = tree_.span();
        out.both_ways = tree_.text(out.arrow_span) == "<->";
        break;
      default: break;
    }
  });
  return out;
}

}  // namespace hcipol::syntax
