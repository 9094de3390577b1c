// Variables, locals, outputs, roles and endpoints: read when first needed, remembered, and never
// twice at once.
#include <fmt/format.h>

#include <algorithm>

#include "sema/evaluator_state.h"
#include "sema/expression.h"
#include "sema/walk.h"
#include "support/bug.h"
#include "support/text.h"
#include "syntax/parser.h"

namespace hcipol::sema {

namespace {

/// Marks a definition as being read; a second mark on the same one is a cycle, which is reported.
class Reading {
 public:
  Reading(Evaluator& evaluator, std::vector<std::pair<const void*, std::string>>& stack,
          const void* what, std::string name, Span used_at)
      : stack_(stack) {
    const auto begin = std::find_if(stack.begin(), stack.end(),
                                    [&](const auto& entry) { return entry.first == what; });
    if (begin != stack.end()) {
      std::vector<std::string> walk;
      for (auto at = begin; at != stack.end(); ++at) walk.push_back(at->second);
      walk.push_back(name);
      evaluator.reporter().report<Diag::definition_cycle>(
          used_at, fmt::format("{}", fmt::join(walk, " → ")));
      return;
    }
    good_ = true;
    stack_.emplace_back(what, std::move(name));
  }
  ~Reading() {
    if (good_) stack_.pop_back();
  }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;

  explicit operator bool() const { return good_; }

 private:
  std::vector<std::pair<const void*, std::string>>& stack_;
  bool good_ = false;
};

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
  if (declaration == module.source->variables.end()) return nullptr;  // check_names has said so
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
                       : input_.variables.contains(name);
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
    const auto given = input_.variables.find(name);
    if (given == input_.variables.end()) return std::nullopt;
    return command_line_variable(name, given->second, type);
  }
  const auto* argument = find_attribute(module.arguments->items, name);
  if (argument == nullptr) return std::nullopt;
  const Scope outside{module.parent, nullptr, nullptr, nullptr, nullptr};
  return evaluate_as(*argument->value, type, outside);
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
  for (const auto& [name, text] : input_.variables) {
    if (input_.program->root->source->variables.contains(name)) continue;
    std::vector<std::string> names;
    for (const auto& [known, declaration] : input_.program->root->source->variables) {
      names.emplace_back(known);
    }
    reporter_.report<Diag::unknown_variable>(Span{}, "this policy", one_line(name, 80))
        .suggest(did_you_mean(name, names));
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
    reporter_
        .report<Diag::validation_failed>(value.span, declaration.labels[0].text,
                                         one_line(*why, 300))
        .label(condition->value->span, "this does not hold");
  }
}

// ---- locals and outputs

const Value* Evaluator::local(const Module& module, std::string_view name, const Scope& scope,
                              Span used_at) {
  const auto declaration = module.source->locals.find(name);
  if (declaration == module.source->locals.end()) return nullptr;
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

// ---- roles and endpoints

const NamedSet* Evaluator::role(const Declared& declared, const Scope& scope, Span used_at) {
  if (scope.cluster != nullptr) {
    const auto bound = scope.cluster->roles.find(declared);
    if (bound != scope.cluster->roles.end()) return bound->second;
  }
  const auto key = std::tuple(declared.block, declared.module, scope.cluster);
  if (const auto known = state_->roles.find(key); known != state_->roles.end()) {
    return known->second;
  }
  const std::string& name = declared.block->labels[0].text;
  const auto* members = find_attribute(declared.block->items, "members");
  if (members == nullptr) {
    if (scope.cluster == nullptr) {
      reporter_.report<Diag::not_in_scope>(used_at, name)
          .help("a role gets its members from a cluster");
      return nullptr;
    }
    auto report =
        reporter_.report<Diag::unbound_role>(scope.cluster->span, name, scope.cluster->name);
    report.here("this cluster does not bind it");
    report.label(scope.rule != nullptr ? scope.rule->header_span : used_at,
                 "because this needs it");
    report.help(fmt::format("add `role \"{}\" {{ members = … }}` to the cluster", name));
    return nullptr;
  }
  const Reading reading(*this, state_->reading_stack, declared.block,
                        fmt::format("role `{}`", name), used_at);
  if (!reading) return nullptr;
  const Scope inside{declared.module, scope.cluster, nullptr, nullptr, nullptr};
  const auto peers = addresses(*members->value, inside);
  const NamedSet* set =
      peers ? merged(NamedSet::Kind::role, role_name(declared), *peers, declared.block->header_span)
            : nullptr;
  state_->roles[key] = set;
  return set;
}

std::string Evaluator::role_name(const Declared& declared) const {
  const std::string& name = declared.block->labels[0].text;
  const auto found = lookup(*input_.program->root, DeclarationKind::role, name);
  const bool unique = found.size() == 1 && found.front() == declared;
  return unique ? name : fmt::format("{}/{}", declared.module->name, name);
}

namespace {

/// `fqdn` of an endpoint in one cloud: the value itself, or its entry when it is a map by cloud.
const Value* in_cloud(const Value& value, std::string_view cloud) {
  const auto* map = value.as<Map>();
  if (map == nullptr) return &value;
  const auto found = map->find(cloud);
  return found == map->end() ? nullptr : &found->second;
}

}  // namespace

const NamedSet* Evaluator::endpoint(const Declared& declared, const Scope& scope, Span used_at) {
  const bool local = scope.feature != nullptr && scope.feature->feature.block != nullptr &&
                     scope.feature->endpoints.contains(declared.block->labels[0].text);
  const auto key =
      std::tuple(declared.block, declared.module, scope.cluster, local ? scope.feature : nullptr);
  if (const auto known = state_->endpoints.find(key); known != state_->endpoints.end()) {
    return known->second;
  }
  const Reading reading(*this, state_->reading_stack, declared.block,
                        fmt::format("endpoint `{}`", declared.block->labels[0].text), used_at);
  if (!reading) return nullptr;
  Scope inside{declared.module, scope.cluster, local ? scope.feature : nullptr, nullptr,
               scope.rule};
  const NamedSet* set = read_endpoint(declared, inside);
  state_->endpoints[key] = set;
  return set;
}

const NamedSet* Evaluator::read_endpoint(const Declared& declared, const Scope& scope) {
  const syntax::Block& block = *declared.block;
  const std::string& name = block.labels[0].text;
  NamedSet set;
  set.kind = NamedSet::Kind::endpoint;
  set.name =
      declared.module->name == "main" ? name : fmt::format("{}/{}", declared.module->name, name);
  if (scope.feature != nullptr) {
    set.name = fmt::format("{}/{}.{}", declared.module->name,
                           scope.feature->feature.block->labels[0].text, name);
  }
  set.span = block.header_span;
  bool good = true;
  if (const auto* title = find_attribute(block.items, "title")) {
    if (auto value = text(*title->value, scope)) set.title = *std::move(value);
  }
  if (const auto* address = find_attribute(block.items, "address")) {
    const auto peers = addresses(*address->value, scope);
    good = good && peers.has_value();
    if (peers) {
      for (const NamedSet* part : peers->parts) set.addresses = set.addresses | part->set.addresses;
    }
  }
  if (const auto* fqdn = find_attribute(block.items, "fqdn")) {
    good = read_names(*fqdn->value, scope, set) && good;
  }
  if (const auto* tag = find_attribute(block.items, "tag")) {
    good = read_tag(*tag->value, scope, set) && good;
  }
  if (!good) return nullptr;
  if (set.set.names.empty() && !set.addresses.empty()) set.set.addresses = set.addresses;
  if (set.set.empty() && !set.tag.empty()) {
    set.set.names = net::DomainSet(NamedSet::tag_name(set.tag));
  }
  if (set.set.empty()) {
    reporter_.report<Diag::endpoint_without_destination>(block.header_span, name);
    return nullptr;
  }
  return &input_.sets->emplace_back(std::move(set));
}

bool Evaluator::read_names(const syntax::Expr& expression, const Scope& scope, NamedSet& set) {
  const auto value = evaluate(expression, scope);
  if (!value) return false;
  if (value->as<Map>() != nullptr && scope.cluster == nullptr) {
    reporter_.report<Diag::not_in_scope>(expression.span, set.name)
        .help("its names depend on the cloud of a cluster");
    return false;
  }
  const Value* chosen =
      in_cloud(*value, scope.cluster == nullptr ? std::string_view() : scope.cluster->cloud);
  if (chosen == nullptr) {
    auto report =
        reporter_.report<Diag::missing_cloud_key>(expression.span, set.name, scope.cluster->cloud);
    if (scope.rule != nullptr) report.label(scope.rule->header_span, "because this needs it");
    report.help(fmt::format("add `{} = …` here, or leave the feature out of this cluster",
                            scope.cluster->cloud));
    return false;
  }
  List hosts;
  if (const auto* list = chosen->as<List>()) {
    hosts = *list;
  } else {
    hosts.push_back(*chosen);
  }
  std::vector<net::DomainPattern> patterns;
  bool good = true;
  for (Value& host : hosts) {
    if (host.span.file == FileId::no_file) host.span = expression.span;
    const auto converted = convert(std::move(host), {Type::Kind::fqdn, {}, {}}, scope);
    good = good && converted.has_value();
    if (converted) patterns.push_back(*net::parse_pattern(*converted->as<std::string>()));
  }
  if (good && patterns.empty()) {
    reporter_.report<Diag::empty_set>(expression.span, "list of host names");
    return false;
  }
  set.set.names = net::DomainSet::of(std::move(patterns));
  return good;
}

bool Evaluator::read_tag(const syntax::Expr& expression, const Scope& scope, NamedSet& set) {
  const auto tag = text(expression, scope);
  if (!tag) return false;
  const bool good = !tag->empty() && std::all_of(tag->begin(), tag->end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.';
  });
  if (!good) {
    reporter_.report<Diag::wrong_type>(expression.span, "the name of a service tag",
                                       fmt::format("`{}`", one_line(*tag, 80)));
    return false;
  }
  set.tag = *tag;
  if (scope.cluster == nullptr) return true;
  const ServiceTags* tags = service_tags(scope.cluster->cloud);
  if (tags == nullptr) return true;
  if (const auto found = tags->tags.find(*tag); found != tags->tags.end()) {
    set.tag_addresses = found->second;
    return true;
  }
  std::vector<std::string> names;
  for (const auto& [name, prefixes] : tags->tags) names.push_back(name);
  reporter_
      .report<Diag::unknown_service_tag>(expression.span, *tag,
                                         fmt::format("the {} service tag file", tags->cloud))
      .suggest(did_you_mean(*tag, names));
  return false;
}

// ---- data

const ServiceTags* Evaluator::service_tags(const syntax::Block& block, const Module& module) {
  auto [place, added] = state_->data.try_emplace(&block);
  if (!added) return place->second ? &*place->second : nullptr;
  const auto* attribute = find_attribute(block.items, "file");
  if (attribute == nullptr) return nullptr;
  const auto path = text(*attribute->value, Scope{&module, nullptr, nullptr, nullptr, nullptr});
  const std::string* json = path ? file(*path, attribute->value->span) : nullptr;
  if (json == nullptr) return nullptr;
  std::string error;
  place->second = parse_service_tags(*json, error);
  if (!place->second) {
    reporter_.report<Diag::bad_data_file>(attribute->value->span, *path, error);
    return nullptr;
  }
  return &*place->second;
}

const ServiceTags* Evaluator::service_tags(std::string_view cluster_cloud) {
  const auto known = state_->tags_of_cloud.find(cluster_cloud);
  if (known != state_->tags_of_cloud.end()) return known->second;
  const ServiceTags* found = nullptr;
  const Module& root = *input_.program->root;
  for (const syntax::Block* block : root.source->data) {
    const ServiceTags* tags = service_tags(*block, root);
    if (tags != nullptr && tags->cloud == tag_cloud(cluster_cloud)) found = tags;
  }
  state_->tags_of_cloud[std::string(cluster_cloud)] = found;
  return found;
}

std::optional<Value> Evaluator::data_member(const Module& module, std::string_view name,
                                            Span used_at) {
  for (const syntax::Block* block : module.source->data) {
    if (block->labels.size() != 2 || block->labels[1].text != name) continue;
    const ServiceTags* tags = service_tags(*block, module);
    if (tags == nullptr) return std::nullopt;
    return Value{Map{{"cloud", Value{tags->cloud, used_at}},
                     {"change_number", Value{tags->change_number, used_at}}},
                 used_at};
  }
  return std::nullopt;  // check_names has said so
}

}  // namespace hcipol::sema
