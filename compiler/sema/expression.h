// Evaluates one expression in one scope; an implementation detail of Evaluator.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sema/evaluator.h"

namespace hcipol::sema {

class ExpressionEvaluator {
 public:
  ExpressionEvaluator(Evaluator& evaluator, const Scope& scope)
      : evaluator_(evaluator), scope_(scope) {}

  std::optional<Value> evaluate(const syntax::Expr& expression);

 private:
  std::optional<Value> apply(const syntax::Literal&, Span);
  std::optional<Value> apply(const syntax::Template&, Span);
  std::optional<Value> apply(const syntax::Name&, Span);
  std::optional<Value> apply(const syntax::Member&, Span);
  std::optional<Value> apply(const syntax::Index&, Span);
  std::optional<Value> apply(const syntax::Call&, Span);
  std::optional<Value> apply(const syntax::List&, Span);
  std::optional<Value> apply(const syntax::Object&, Span);
  std::optional<Value> apply(const syntax::For&, Span);
  std::optional<Value> apply(const syntax::Not&, Span);
  std::optional<Value> apply(const syntax::Binary&, Span);
  std::optional<Value> apply(const syntax::Conditional&, Span);
  std::optional<Value> apply(const syntax::Flow&, Span);

  std::optional<Value> member_of(const Reference& reference, std::string_view name, Span span);
  std::optional<Value> member_of(const NamedSet& set, std::string_view name, Span span);
  std::optional<Value> cluster_member(std::string_view name, Span span);
  std::optional<Value> unknown_member(std::string_view of, std::string_view name,
                                      std::vector<std::string> candidates, Span span);
  std::optional<Value> namespace_reference(std::string_view name, Span span);
  std::optional<Value> builtin(std::string_view name, Span span);
  std::optional<Value> declared(std::string_view name, Span span, bool& found);

  std::optional<Value> except(const syntax::Binary& binary, Span span);
  std::optional<Value> membership(const Value& left, const Value& right, Span span);
  std::optional<Value> order(syntax::Binary::Op op, const Value& left, const Value& right,
                             Span span);

  std::optional<Value> entry(const Map& map, std::string_view key, Span span);
  std::optional<bool> wanted(const syntax::For& loop);
  bool add(const syntax::For& loop, List& list, Map& map);
  bool unroll(const Value& over, const syntax::For& loop,
              std::vector<std::pair<Value, Value>>& steps);
  std::vector<const NamedSet*> members(const Peers& peers) const;

  bool charge(std::size_t values, Span span);
  std::optional<Value> copy(const Value* value, Span span);
  std::optional<Value> expected(std::string_view wanted, const Value& found);
  Reporter& reporter();

  Evaluator& evaluator_;
  const Scope& scope_;
};

/// A value inside a text: strings, numbers, booleans, dates, services, and single peers by name.
std::optional<std::string> as_text(const Value& value);
std::size_t deep_size(const Value& value);

}  // namespace hcipol::sema
