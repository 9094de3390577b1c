// Variables, locals and outputs: read when first needed, remembered, and never twice at once.
#include <fmt/format.h>

#include <algorithm>

#include "sema/evaluator_state.h"
#include "sema/expression.h"
#include "sema/reading.h"
#include "sema/walk.h"
#include "support/bug.h"
#include "support/text.h"
#include "syntax/parser.h"

namespace hcipol::sema {

namespace {

// Then the place of the value is the declaration's, and the mistake that of who gives no other.
bool is_default(const Value& value, const syntax::Block& declaration) {
  const auto* otherwise = find_attribute(declaration.items, "default");
  if (otherwise == nullptr) return false;
  const Span& place = otherwise->value->span;
  return value.span.file == place.file && value.span.begin >= place.begin &&
         value.span.end <= place.end;
}

Type declared_type(const syntax::Block& declaration, Reporter& reporter) {
  const auto* type = find_attribute(declaration.items, "type");
  return type == nullptr ? Type{} : read_type(*type->value, reporter);
}

bool asks_allows(const syntax::Block& output) {
  const auto* value = find_attribute(output.items, "value");
  bool asks = false;
  auto look = [&](const syntax::Expr& expression) {
    const auto* call = std::get_if<syntax::Call>(&expression.node);
    asks = asks || (call != nullptr && call->function == "allows");
  };
  if (value != nullptr) walk(*value->value, look);
  return asks;
}

}  // namespace

// ---- variables

const Value* Evaluator::variable(const Module& module, std::string_view name, Span used_at) {
  const auto declaration = module.source->variables.find(name);
  if (declaration == module.source->variables.end()) {
    reporter_.report<Diag::unknown_name>(used_at, "variable", name);
    return nullptr;
  }
  const auto key = std::pair(&module, declaration->first);
  const auto known = state_->variables.find(key);
  if (known != state_->variables.end()) return known->second ? &*known->second : nullptr;
  const Reading reading(*this, state_->reading_stack, declaration->second,
                        fmt::format("var.{}", name), used_at);
  if (!reading) return nullptr;
  auto value = read_variable(module, *declaration->second);
  auto& place = state_->variables[key];
  place = std::move(value);
  return place ? &*place : nullptr;
}

std::optional<Value> Evaluator::read_variable(const Module& module,
                                              const syntax::Block& declaration) {
  const Type type = declared_type(declaration, reporter_);
  if (auto given = given_variable(module, declaration, type)) return given;
  const std::string& name = declaration.labels[0].text;
  const bool set = module.arguments != nullptr
                       ? find_attribute(module.arguments->items, name) != nullptr
                       : given_by_test(name) != nullptr || input_.variables.contains(name);
  if (set) return std::nullopt;  // given_variable has reported
  const auto* otherwise = find_attribute(declaration.items, "default");
  if (otherwise != nullptr) {
    const Scope scope{&module, nullptr, nullptr, nullptr, nullptr};
    return evaluate_as(*otherwise->value, type, scope);
  }
  if (module.arguments != nullptr) {
    reporter_.report<Diag::missing_variable>(module.arguments->header_span, name)
        .label(declaration.header_span, "it is declared here, without a default");
  } else {
    reporter_.report<Diag::missing_variable>(declaration.header_span, name)
        .help(fmt::format("give it a `default`, or a value with `--var {}=…`", name));
  }
  return std::nullopt;
}

std::optional<Value> Evaluator::given_variable(const Module& module,
                                               const syntax::Block& declaration, const Type& type) {
  const std::string& name = declaration.labels[0].text;
  if (module.arguments == nullptr) {
    if (const auto* entry = given_by_test(name)) {
      return evaluate_as(*entry->value, type, Scope{&module, nullptr, nullptr, nullptr, nullptr});
    }
    const auto given = input_.variables.find(name);
    if (given == input_.variables.end()) return std::nullopt;
    return command_line_variable(name, given->second, type);
  }
  const auto* argument = find_attribute(module.arguments->items, name);
  if (argument == nullptr) return std::nullopt;
  const Scope outside{module.parent, nullptr, nullptr, nullptr, nullptr};
  return evaluate_as(*argument->value, type, outside);
}

const syntax::Object::Entry* Evaluator::given_by_test(std::string_view name) const {
  if (input_.given == nullptr) return nullptr;
  const auto& entries = std::get<syntax::Object>(input_.given->node).entries;
  const auto found = std::find_if(entries.begin(), entries.end(),
                                  [&](const auto& entry) { return entry.key == name; });
  return found == entries.end() ? nullptr : &*found;
}

// Texts need no quotes on a command line; everything else is an expression.
std::optional<Value> Evaluator::command_line_variable(const std::string& name,
                                                      const std::string& text, const Type& type) {
  const bool is_text = type.kind == Type::Kind::string || type.kind == Type::Kind::fqdn ||
                       type.kind == Type::Kind::tag;
  const FileId id = input_.sources->add(fmt::format("<--var {}>", name),
                                        is_text ? text : fmt::format("{} = {}", name, text));
  const auto size = static_cast<std::uint32_t>(input_.sources->file(id).text.size());
  const Scope scope{input_.program->root, nullptr, nullptr, nullptr, nullptr};
  if (is_text) return convert(Value{text, Span{id, 0, size}}, type, scope);
  const std::size_t errors = reporter_.errors();
  const syntax::File file = syntax::parse(id, *input_.sources, reporter_);
  if (reporter_.errors() > errors) return std::nullopt;
  const auto* attribute =
      file.items.size() == 1 ? std::get_if<syntax::Attribute>(&file.items[0].node) : nullptr;
  if (attribute != nullptr) return evaluate_as(*attribute->value, type, scope);
  reporter_.report<Diag::unexpected_text>(Span{id, 0, size}).help("a value is one expression");
  return std::nullopt;
}

void Evaluator::check_variables() {
  for (const Module& module : input_.program->modules) {
    for (const auto& [name, declaration] : module.source->variables) {
      const Value* value = variable(module, name, declaration->header_span);
      if (value != nullptr) {
        validate(*declaration, *value, Scope{&module, nullptr, nullptr, nullptr, nullptr});
      }
    }
    for (const auto& [name, declaration] : module.source->outputs) {
      if (!asks_allows(*declaration)) output(module, name, declaration->header_span);
    }
  }
  const auto& known = input_.program->root->source->variables;
  const auto refuse_unknown = [&](const std::string& name, Span span) {
    if (known.contains(name)) return;
    std::vector<std::string> names;
    for (const auto& [other, declaration] : known) names.emplace_back(other);
    reporter_.report<Diag::unknown_variable>(span, "this policy", one_line(name, 80))
        .suggest(did_you_mean(name, names));
  };
  for (const auto& [name, text] : input_.variables) refuse_unknown(name, Span{});
  if (input_.given == nullptr) return;
  for (const auto& entry : std::get<syntax::Object>(input_.given->node).entries) {
    refuse_unknown(entry.key, entry.key_span);
  }
}

void Evaluator::check_late_outputs() {
  for (const Module& module : input_.program->modules) {
    for (const auto& [name, declaration] : module.source->outputs) {
      if (asks_allows(*declaration)) output(module, name, declaration->header_span);
    }
  }
}

void Evaluator::validate(const syntax::Block& declaration, const Value& value, const Scope& scope) {
  for (const syntax::Block* block : find_blocks(declaration.items, "validation")) {
    const auto* condition = find_attribute(block->items, "condition");
    const auto* message = find_attribute(block->items, "message");
    if (condition == nullptr || message == nullptr) continue;
    const auto good = truth(*condition->value, scope);
    if (!good || *good) continue;
    const auto why = text(*message->value, scope);
    if (!why) continue;
    auto report = reporter_.report<Diag::validation_failed>(value.span, declaration.labels[0].text,
                                                            one_line(*why, 300));
    report.label(condition->value->span, "this does not hold");
    if (scope.feature != nullptr && is_default(value, declaration)) {
      report.label(scope.feature->enabled_at, "the feature comes with this");
      report.label(scope.cluster->span, "in this cluster");
    }
  }
}

// ---- locals and outputs

const Value* Evaluator::local(const Module& module, std::string_view name, const Scope& scope,
                              Span used_at) {
  const auto declaration = module.source->locals.find(name);
  if (declaration == module.source->locals.end()) {
    reporter_.report<Diag::unknown_name>(used_at, "local", name);
    return nullptr;
  }
  const auto key = std::tuple(&module, declaration->first, scope.cluster);
  const auto known = state_->locals.find(key);
  if (known != state_->locals.end()) return known->second ? &*known->second : nullptr;
  const Reading reading(*this, state_->reading_stack, declaration->second,
                        fmt::format("local.{}", name), used_at);
  if (!reading) return nullptr;
  const Scope inside{&module, scope.cluster, nullptr, nullptr, nullptr};
  auto value = evaluate(*declaration->second->value, inside);
  auto& place = state_->locals[key];
  place = std::move(value);
  return place ? &*place : nullptr;
}

void Evaluator::check_locals(const ClusterScope* cluster) {
  for (const Module& module : input_.program->modules) {
    if (module.source->library) continue;
    const Scope scope{&module, cluster, nullptr, nullptr, nullptr};
    for (const auto& [name, declaration] : module.source->locals) {
      local(module, name, scope, declaration->name_span);
    }
  }
}

const Value* Evaluator::output(const Module& module, std::string_view name, Span used_at) {
  const auto declaration = module.source->outputs.find(name);
  if (declaration == module.source->outputs.end()) return nullptr;
  const auto key = std::pair(&module, declaration->first);
  const auto known = state_->outputs.find(key);
  if (known != state_->outputs.end()) return known->second ? &*known->second : nullptr;
  const auto* attribute = find_attribute(declaration->second->items, "value");
  if (attribute == nullptr) return nullptr;
  const Reading reading(*this, state_->reading_stack, declaration->second,
                        fmt::format("output.{}", name), used_at);
  if (!reading) return nullptr;
  auto value = evaluate(*attribute->value, Scope{&module, nullptr, nullptr, nullptr, nullptr});
  auto& place = state_->outputs[key];
  place = std::move(value);
  return place ? &*place : nullptr;
}

std::optional<Value> Evaluator::package_member(const Module& module, std::string_view name,
                                               const Scope& scope, Span used_at) {
  const syntax::Block* package = module.source->package;
  const auto* attribute = package == nullptr ? nullptr : find_attribute(package->items, name);
  if (attribute != nullptr) {
    return evaluate(*attribute->value, Scope{&module, scope.cluster, nullptr, nullptr, nullptr});
  }
  reporter_.report<Diag::unknown_member>(used_at, "`package`", name)
      .help(package == nullptr ? "this module has no `package` block"
                               : "it has `revision` and `source`, as far as the block says them");
  return std::nullopt;
}

}  // namespace hcipol::sema
