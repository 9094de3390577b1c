// Binary operators: logic is lazy, `except` is set difference, comparison needs equal types.
#include <fmt/format.h>

#include "sema/evaluator_state.h"
#include "sema/expression.h"
#include "support/text.h"

namespace hcipol::sema {

using Op = syntax::Binary::Op;

std::optional<Value> ExpressionEvaluator::apply(const syntax::Binary& binary, Span span) {
  if (binary.op == Op::except) return except(binary, span);
  if (binary.op == Op::or_ || binary.op == Op::and_) {
    const auto left = evaluator_.truth(*binary.left, scope_);
    if (!left) return std::nullopt;
    const bool decided = *left == (binary.op == Op::or_);
    if (decided) return Value{*left, span};
    const auto right = evaluator_.truth(*binary.right, scope_);
    if (!right) return std::nullopt;
    return Value{*right, span};
  }
  const auto left = evaluate(*binary.left);
  const auto right = evaluate(*binary.right);
  if (!left || !right) return std::nullopt;
  switch (binary.op) {
    case Op::equal: return Value{equal(*left, *right), span};
    case Op::not_equal: return Value{!equal(*left, *right), span};
    case Op::in: return membership(*left, *right, span);
    default: return order(binary.op, *left, *right, span);
  }
}

std::optional<Value> ExpressionEvaluator::except(const syntax::Binary& binary, Span span) {
  // Once only: nested, a second time would double at each level.
  auto right = evaluate(*binary.right);
  if (!right) return std::nullopt;
  const bool service = right->as<net::ServiceSet>() != nullptr ||
                       (right->as<List>() != nullptr && !right->as<List>()->empty() &&
                        right->as<List>()->front().as<net::ServiceSet>() != nullptr);
  if (service) {
    const auto from = evaluator_.service(*binary.left, scope_);
    const auto without = evaluator_.service(*std::move(right), scope_);
    if (!from || !without) return std::nullopt;
    return Value{*from - *without, span};
  }
  const auto from = evaluator_.peers(*binary.left, scope_);
  const auto without = evaluator_.peers(*std::move(right), scope_);
  if (!from || !without) return std::nullopt;
  std::vector<std::string> left_names, right_names;
  for (const NamedSet* part : from->parts) left_names.push_back(part->name);
  for (const NamedSet* part : without->parts) right_names.push_back(part->name);
  net::PeerSet rest = from->set() - without->set();
  if (rest.empty()) return Value{Peers{}, span};
  std::string name =
      fmt::format("{} except {}", fmt::join(left_names, ", "), fmt::join(right_names, ", "));
  return Value{Peers{{evaluator_.literal(std::move(name), std::move(rest), span)}}, span};
}

std::optional<Value> ExpressionEvaluator::membership(const Value& left, const Value& right,
                                                     Span span) {
  if (const auto* list = right.as<List>()) {
    for (const Value& element : *list) {
      if (equal(left, element)) return Value{true, span};
    }
    return Value{false, span};
  }
  if (const auto* map = right.as<Map>()) {
    const auto* key = left.as<std::string>();
    if (key == nullptr) return expected("a string", left);
    return Value{map->contains(*key), span};
  }
  if (const auto* outer = right.as<net::ServiceSet>()) {
    const auto* inner = left.as<net::ServiceSet>();
    if (inner == nullptr) return expected("a service", left);
    return Value{outer->contains(*inner), span};
  }
  const auto* outer = right.as<Peers>();
  if (outer == nullptr) return expected("a list, an object, an address or a service", right);
  const auto inner = evaluator_.convert(left, {Type::Kind::peer, {}, {}}, scope_);
  if (!inner) return std::nullopt;
  return Value{outer->set().contains(inner->as<Peers>()->set()), span};
}

std::optional<Value> ExpressionEvaluator::order(Op op, const Value& left, const Value& right,
                                                Span span) {
  const auto compare = [&](const auto& a, const auto& b) -> std::optional<Value> {
    switch (op) {
      case Op::less: return Value{a < b, span};
      case Op::less_equal: return Value{a <= b, span};
      case Op::greater: return Value{a > b, span};
      default: return Value{a >= b, span};
    }
  };
  if (const auto* a = left.as<std::int64_t>()) {
    if (const auto* b = right.as<std::int64_t>()) return compare(*a, *b);
    return expected("a number", right);
  }
  if (const auto* a = left.as<Date>()) {
    if (const auto* b = right.as<Date>()) return compare(*a, *b);
    return expected("a date", right);
  }
  if (const auto* a = left.as<Duration>()) {
    if (const auto* b = right.as<Duration>()) return compare(*a, *b);
    return expected("a duration", right);
  }
  return expected("a number, a date or a duration", left);
}

bool equal(const Value& a, const Value& b) {
  if (a.data.index() != b.data.index()) return false;
  if (const auto* peers = a.as<Peers>()) return peers->set() == b.as<Peers>()->set();
  if (const auto* list = a.as<List>()) {
    const List& other = *b.as<List>();
    return std::equal(list->begin(), list->end(), other.begin(), other.end(), equal);
  }
  if (const auto* map = a.as<Map>()) {
    const Map& other = *b.as<Map>();
    return std::equal(map->begin(), map->end(), other.begin(), other.end(),
                      [](const auto& x, const auto& y) {
                        return x.first == y.first && equal(x.second, y.second);
                      });
  }
  if (const auto* flow = a.as<Flow>()) {
    const Flow& other = *b.as<Flow>();
    return flow->from.set() == other.from.set() && flow->to.set() == other.to.set() &&
           flow->service == other.service && flow->both_ways == other.both_ways;
  }
  if (const auto* reference = a.as<Reference>()) {
    return reference->kind == b.as<Reference>()->kind &&
           reference->object == b.as<Reference>()->object;
  }
  if (const auto* text = a.as<std::string>()) return *text == *b.as<std::string>();
  if (const auto* flag = a.as<bool>()) return *flag == *b.as<bool>();
  if (const auto* number = a.as<std::int64_t>()) return *number == *b.as<std::int64_t>();
  if (const auto* service = a.as<net::ServiceSet>()) return *service == *b.as<net::ServiceSet>();
  if (const auto* date = a.as<Date>()) return *date == *b.as<Date>();
  if (const auto* duration = a.as<Duration>()) return *duration == *b.as<Duration>();
  return true;  // null and null
}

}  // namespace hcipol::sema
