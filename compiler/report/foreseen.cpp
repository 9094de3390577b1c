// Expressions are never guessed: what cannot be known yet is shown as it is written.
#include "report/foreseen.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "sema/expression.h"
#include "sema/walk.h"

namespace hcipol::report {

namespace {

using Op = syntax::Binary::Op;

// Names that mean the same in every cluster.
bool fixed(std::string_view name) {
  constexpr std::array<std::string_view, 9> names{
      "any", "data", "icmp", "icmpv6", "internet", "local", "package", "private", "var"};
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string in_brackets(const std::string& text) {
  const bool loose = text.find(" || ") != text.npos || text.find(" ? ") != text.npos;
  return loose ? "(" + text + ")" : text;
}

Truth joined(Truth a, Truth b, bool conjunction) {
  if (a.decided == !conjunction || b.decided == !conjunction) return {!conjunction, {}};
  if (a.decided) return b;
  if (b.decided) return a;
  if (conjunction) return {std::nullopt, both(a.rest, b.rest)};
  Condition either{a.rest.text + " || " + b.rest.text, std::nullopt};
  const auto& [left, right] = std::pair(a.rest.by_default, b.rest.by_default);
  if (left == true || right == true) {
    either.by_default = true;
  } else if (left && right) {
    either.by_default = false;
  }
  return {std::nullopt, either};
}

/// The comparison that is true where this one is false; "" for what is no comparison.
std::string_view opposite(Op op, bool negated) {
  switch (op) {
    case Op::equal: return negated ? "!=" : "==";
    case Op::not_equal: return negated ? "==" : "!=";
    case Op::less: return negated ? ">=" : "<";
    case Op::less_equal: return negated ? ">" : "<=";
    case Op::greater: return negated ? "<=" : ">";
    case Op::greater_equal: return negated ? "<" : ">=";
    case Op::or_:
    case Op::and_:
    case Op::in:
    case Op::except: break;
  }
  return "";
}

}  // namespace

Condition both(const Condition& a, const Condition& b) {
  if (a.always() || a.text == b.text) return b;
  if (b.always()) return a;
  Condition out{in_brackets(a.text) + " && " + in_brackets(b.text), std::nullopt};
  if (a.by_default == false || b.by_default == false) {
    out.by_default = false;
  } else if (a.by_default && b.by_default) {
    out.by_default = true;
  }
  return out;
}

Foreseen Foreseen::in(const sema::Module& module, const sema::FeatureScope* feature) const {
  return {evaluator_, reporter_, sources_,
          regions_,   features_, sema::Scope{&module, scope_.cluster, feature, nullptr, nullptr}};
}

// ---- what an expression needs

Foreseen::Needs Foreseen::needs(const syntax::Expr& expression) const {
  Needs out;
  collect(expression, out);
  return out;
}

void Foreseen::collect(const syntax::Expr& expression, Needs& needs) const {
  if (!needs.seen.insert(&expression).second) return;
  if (const auto* member = std::get_if<syntax::Member>(&expression.node)) {
    if (collect_member(*member, needs)) return;
  } else if (const auto* name = std::get_if<syntax::Name>(&expression.node)) {
    const bool known = fixed(name->text) || needs.bound.contains(name->text) ||
                       sema::find_use(*scope_.module, name->text) != nullptr;
    if (!known) needs.cluster = true;
  } else if (const auto* call = std::get_if<syntax::Call>(&expression.node)) {
    if (call->function == "enabled" || call->function == "allows") needs.cluster = true;
  } else if (const auto* loop = std::get_if<syntax::For>(&expression.node)) {
    needs.bound.insert(loop->first);
    needs.bound.insert(loop->second);
  }
  sema::for_each_child(expression, [&](const syntax::Expr& child) { collect(child, needs); });
}

// False if the member says nothing by itself and its parts have to be looked at.
bool Foreseen::collect_member(const syntax::Member& member, Needs& needs) const {
  const auto* of = std::get_if<syntax::Name>(&member.of->node);
  if (of == nullptr) return false;
  const sema::ModuleSource& source = *scope_.module->source;
  if (of->text == "cluster") {
    const bool known =
        member.name == "cloud" || (member.name == "region" && !scope_.cluster->region.empty());
    if (!known) needs.cluster = true;
  } else if (of->text == "param") {
    const bool known = !scope_.cluster->region.empty() && is_region_parameter(member.name);
    if (!known) needs.parameters.emplace(member.name);
  } else if (of->text == "local") {
    const auto found = source.locals.find(member.name);
    if (found != source.locals.end()) collect(*found->second->value, needs);
  } else if (of->text == "var") {
    const auto found = source.variables.find(member.name);
    const syntax::Block* given = scope_.module->arguments;
    const bool has_value =
        found != source.variables.end() &&
        (sema::find_attribute(found->second->items, "default") != nullptr ||
         (given != nullptr && sema::find_attribute(given->items, member.name) != nullptr));
    if (!has_value) needs.cluster = true;
  } else {
    return false;
  }
  return true;
}

bool Foreseen::open(const syntax::Expr& expression) const {
  const Needs found = needs(expression);
  return found.cluster || !found.parameters.empty();
}

bool Foreseen::enough_by_default(const syntax::Expr& expression) const {
  const Needs found = needs(expression);
  if (found.cluster) return false;
  return std::all_of(found.parameters.begin(), found.parameters.end(), [&](const auto& name) {
    return scope_.feature != nullptr && scope_.feature->parameters.contains(name);
  });
}

// ---- values

std::optional<sema::Value> Foreseen::value(const syntax::Expr& expression) const {
  if (open(expression)) return std::nullopt;
  return evaluator_.evaluate(expression, scope_);
}

std::optional<net::ServiceSet> Foreseen::service(const syntax::Expr& expression) const {
  if (open(expression)) return std::nullopt;
  return evaluator_.service(expression, scope_);
}

// A default that does not fit here is no mistake: nobody has chosen it yet.
std::optional<sema::Value> Foreseen::default_value(const syntax::Expr& expression) const {
  return enough_by_default(expression) ? quietly(expression, scope_) : std::nullopt;
}

std::optional<sema::Value> Foreseen::quietly(const syntax::Expr& expression,
                                             const sema::Scope& scope) const {
  const Reporter before = reporter_;
  auto value = evaluator_.evaluate(expression, scope);
  reporter_ = before;
  return value;
}

std::optional<net::ServiceSet> Foreseen::default_service(const syntax::Expr& expression) const {
  if (!enough_by_default(expression)) return std::nullopt;
  const Reporter before = reporter_;
  auto service = evaluator_.service(expression, scope_);
  reporter_ = before;
  return service;
}

// ---- tests

Truth Foreseen::truth(const syntax::Expr& expression, bool negated) const {
  if (const auto* inner = std::get_if<syntax::Not>(&expression.node)) {
    return truth(*inner->operand, !negated);
  }
  const auto* binary = std::get_if<syntax::Binary>(&expression.node);
  if (binary != nullptr && (binary->op == Op::and_ || binary->op == Op::or_)) {
    const bool conjunction = (binary->op == Op::and_) != negated;
    return joined(truth(*binary->left, negated), truth(*binary->right, negated), conjunction);
  }
  if (const auto feature = asked_feature(expression)) {
    const auto never = features_.impossible.find(cloud());
    if (never != features_.impossible.end() && never->second.contains(*feature)) {
      return {negated, {}};
    }
  }
  if (open(expression)) return open_test(expression, negated);
  const auto value = evaluator_.truth(expression, scope_);
  return {value.value_or(true) != negated, {}};
}

Truth Foreseen::open_test(const syntax::Expr& expression, bool negated) const {
  Condition rest{written(expression), std::nullopt};
  const auto* binary = std::get_if<syntax::Binary>(&expression.node);
  const std::string_view sign = binary == nullptr ? "" : opposite(binary->op, negated);
  if (!sign.empty()) {
    rest.text = fmt::format("{} {} {}", written(*binary->left), sign, written(*binary->right));
  } else if (negated) {
    const bool short_one = std::holds_alternative<syntax::Name>(expression.node) ||
                           std::holds_alternative<syntax::Member>(expression.node) ||
                           std::holds_alternative<syntax::Call>(expression.node);
    rest.text = short_one ? "!" + rest.text : "!(" + rest.text + ")";
  }
  if (const auto answer = by_default(expression)) rest.by_default = *answer != negated;
  return {std::nullopt, rest};
}

std::optional<bool> Foreseen::by_default(const syntax::Expr& test) const {
  if (const auto feature = asked_feature(test)) {
    if (features_.certain.contains(*feature)) return true;
    return features_.possible.contains(*feature) ? std::nullopt : std::optional(false);
  }
  const auto value = default_value(test);
  const bool* answer = value ? value->as<bool>() : nullptr;
  return answer == nullptr ? std::nullopt : std::optional(*answer);
}

// The feature that `enabled("…")` asks for; nothing for every other expression.
std::optional<sema::Declared> Foreseen::asked_feature(const syntax::Expr& test) const {
  const auto* call = std::get_if<syntax::Call>(&test.node);
  if (call == nullptr || call->function != "enabled" || call->arguments.size() != 1) {
    return std::nullopt;
  }
  const auto name = value(*call->arguments[0]);
  const auto* text = name ? name->as<std::string>() : nullptr;
  if (text == nullptr) return std::nullopt;
  return evaluator_.feature(*text, *scope_.module, call->arguments[0]->span);
}

// ---- texts

std::string Foreseen::written(const syntax::Expr& expression) const {
  std::string out;
  bool inside = false, comment = false, blank = false;
  char before = 0;
  for (const char c : sources_.text(expression.span)) {
    if (comment) {
      comment = c != '\n';
      blank = true;
    } else if (!inside && c == '#') {
      comment = true;
    } else if (!inside && (c == ' ' || c == '\n' || c == '\r' || c == '\t')) {
      blank = true;
    } else {
      if (blank && !out.empty()) out += ' ';
      blank = false;
      out += c;
      if (c == '"' && before != '\\') inside = !inside;
    }
    before = c;
  }
  return out;
}

std::string Foreseen::text(const syntax::Expr& expression) const {
  if (!open(expression)) {
    const auto found = value(expression);
    const auto text = found ? sema::as_text(*found) : std::nullopt;
    return text ? *text : written(expression);
  }
  if (const auto* either = std::get_if<syntax::Conditional>(&expression.node)) {
    return text_of_either(*either);
  }
  const auto* pieces = std::get_if<syntax::Template>(&expression.node);
  if (pieces == nullptr) return written(expression);
  std::string out;
  for (const syntax::Template::Piece& piece : pieces->pieces) {
    if (piece.value == nullptr) {
      out += piece.text;
    } else if (open(*piece.value)) {
      out += "${" + hole(*piece.value) + "}";
    } else {
      out += text(*piece.value);
    }
  }
  return out;
}

// "What is said (if that)"; the side that says nothing is left out.
std::string Foreseen::text_of_either(const syntax::Conditional& either) const {
  std::string out;
  const auto add = [&](const syntax::Expr& side, const Truth& test) {
    const std::string said = test.decided == false ? "" : text(side);
    if (said.empty()) return;
    if (!out.empty()) out += "; ";
    out += test.rest.always() ? said : fmt::format("{} (if {})", said, test.rest.text);
  };
  add(*either.then, truth(*either.test));
  add(*either.otherwise, truth(*either.test, true));
  return out;
}

const syntax::Expr* Foreseen::local(const syntax::Expr& expression) const {
  const auto* member = std::get_if<syntax::Member>(&expression.node);
  if (member == nullptr) return nullptr;
  const auto* of = std::get_if<syntax::Name>(&member->of->node);
  if (of == nullptr || of->text != "local") return nullptr;
  const auto& locals = scope_.module->source->locals;
  const auto found = locals.find(member->name);
  return found == locals.end() ? nullptr : found->second->value.get();
}

}  // namespace hcipol::report
