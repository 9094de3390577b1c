// One case for each kind of expression.
#include "sema/expression.h"

#include <fmt/format.h>

#include <algorithm>

#include "sema/evaluator_state.h"
#include "sema/functions.h"
#include "sema/literals.h"
#include "sema/walk.h"
#include "support/text.h"

namespace hcipol::sema {

std::optional<Value> ExpressionEvaluator::evaluate(const syntax::Expr& e) {
  Evaluator::State& state = *evaluator_.state_;
  if (state.depth >= max_evaluation_depth) {
    reporter().report<Diag::evaluation_too_deep>(e.span, max_evaluation_depth);
    return std::nullopt;
  }
  if (!charge(1, e.span)) return std::nullopt;
  ++state.depth;
  auto value = std::visit([&](const auto& node) { return apply(node, e.span); }, e.node);
  --state.depth;
  if (value) value->span = e.span;
  return value;
}

// Every value made counts, so that doubling lists or texts ends in a diagnostic and not in swap.
bool ExpressionEvaluator::charge(std::size_t values, Span span) {
  Evaluator::State& state = *evaluator_.state_;
  if (values > max_values || state.values > max_values - values) {
    if (state.values <= max_values) {
      reporter().report<Diag::expansion_too_large>(span, counted(max_values, "value"));
    }
    state.values = max_values + 1;
    return false;
  }
  state.values += values;
  return true;
}

std::size_t deep_size(const Value& value) {
  std::size_t size = 1;
  if (const auto* list = value.as<List>()) {
    for (const Value& element : *list) size += deep_size(element);
  } else if (const auto* map = value.as<Map>()) {
    for (const auto& [key, element] : *map) size += deep_size(element);
  } else if (const auto* text = value.as<std::string>()) {
    size += text->size() / 64;
  } else if (const auto* peers = value.as<Peers>()) {
    size += peers->parts.size();
  }
  return size;
}

std::optional<Value> ExpressionEvaluator::copy(const Value* value, Span span) {
  if (value == nullptr || !charge(deep_size(*value), span)) return std::nullopt;
  return *value;
}

std::optional<Value> ExpressionEvaluator::apply(const syntax::Literal& literal, Span span) {
  using Kind = syntax::Literal::Kind;
  const auto wrap = [&](auto&& result) -> std::optional<Value> {
    if (!result) return std::nullopt;
    return Value{*std::move(result), span};
  };
  const auto set = [&](std::optional<net::AddressSet> addresses) -> std::optional<Value> {
    if (!addresses) return std::nullopt;
    std::string name = net::to_string(*addresses);
    return Value{Peers{{evaluator_.literal(std::move(name), {*std::move(addresses), {}}, span)}},
                 span};
  };
  switch (literal.kind) {
    case Kind::null: return Value{std::monostate{}, span};
    case Kind::boolean: return Value{literal.text == "true", span};
    case Kind::number: return wrap(read_number(literal.text, span, reporter()));
    case Kind::address: return set(read_address(literal.text, span, reporter()));
    case Kind::address_range: return set(read_address_range(literal.text, span, reporter()));
    case Kind::service: return wrap(read_service(literal.text, span, reporter()));
    case Kind::date: return wrap(read_date(literal.text, span, reporter()));
    case Kind::duration: return wrap(read_duration(literal.text, span, reporter()));
  }
  return std::nullopt;
}

std::optional<Value> ExpressionEvaluator::apply(const syntax::Template& text, Span span) {
  std::string out;
  for (const auto& piece : text.pieces) {
    if (!piece.value) {
      out += piece.text;
      continue;
    }
    const auto value = evaluate(*piece.value);
    if (!value) return std::nullopt;
    const auto part = as_text(*value);
    if (!part) {
      reporter().report<Diag::wrong_type>(piece.value->span, "something that can stand in a text",
                                          describe(*value));
      return std::nullopt;
    }
    out += *part;
    if (out.size() > max_text_bytes) {
      reporter().report<Diag::expansion_too_large>(span, counted(max_text_bytes, "byte"));
      return std::nullopt;
    }
  }
  if (!charge(out.size() / 64, span)) return std::nullopt;
  return Value{std::move(out), span};
}

std::optional<std::string> as_text(const Value& value) {
  if (const auto* text = value.as<std::string>()) return *text;
  if (const auto* number = value.as<std::int64_t>()) return fmt::format("{}", *number);
  if (const auto* flag = value.as<bool>()) return *flag ? "true" : "false";
  if (const auto* date = value.as<Date>()) return hcipol::to_string(*date);
  if (const auto* service = value.as<net::ServiceSet>()) return net::to_string(*service);
  if (const auto* peers = value.as<Peers>(); peers != nullptr && peers->parts.size() == 1) {
    return peers->parts.front()->name;
  }
  return std::nullopt;
}

std::optional<Value> ExpressionEvaluator::apply(const syntax::Index& index, Span span) {
  const auto of = evaluate(*index.of);
  const auto key = evaluate(*index.key);
  if (!of || !key) return std::nullopt;
  if (const auto* list = of->as<List>()) {
    const auto* number = key->as<std::int64_t>();
    if (number == nullptr) return expected("a number", *key);
    if (*number >= 0 && static_cast<std::size_t>(*number) < list->size()) {
      return copy(&(*list)[static_cast<std::size_t>(*number)], span);
    }
    reporter().report<Diag::bad_index>(index.key->span, counted(list->size(), "element"), *number);
    return std::nullopt;
  }
  if (const auto* map = of->as<Map>()) {
    const auto* name = key->as<std::string>();
    if (name == nullptr) return expected("a string", *key);
    return entry(*map, *name, index.key->span);
  }
  return expected("a list or an object", *of);
}

// More are no help to read; the nearest is suggested all the same.
constexpr std::size_t most_keys_to_list = 12;

std::optional<Value> ExpressionEvaluator::entry(const Map& map, std::string_view key, Span span) {
  if (const auto found = map.find(key); found != map.end()) return copy(&found->second, span);
  std::vector<std::string> keys;
  for (const auto& [name, value] : map) keys.push_back(name);
  auto report = reporter().report<Diag::bad_key>(span, one_line(key, 80));
  report.suggest(did_you_mean(key, keys));
  // The library looks regions and parameters up; the mistake is in the cluster.
  bool from_cluster = false;
  if (scope_.cluster != nullptr && key == scope_.cluster->region) {
    report.label(scope_.cluster->region_at, "the region is named here");
    from_cluster = true;
  } else if (scope_.feature != nullptr) {
    for (const auto& [name, value] : scope_.feature->parameters) {
      const auto* text = value.as<std::string>();
      if (text == nullptr || *text != key) continue;
      report.label(value.span, fmt::format("`{}` is given here", name));
      from_cluster = true;
    }
  }
  if (from_cluster && keys.size() <= most_keys_to_list) {
    report.note(fmt::format("there are {}", list_of(keys)));
  }
  return std::nullopt;
}

std::optional<Value> ExpressionEvaluator::apply(const syntax::Call& call, Span span) {
  const Function* function = find_function(call.function);
  if (function == nullptr) return std::nullopt;  // check_names has said so
  std::vector<Value> arguments;
  bool good = true;
  for (const auto& argument : call.arguments) {
    auto value = evaluate(*argument);
    good = good && value.has_value();
    if (value) arguments.push_back(*std::move(value));
  }
  if (!good) return std::nullopt;
  CallContext context{evaluator_, scope_, span};
  auto result = function->apply(arguments, context);
  if (!result || !charge(deep_size(*result), span)) return std::nullopt;
  return result;
}

std::optional<Value> ExpressionEvaluator::apply(const syntax::List& list, Span span) {
  List out;
  out.reserve(list.elements.size());
  bool good = true;
  for (const auto& element : list.elements) {
    auto value = evaluate(*element);
    good = good && value.has_value();
    if (value) out.push_back(*std::move(value));
  }
  if (!good) return std::nullopt;
  return Value{std::move(out), span};
}

std::optional<Value> ExpressionEvaluator::apply(const syntax::Object& object, Span span) {
  Map out;
  std::map<std::string_view, Span> seen;
  bool good = true;
  for (const auto& entry : object.entries) {
    const auto [first, added] = seen.try_emplace(entry.key, entry.key_span);
    if (!added) {
      reporter()
          .report<Diag::duplicate>(entry.key_span, fmt::format("key `{}`", one_line(entry.key, 80)))
          .label(first->second, "the first one is here");
      good = false;
    }
    auto value = evaluate(*entry.value);
    good = good && value.has_value();
    if (value) out.insert_or_assign(entry.key, *std::move(value));
  }
  if (!good) return std::nullopt;
  return Value{std::move(out), span};
}

std::optional<Value> ExpressionEvaluator::apply(const syntax::For& loop, Span span) {
  auto over = evaluate(*loop.in);
  if (!over) return std::nullopt;
  std::vector<std::pair<Value, Value>> steps;
  if (!unroll(*over, loop, steps)) return std::nullopt;

  List list;
  Map map;
  for (auto& [first, second] : steps) {
    const bool two = !loop.second.empty();
    const Bound outer{two ? loop.first : std::string_view(), &first, scope_.bound};
    const Bound inner{two ? loop.second : loop.first, &second, two ? &outer : scope_.bound};
    Scope scope = scope_;
    scope.bound = &inner;
    ExpressionEvaluator body(evaluator_, scope);
    const auto wanted = body.wanted(loop);
    if (!wanted) return std::nullopt;
    if (!*wanted) continue;
    if (!body.add(loop, list, map)) return std::nullopt;
  }
  if (loop.key) return Value{std::move(map), span};
  return Value{std::move(list), span};
}

std::optional<bool> ExpressionEvaluator::wanted(const syntax::For& loop) {
  if (!loop.test) return true;
  return evaluator_.truth(*loop.test, scope_);
}

bool ExpressionEvaluator::add(const syntax::For& loop, List& list, Map& map) {
  auto value = evaluate(*loop.value);
  if (!value) return false;
  if (!loop.key) {
    list.push_back(*std::move(value));
    return true;
  }
  const auto key = evaluator_.text(*loop.key, scope_);
  if (!key) return false;
  if (map.emplace(*key, *std::move(value)).second) return true;
  reporter().report<Diag::duplicate>(loop.key->span, fmt::format("key `{}`", one_line(*key, 80)));
  return false;
}

// Lists give (index, element), objects (key, value), sets of peers their parts.
bool ExpressionEvaluator::unroll(const Value& over, const syntax::For& loop,
                                 std::vector<std::pair<Value, Value>>& steps) {
  std::int64_t index = 0;
  if (const auto* list = over.as<List>()) {
    for (const Value& element : *list) steps.emplace_back(Value{index++, element.span}, element);
    return true;
  }
  if (const auto* map = over.as<Map>()) {
    for (const auto& [key, value] : *map) steps.emplace_back(Value{key, value.span}, value);
    return true;
  }
  if (const auto* peers = over.as<Peers>()) {
    for (const NamedSet* part : members(*peers)) {
      steps.emplace_back(Value{index++, over.span}, Value{Peers{{part}}, over.span});
    }
    return true;
  }
  reporter().report<Diag::wrong_type>(loop.in->span, "a list or an object", describe(over));
  return false;
}

// `servers` and sites are walked node by node.
std::vector<const NamedSet*> ExpressionEvaluator::members(const Peers& peers) const {
  std::vector<const NamedSet*> out;
  for (const NamedSet* part : peers.parts) {
    const bool servers = part->kind == NamedSet::Kind::servers;
    const bool site = part->kind == NamedSet::Kind::site;
    if (scope_.cluster == nullptr || (!servers && !site)) {
      out.push_back(part);
      continue;
    }
    for (const ClusterScope::Node& node : scope_.cluster->nodes) {
      if (servers || part->name == "site." + node.site) out.push_back(node.set);
    }
  }
  return out;
}

std::optional<Value> ExpressionEvaluator::apply(const syntax::Not& negation, Span span) {
  const auto value = evaluator_.truth(*negation.operand, scope_);
  if (!value) return std::nullopt;
  return Value{!*value, span};
}

std::optional<Value> ExpressionEvaluator::apply(const syntax::Conditional& choice, Span) {
  const auto test = evaluator_.truth(*choice.test, scope_);
  if (!test) return std::nullopt;
  return evaluate(*test ? *choice.then : *choice.otherwise);
}

std::optional<Value> ExpressionEvaluator::apply(const syntax::Flow& written, Span span) {
  auto from = evaluator_.peers(*written.from, scope_);
  auto to = evaluator_.peers(*written.to, scope_);
  auto service = written.service ? evaluator_.service(*written.service, scope_)
                                 : std::optional(net::ServiceSet::any());
  if (!from || !to || !service) return std::nullopt;
  return Value{Flow{*std::move(from), *std::move(to), *std::move(service), written.both_ways},
               span};
}

std::optional<Value> ExpressionEvaluator::expected(std::string_view wanted, const Value& found) {
  if (found.is_null()) {
    reporter().report<Diag::null_value>(found.span).help(fmt::format("expected {}", wanted));
  } else {
    reporter().report<Diag::wrong_type>(found.span, wanted, describe(found));
  }
  return std::nullopt;
}

Reporter& ExpressionEvaluator::reporter() {
  return evaluator_.reporter_;
}

}  // namespace hcipol::sema
