// The typed entry points, and the sets and files that evaluation keeps.
#include "sema/evaluator.h"

#include <fmt/format.h>

#include <algorithm>

#include "sema/evaluator_state.h"
#include "sema/expression.h"
#include "sema/schema.h"
#include "support/sha256.h"
#include "support/text.h"

namespace hcipol::sema {

namespace {

net::PeerSet with_every_name(net::AddressSet addresses) {
  return {std::move(addresses), net::DomainSet::all()};
}

}  // namespace

Evaluator::Evaluator(EvaluationInput input, Reporter& reporter)
    : input_(std::move(input)), reporter_(reporter), state_(std::make_unique<State>()) {
  const auto add = [&](NamedSet::Kind kind, std::string name, net::PeerSet set) {
    NamedSet& made = input_.sets->emplace_back();
    made.kind = kind;
    made.name = std::move(name);
    made.set = std::move(set);
    return &made;
  };
  state_->any = add(NamedSet::Kind::any, "any", net::PeerSet::all());
  state_->internet =
      add(NamedSet::Kind::internet, "internet", with_every_name(net::internet_addresses()));
  state_->private_ = add(NamedSet::Kind::private_, "private", {net::private_addresses(), {}});
}

Evaluator::~Evaluator() = default;

std::optional<Value> Evaluator::evaluate(const syntax::Expr& expression, const Scope& scope) {
  return ExpressionEvaluator(*this, scope).evaluate(expression);
}

std::optional<Value> Evaluator::evaluate_as(const syntax::Expr& expression, const Type& type,
                                            const Scope& scope) {
  auto value = evaluate(expression, scope);
  return value ? convert(*std::move(value), type, scope) : std::nullopt;
}

std::optional<std::string> Evaluator::text(const syntax::Expr& expression, const Scope& scope) {
  auto value = evaluate_as(expression, {Type::Kind::string, {}, {}}, scope);
  return value ? std::optional(std::get<std::string>(std::move(value->data))) : std::nullopt;
}

std::optional<std::string> Evaluator::line(const syntax::Expr& expression, const Scope& scope) {
  auto value = text(expression, scope);
  if (!value || !has_control_characters(*value)) return value;
  reporter_.report<Diag::control_character>(expression.span)
      .help("a title, note or reason is one line of plain text");
  return std::nullopt;
}

std::optional<bool> Evaluator::truth(const syntax::Expr& expression, const Scope& scope) {
  const auto value = evaluate_as(expression, {Type::Kind::boolean, {}, {}}, scope);
  return value ? std::optional(std::get<bool>(value->data)) : std::nullopt;
}

std::optional<Date> Evaluator::date(const syntax::Expr& expression, const Scope& scope) {
  const auto value = evaluate_as(expression, {Type::Kind::date, {}, {}}, scope);
  return value ? std::optional(std::get<Date>(value->data)) : std::nullopt;
}

std::optional<Peers> Evaluator::addresses(const syntax::Expr& expression, const Scope& scope) {
  auto value = evaluate_as(expression, {Type::Kind::address, {}, {}}, scope);
  if (!value) return std::nullopt;
  auto peers = std::get<Peers>(std::move(value->data));
  if (!peers.parts.empty()) return peers;
  reporter_.report<Diag::empty_set>(expression.span, "list of addresses");
  return std::nullopt;
}

std::optional<Peers> Evaluator::peers(const syntax::Expr& expression, const Scope& scope) {
  auto value = evaluate(expression, scope);
  return value ? peers(*std::move(value), scope) : std::nullopt;
}

std::optional<Peers> Evaluator::peers(Value value, const Scope& scope) {
  const Span span = value.span;
  auto converted = convert(std::move(value), {Type::Kind::peer, {}, {}}, scope);
  if (!converted) return std::nullopt;
  auto peers = std::get<Peers>(std::move(converted->data));
  if (!peers.parts.empty()) return peers;
  reporter_.report<Diag::empty_set>(span, "list of peers");
  return std::nullopt;
}

std::optional<net::ServiceSet> Evaluator::service(const syntax::Expr& expression,
                                                  const Scope& scope) {
  auto value = evaluate(expression, scope);
  return value ? service(*std::move(value), scope) : std::nullopt;
}

std::optional<net::ServiceSet> Evaluator::service(Value value, const Scope& scope) {
  const Span span = value.span;
  auto converted = convert(std::move(value), {Type::Kind::service, {}, {}}, scope);
  if (!converted) return std::nullopt;
  auto service = std::get<net::ServiceSet>(std::move(converted->data));
  if (!service.empty()) return service;
  reporter_.report<Diag::empty_set>(span, "list of services");
  return std::nullopt;
}

std::optional<Flow> Evaluator::flow(const syntax::Expr& expression, const Scope& scope) {
  auto value = evaluate_as(expression, {Type::Kind::flow, {}, {}}, scope);
  return value ? std::optional(std::get<Flow>(std::move(value->data))) : std::nullopt;
}

std::optional<std::vector<std::string>> Evaluator::texts(const syntax::Expr& expression,
                                                         const Scope& scope) {
  const auto list = text_list(expression, scope);
  if (!list) return std::nullopt;
  std::vector<std::string> out;
  for (const Value& element : *list) out.push_back(*element.as<std::string>());
  return out;
}

std::optional<List> Evaluator::text_list(const syntax::Expr& expression, const Scope& scope) {
  const Type strings{Type::Kind::list, {{Type::Kind::string, {}, {}}}, {}};
  auto value = evaluate_as(expression, strings, scope);
  return value ? std::optional(std::get<List>(std::move(value->data))) : std::nullopt;
}

const NamedSet* Evaluator::literal(std::string name, net::PeerSet set, Span span) {
  if (const auto known = state_->literals.find(name); known != state_->literals.end()) {
    // "any except servers" of two clusters is one text and two sets.
    if (known->second->set == set) return known->second;
  }
  NamedSet& made = input_.sets->emplace_back();
  made.name = std::move(name);
  made.set = std::move(set);
  made.span = span;
  state_->literals[made.name] = &made;
  return &made;
}

const NamedSet* Evaluator::merged(NamedSet::Kind kind, std::string name, const Peers& peers,
                                  Span span) {
  NamedSet& made = input_.sets->emplace_back();
  made.kind = kind;
  made.name = std::move(name);
  made.span = span;
  std::vector<net::AddressRange> ranges;
  for (const NamedSet* part : peers.parts) {
    const auto theirs = part->set.addresses.ranges();
    ranges.insert(ranges.end(), theirs.begin(), theirs.end());
    if (!part->set.names.empty()) made.set.names = made.set.names | part->set.names;
  }
  made.set.addresses = net::AddressSet::of(std::move(ranges));
  return &made;
}

std::optional<std::string> Evaluator::own_path(const std::string& path, Span used_at) {
  const std::string& root = input_.program->root->source->directory;
  std::string full = join_path(root, path);
  const bool inside = root == "." ? !full.starts_with("..") && !full.starts_with('/')
                                  : full.starts_with(root + "/");
  if (!path.starts_with('/') && inside) return full;
  reporter_.report<Diag::outside_repository>(used_at, one_line(path, 120));
  return std::nullopt;
}

const std::string* Evaluator::file(const std::string& path, Span used_at) {
  const auto full = own_path(path, used_at);
  if (!full) return nullptr;
  auto [place, added] = state_->files.try_emplace(*full);
  std::optional<std::string>& text = place->second.text;
  if (added) {
    std::string error;
    text = input_.files->read(*full, error);
    place->second.used_at = used_at;
    if (!text) reporter_.report<Diag::unreadable>(used_at, one_line(*full, 120), error);
  }
  return text ? &*text : nullptr;
}

std::map<std::string, ReadFile> Evaluator::files_read() const {
  std::map<std::string, ReadFile> out;
  for (const auto& [path, file] : state_->files) {
    if (file.text) out.emplace(path, ReadFile{sha256_hex(*file.text), file.used_at});
  }
  return out;
}

std::optional<Value> Evaluator::allowed(const std::string& cluster, const Flow& flow, Span call) {
  if (!allows_) {
    reporter_.report<Diag::not_in_scope>(call, "allows")
        .help("rules are known last, so only an `output` of the policy itself can ask for them");
    return std::nullopt;
  }
  const auto answer = allows_(cluster, flow);
  if (answer) return Value{*answer, call};
  reporter_.report<Diag::unknown_name>(call, "cluster", cluster);
  return std::nullopt;
}

std::optional<Declared> Evaluator::find(DeclarationKind kind, std::string_view name,
                                        const Scope& scope, Span used_at) {
  if (kind == DeclarationKind::endpoint && scope.feature != nullptr) {
    const auto own = scope.feature->endpoints.find(name);
    if (own != scope.feature->endpoints.end()) {
      return Declared{own->second, scope.feature->feature.module};
    }
  }
  const auto found = lookup(*scope.module, kind, name);
  if (found.size() == 1) return found.front();
  if (found.size() > 1) {
    auto report = reporter_.report<Diag::ambiguous_name>(used_at, name);
    std::vector<std::string> ways;
    for (const Use& use : scope.module->uses) {
      const std::string qualified = fmt::format("{}/{}", use.alias, name);
      if (!lookup(*scope.module, kind, qualified).empty()) {
        ways.push_back(fmt::format("`{}.{}`", use.alias, name));
      }
    }
    for (const Declared& one : found) {
      report.label(one.block->header_span, fmt::format("declared in `{}`", one.module->name));
    }
    report.help(fmt::format("write {}", list_of(ways, "or")));
  }
  return std::nullopt;
}

std::optional<Declared> Evaluator::feature(std::string_view name, const Module& module,
                                           Span used_at) {
  const auto found = lookup(module, DeclarationKind::feature, name);
  if (found.size() == 1) return found.front();
  if (found.empty()) {
    reporter_.report<Diag::unknown_feature>(used_at, one_line(name, 80))
        .suggest(did_you_mean(name, visible_names(module, DeclarationKind::feature)));
    return std::nullopt;
  }
  auto report = reporter_.report<Diag::ambiguous_name>(used_at, name);
  for (const Declared& one : found) {
    report.label(one.block->header_span, fmt::format("declared in `{}`", one.module->name));
  }
  report.help(
      fmt::format("write the module before it, as in \"{}/{}\"", found.front().module->name, name));
  return std::nullopt;
}

void Evaluator::check_tier(std::string_view tier, Span at) {
  if (std::find(feature_tiers.begin(), feature_tiers.end(), tier) != feature_tiers.end()) return;
  const std::vector<std::string> known(feature_tiers.begin(), feature_tiers.end());
  reporter_
      .report<Diag::wrong_type>(at, list_of(known, "or"), fmt::format("`{}`", one_line(tier, 80)))
      .suggest(did_you_mean(tier, known));
}

const syntax::Attribute* find_attribute(const std::vector<syntax::Item>& items,
                                        std::string_view name) {
  for (const syntax::Item& item : items) {
    const auto* attribute = std::get_if<syntax::Attribute>(&item.node);
    if (attribute != nullptr && attribute->name == name) return attribute;
  }
  return nullptr;
}

std::vector<const syntax::Block*> find_blocks(const std::vector<syntax::Item>& items,
                                              std::string_view kind) {
  std::vector<const syntax::Block*> blocks;
  for (const syntax::Item& item : items) {
    const auto* block = std::get_if<syntax::Block>(&item.node);
    if (block != nullptr && block->kind == kind) blocks.push_back(block);
  }
  return blocks;
}

}  // namespace hcipol::sema
