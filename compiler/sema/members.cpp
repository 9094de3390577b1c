// Names and what stands behind a dot.
#include <fmt/format.h>

#include <algorithm>

#include "sema/evaluator_state.h"
#include "sema/expression.h"
#include "support/text.h"

namespace hcipol::sema {

using ReferenceKind = Reference::Kind;

std::optional<Value> ExpressionEvaluator::apply(const syntax::Name& name, Span span) {
  for (const Bound* bound = scope_.bound; bound != nullptr; bound = bound->outer) {
    if (bound->name == name.text) return copy(bound->value, span);
  }
  bool found = false;
  if (auto value = declared(name.text, span, found); found) return value;
  if (auto value = builtin(name.text, span)) return value;
  return namespace_reference(name.text, span);
}

// A role, or an endpoint, of this name. `found` without a value: something was reported.
std::optional<Value> ExpressionEvaluator::declared(std::string_view name, Span span, bool& found) {
  const std::size_t errors = reporter().errors();
  for (const auto kind : {DeclarationKind::role, DeclarationKind::endpoint}) {
    const auto declaration = evaluator_.find(kind, name, scope_, span);
    found = declaration.has_value() || reporter().errors() > errors;
    if (!found) continue;
    if (!declaration) return std::nullopt;
    const NamedSet* set = kind == DeclarationKind::role
                              ? evaluator_.role(*declaration, scope_, span)
                              : evaluator_.endpoint(*declaration, scope_, span);
    if (set == nullptr) return std::nullopt;
    return Value{Peers{{set}}, span};
  }
  return std::nullopt;
}

std::optional<Value> ExpressionEvaluator::builtin(std::string_view name, Span span) {
  const Evaluator::State& state = *evaluator_.state_;
  if (name == "any") return Value{Peers{{state.any}}, span};
  if (name == "internet") return Value{Peers{{state.internet}}, span};
  if (name == "private") return Value{Peers{{state.private_}}, span};
  if (name == "icmp") return Value{net::ServiceSet::whole(net::protocol::icmp), span};
  if (name == "icmpv6") return Value{net::ServiceSet::whole(net::protocol::icmpv6), span};
  if (name == "servers" && scope_.cluster != nullptr) {
    return Value{Peers{{scope_.cluster->servers}}, span};
  }
  return std::nullopt;
}

std::optional<Value> ExpressionEvaluator::namespace_reference(std::string_view name, Span span) {
  const auto reference = [&](ReferenceKind kind, const void* object, std::string what) {
    return Value{Reference{kind, object, std::move(what)}, span};
  };
  if (name == "var") return reference(ReferenceKind::variables, scope_.module, "`var`");
  if (name == "local") return reference(ReferenceKind::locals, scope_.module, "`local`");
  if (name == "package") return reference(ReferenceKind::package, scope_.module, "`package`");
  if (name == "data") return reference(ReferenceKind::data, scope_.module, "`data`");
  if (name == "param" && scope_.feature != nullptr) {
    return reference(ReferenceKind::parameters, scope_.feature, "`param`");
  }
  if (scope_.cluster != nullptr) {
    const ClusterScope* cluster = scope_.cluster;
    if (name == "cluster") {
      return reference(ReferenceKind::cluster, cluster, fmt::format("cluster `{}`", cluster->name));
    }
    const auto of_cluster = [&](ReferenceKind kind) {
      return reference(kind, cluster, fmt::format("`{}` of cluster `{}`", name, cluster->name));
    };
    if (name == "site") return of_cluster(ReferenceKind::sites);
    if (name == "node") return of_cluster(ReferenceKind::nodes);
    if (name == "proxy") return of_cluster(ReferenceKind::proxies);
  }
  if (const Use* use = find_use(*scope_.module, name); use != nullptr && use->module != nullptr) {
    return reference(ReferenceKind::module, use->module, fmt::format("module `{}`", name));
  }
  reporter()
      .report<Diag::not_in_scope>(span, name)
      .help(name == "param"
                ? "`param` is known inside a feature"
                : "it is known where a cluster is: in features, exceptions, targets and clusters");
  return std::nullopt;
}

std::optional<Value> ExpressionEvaluator::apply(const syntax::Member& member, Span span) {
  const auto of = evaluate(*member.of);
  if (!of) return std::nullopt;
  if (const auto* reference = of->as<Reference>()) {
    return member_of(*reference, member.name, member.name_span);
  }
  if (const auto* map = of->as<Map>()) return entry(*map, member.name, member.name_span);
  if (const auto* peers = of->as<Peers>(); peers != nullptr && peers->parts.size() == 1) {
    return member_of(*peers->parts.front(), member.name, member.name_span);
  }
  reporter().report<Diag::unknown_member>(span, describe(*of), member.name);
  return std::nullopt;
}

std::optional<Value> ExpressionEvaluator::unknown_member(std::string_view of, std::string_view name,
                                                         std::vector<std::string> candidates,
                                                         Span span) {
  auto report = reporter().report<Diag::unknown_member>(span, of, name);
  if (const auto meant = did_you_mean(name, candidates)) {
    report.suggest(meant);
  } else if (!candidates.empty() && candidates.size() <= 12) {
    report.help(fmt::format("it has {}", list_of(candidates)));
  }
  return std::nullopt;
}

std::optional<Value> ExpressionEvaluator::member_of(const Reference& reference,
                                                    std::string_view name, Span span) {
  const auto set_named = [&](const auto& list) -> std::optional<Value> {
    std::vector<std::string> names;
    for (const auto& element : list) {
      if (element.name == name) return Value{Peers{{element.set}}, span};
      names.push_back(element.name);
    }
    return unknown_member(reference.what, name, std::move(names), span);
  };
  switch (reference.kind) {
    case ReferenceKind::cluster: return cluster_member(name, span);
    case ReferenceKind::sites: return set_named(scope_.cluster->sites);
    case ReferenceKind::nodes: return set_named(scope_.cluster->nodes);
    case ReferenceKind::proxies: {
      const auto found = scope_.cluster->proxies.find(name);
      if (found != scope_.cluster->proxies.end()) return Value{Peers{{found->second}}, span};
      std::vector<std::string> names;
      for (const auto& [proxy, set] : scope_.cluster->proxies) names.push_back(proxy);
      return unknown_member(reference.what, name, std::move(names), span);
    }
    case ReferenceKind::variables:
      return copy(evaluator_.variable(*scope_.module, name, span), span);
    case ReferenceKind::locals:
      return copy(evaluator_.local(*scope_.module, name, scope_, span), span);
    case ReferenceKind::parameters: {
      const FeatureScope& feature = *scope_.feature;
      auto found = feature.parameters.find(name);
      if (found == feature.parameters.end() && feature.read_parameter) {
        feature.read_parameter(name, span);
        found = feature.parameters.find(name);
      }
      if (found != feature.parameters.end()) return copy(&found->second, span);
      std::vector<std::string> names;
      for (const syntax::Block* param : find_blocks(feature.feature.block->items, "param")) {
        if (param->labels.size() != 1) continue;
        if (param->labels[0].text == name) return std::nullopt;  // its mistake has been reported
        names.push_back(param->labels[0].text);
      }
      return unknown_member(reference.what, name, std::move(names), span);
    }
    case ReferenceKind::module: {
      Scope inside{static_cast<const Module*>(reference.object),
                   scope_.cluster,
                   nullptr,
                   nullptr,
                   scope_.rule,
                   scope_.unbound};
      const Module& module = *inside.module;
      bool found = false;
      ExpressionEvaluator there(evaluator_, inside);
      if (auto value = there.declared(name, span, found); found) return value;
      if (module.source->outputs.contains(name)) {
        return copy(evaluator_.output(module, name, span), span);
      }
      std::vector<std::string> names = visible_names(module, DeclarationKind::role);
      for (std::string& other : visible_names(module, DeclarationKind::endpoint)) {
        names.push_back(std::move(other));
      }
      return unknown_member(reference.what, name, std::move(names), span);
    }
    case ReferenceKind::package:
      return evaluator_.package_member(*scope_.module, name, scope_, span);
    case ReferenceKind::data: return evaluator_.data_member(*scope_.module, name, span);
  }
  return std::nullopt;
}

std::optional<Value> ExpressionEvaluator::cluster_member(std::string_view name, Span span) {
  const ClusterScope& cluster = *scope_.cluster;
  if (name == "name") return Value{cluster.name, span};
  if (name == "cloud") return Value{cluster.cloud, span};
  if (name == "region") {
    if (!cluster.region.empty()) return Value{cluster.region, span};
    auto report =
        evaluator_.reporter().report<Diag::cluster_without_region>(cluster.span, cluster.name);
    report.label(scope_.rule != nullptr ? scope_.rule->header_span : span, "because this needs it");
    report.help("add `region = …` to the cluster, as in `region = \"westeurope\"`");
    return std::nullopt;
  }
  if (name == "stretched") return Value{cluster.stretched(), span};
  if (name == "servers") return Value{Peers{{cluster.servers}}, span};
  List list;
  if (name == "sites") {
    for (const auto& site : cluster.sites) list.push_back({Peers{{site.set}}, span});
    return Value{std::move(list), span};
  }
  if (name == "nodes") {
    for (const auto& node : cluster.nodes) list.push_back({Peers{{node.set}}, span});
    return Value{std::move(list), span};
  }
  return unknown_member(fmt::format("cluster `{}`", cluster.name), name,
                        {"cloud", "name", "nodes", "region", "servers", "sites", "stretched"},
                        span);
}

// Nodes and sites are sets of peers with a few members of their own.
std::optional<Value> ExpressionEvaluator::member_of(const NamedSet& set, std::string_view name,
                                                    Span span) {
  const bool node = set.kind == NamedSet::Kind::node;
  const bool site = set.kind == NamedSet::Kind::site;
  const bool proxy = set.kind == NamedSet::Kind::proxy;
  if (name == "name" && (node || site || proxy)) {
    return Value{set.name.substr(set.name.find('.') + 1), span};
  }
  if (name == "address" && set.set.names.empty()) {
    return Value{Peers{{evaluator_.literal(net::to_string(set.set.addresses), set.set, span)}},
                 span};
  }
  if (site && name == "nodes" && scope_.cluster != nullptr) {
    List list;
    for (const auto& member : scope_.cluster->nodes) {
      if (set.name == "site." + member.site) list.push_back({Peers{{member.set}}, span});
    }
    return Value{std::move(list), span};
  }
  std::vector<std::string> candidates;
  if (set.set.names.empty()) candidates.emplace_back("address");
  if (node || site || proxy) candidates.emplace_back("name");
  if (site) candidates.emplace_back("nodes");
  return unknown_member(describe(Value{Peers{{&set}}, span}), name, std::move(candidates), span);
}

}  // namespace hcipol::sema
