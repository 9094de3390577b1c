// Roles and endpoints: one set for each cluster, made when first needed.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "sema/evaluator_state.h"
#include "sema/reading.h"
#include "support/text.h"

namespace hcipol::sema {

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
    if (scope.unbound != nullptr && scope.unbound->contains(declared)) {
      return scope.unbound->at(declared);
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
    if (auto value = line(*title->value, scope)) set.title = *std::move(value);
  }
  if (const auto* address = find_attribute(block.items, "address")) {
    const auto peers = addresses(*address->value, scope);
    good = good && peers.has_value();
    if (peers) set.addresses = peers->set().addresses;
  }
  if (const auto* fqdn = find_attribute(block.items, "fqdn")) {
    good = read_names(*fqdn->value, scope, set) && good;
  }
  if (const auto* tag = find_attribute(block.items, "tag")) {
    good = read_tag(*tag->value, scope, set) && good;
  }
  good = read_facts(block, scope) && good;
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

// What the library's catalogue says of an endpoint; it changes no packet.
bool Evaluator::read_facts(const syntax::Block& endpoint, const Scope& scope) {
  bool good = true;
  if (const auto* errata = find_attribute(endpoint.items, "errata")) {
    good = texts(*errata->value, scope).has_value();
  }
  const auto* basis = find_attribute(endpoint.items, "tag_basis");
  if (basis == nullptr) return good;
  const auto word = text(*basis->value, scope);
  if (!word) return false;
  if (*word == "documented" || *word == "inferred") return good;
  reporter_
      .report<Diag::wrong_type>(basis->value->span, "`documented` or `inferred`",
                                fmt::format("`{}`", one_line(*word, 80)))
      .suggest(did_you_mean(*word, std::array<std::string, 2>{"documented", "inferred"}));
  return false;
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
  ServiceTags* tags = service_tags(scope.cluster->cloud);
  if (tags == nullptr) return true;
  const net::AddressSet* addresses = tags->find(*tag);
  if (addresses != nullptr && !addresses->empty()) {
    set.tag_addresses = *addresses;
    return true;
  }
  const std::string file = fmt::format("the {} service tag file", tags->head().cloud);
  auto report = reporter_.report<Diag::unknown_service_tag>(expression.span, *tag, file);
  if (addresses == nullptr) {
    report.suggest(did_you_mean(*tag, tags->names()));
  } else {
    report.note("the file names it without any prefix, and no address is not every address");
  }
  return false;
}

}  // namespace hcipol::sema
