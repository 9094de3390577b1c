// Visits every expression below an item or an expression, parents first.
#pragma once

#include <variant>

#include "syntax/ast.h"

namespace hcipol::sema {

template <class... Fs>
struct overloaded : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
overloaded(Fs...) -> overloaded<Fs...>;

/// Calls `visit(expression)` for each direct child that is there.
template <class F>
void for_each_child(const syntax::Expr& expression, F&& visit) {
  const auto each = [&](const auto& list) {
    for (const auto& child : list) visit(*child);
  };
  const auto maybe = [&](const syntax::ExprPtr& child) {
    if (child) visit(*child);
  };
  std::visit(overloaded{[](const syntax::Literal&) {}, [](const syntax::Name&) {},
                        [&](const syntax::Template& t) {
                          for (const auto& piece : t.pieces) maybe(piece.value);
                        },
                        [&](const syntax::Member& m) { maybe(m.of); },
                        [&](const syntax::Index& i) {
                          maybe(i.of);
                          maybe(i.key);
                        },
                        [&](const syntax::Call& c) { each(c.arguments); },
                        [&](const syntax::List& l) { each(l.elements); },
                        [&](const syntax::Object& o) {
                          for (const auto& entry : o.entries) maybe(entry.value);
                        },
                        [&](const syntax::For& f) {
                          maybe(f.in);
                          maybe(f.key);
                          maybe(f.value);
                          maybe(f.test);
                        },
                        [&](const syntax::Not& n) { maybe(n.operand); },
                        [&](const syntax::Binary& b) {
                          maybe(b.left);
                          maybe(b.right);
                        },
                        [&](const syntax::Conditional& c) {
                          maybe(c.test);
                          maybe(c.then);
                          maybe(c.otherwise);
                        },
                        [&](const syntax::Flow& f) {
                          maybe(f.from);
                          maybe(f.to);
                          maybe(f.service);
                        }},
             expression.node);
}

/// Calls `visit(expression)` for the expression and all below it.
template <class F>
void walk(const syntax::Expr& expression, F& visit) {
  visit(expression);
  for_each_child(expression, [&](const syntax::Expr& child) { walk(child, visit); });
}

}  // namespace hcipol::sema
