// Which features a cluster has, why, and with which parameters.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "policy/build.h"
#include "support/graph.h"
#include "support/text.h"

namespace hcipol::policy {

namespace {

using sema::DeclarationKind;
using sema::Declared;
using sema::find_attribute;
using sema::find_blocks;

/// A feature that a cluster has, and why.
struct Chosen {
  std::string because;
  Span enabled_at;
  const syntax::Block* enable = nullptr;  ///< where its parameters are given
};

class FeatureResolver {
 public:
  FeatureResolver(BuildContext& context, std::size_t index)
      : context_(context),
        cluster_(context.policy.clusters[index]),
        scope_(context.scopes[index]),
        out_(context.features[index]) {}

  void resolve() {
    const syntax::Block& block =
        *context_.program.root->source->clusters.find(cluster_.name)->second;
    for (const syntax::Block* enable : find_blocks(block.items, "enable")) read_enable(*enable);
    // What an automatic feature requires may bring in another module, with automatic ones of its
    // own.
    do {
      close();
    } while (add_automatic());
    const auto order = order_by_need();
    if (!order) return;
    refuse_conflicts();
    scope_.features.emplace(order->begin(), order->end());
    for (const Declared& feature : *order) add(feature);
  }

 private:
  Reporter& reporter() { return context_.reporter; }
  sema::Scope scope_of(const Declared& feature) const {
    return {feature.module, &scope_, nullptr, nullptr, nullptr};
  }
  static const std::string& name_of(const Declared& feature) {
    return feature.block->labels[0].text;
  }
  static std::string full_name(const Declared& feature) {
    return fmt::format("{}/{}", feature.module->name, name_of(feature));
  }

  // ---- choosing

  void read_enable(const syntax::Block& enable) {
    if (enable.labels.size() != 1) return;
    const auto feature = context_.evaluator.feature(enable.labels[0].text, *context_.program.root,
                                                    enable.labels[0].span);
    if (!feature) return;
    const auto [place, added] =
        chosen_.try_emplace(*feature, Chosen{"enabled", enable.header_span, &enable});
    if (added) return;
    reporter()
        .report<Diag::enabled_twice>(enable.header_span, enable.labels[0].text)
        .label(place->second.enabled_at, "the first time is here");
    if (!enable.items.empty()) {
      reporter()
          .report<Diag::duplicate>(enable.header_span,
                                   fmt::format("feature `{}`", enable.labels[0].text))
          .label(place->second.enabled_at, "its parameters are given here");
    }
  }

  // Those of the policy itself, and of the modules of which the cluster has a feature: a policy may
  // use two releases, and a cluster follows one of them.
  bool add_automatic() {
    std::set<const sema::Module*> followed{context_.program.root};
    for (const auto& [feature, why] : chosen_) followed.insert(&sema::outermost(*feature.module));
    const std::size_t before = chosen_.size();
    for (const sema::Module& module : context_.program.modules) {
      if (followed.contains(&sema::outermost(module))) add_automatic(module);
    }
    return chosen_.size() > before;
  }

  void add_automatic(const sema::Module& module) {
    for (const auto& [name, block] : module.source->features) {
      const Declared feature{block, &module};
      const auto* automatic = find_attribute(block->items, "auto");
      if (automatic == nullptr || chosen_.contains(feature)) continue;
      // What an extender hides cannot switch itself on.
      if (sema::hidden(feature, DeclarationKind::feature)) continue;
      const auto on = context_.evaluator.truth(*automatic->value, scope_of(feature));
      if (on && *on) chosen_.emplace(feature, Chosen{"automatic", automatic->name_span, nullptr});
    }
  }

  // ---- requires and conflicts

  std::vector<std::pair<Declared, Span>> named_in(const Declared& feature,
                                                  std::string_view attribute) {
    std::vector<std::pair<Declared, Span>> out;
    const auto* list = find_attribute(feature.block->items, attribute);
    if (list == nullptr) return out;
    const auto names = context_.evaluator.texts(*list->value, scope_of(feature));
    if (!names) return out;
    for (const std::string& name : *names) {
      if (const auto found = context_.evaluator.feature(name, *feature.module, list->value->span)) {
        out.emplace_back(*found, list->value->span);
      }
    }
    return out;
  }

  // By full name: what is reported must depend on names and not on addresses.
  std::vector<Declared> by_name() const {
    std::vector<Declared> features;
    for (const auto& [feature, why] : chosen_) features.push_back(feature);
    std::sort(features.begin(), features.end(),
              [](const Declared& a, const Declared& b) { return full_name(a) < full_name(b); });
    return features;
  }

  void close() {
    std::vector<Declared> work = by_name();
    for (std::size_t next = 0; next < work.size(); ++next) {
      const Declared feature = work[next];
      if (!closed_.insert(feature).second) continue;
      for (const auto& [needed, span] : named_in(feature, "requires")) {
        needs_[feature].push_back({needed, span});
        const std::string because = fmt::format("required by {}", full_name(feature));
        if (chosen_.try_emplace(needed, Chosen{because, span, nullptr}).second) {
          work.push_back(needed);
        }
      }
    }
  }

  std::optional<std::vector<Declared>> order_by_need() {
    const std::vector<Declared> features = by_name();
    std::map<Declared, std::size_t> index;
    for (std::size_t i = 0; i < features.size(); ++i) index[features[i]] = i;
    Graph graph{features.size(), {}};
    for (const auto& [feature, needed] : needs_) {
      for (const auto& [other, span] : needed)
        graph.edges.emplace_back(index[feature], index[other]);
    }
    const auto order = dependencies_first(graph);
    if (!order) {
      for (const auto& cycle : cycles(graph)) report_cycle(cycle, features);
      return std::nullopt;
    }
    std::vector<Declared> out;
    for (const std::size_t i : *order) out.push_back(features[i]);
    return out;
  }

  void report_cycle(const std::vector<std::size_t>& cycle, const std::vector<Declared>& features) {
    std::vector<std::string> walk;
    for (const std::size_t i : cycle) walk.push_back(full_name(features[i]));
    walk.push_back(walk.front());
    auto report = reporter().report<Diag::feature_cycle>(features[cycle.front()].block->header_span,
                                                         fmt::format("{}", fmt::join(walk, " → ")));
    for (const std::size_t i : cycle) {
      for (const auto& [other, span] : needs_[features[i]]) {
        const bool next = std::any_of(cycle.begin(), cycle.end(),
                                      [&](std::size_t j) { return features[j] == other; });
        if (next) report.label(span, fmt::format("`{}` requires this", full_name(features[i])));
      }
    }
  }

  void refuse_conflicts() {
    std::set<std::pair<std::string, std::string>> seen;
    for (const Declared& feature : by_name()) {
      const Chosen& why = chosen_.at(feature);
      for (const auto& [other, span] : named_in(feature, "conflicts")) {
        const auto found = chosen_.find(other);
        if (found == chosen_.end() || other == feature) continue;
        // By value: std::minmax of two temporaries is a pair of references to what has gone.
        std::pair pair(full_name(feature), full_name(other));
        if (pair.second < pair.first) std::swap(pair.first, pair.second);
        if (!seen.insert(std::move(pair)).second) continue;
        reporter()
            .report<Diag::feature_conflict>(why.enabled_at, full_name(feature), full_name(other),
                                            cluster_.name)
            .label(found->second.enabled_at,
                   fmt::format("`{}` is {}", full_name(other), found->second.because))
            .label(span, "the conflict is declared here");
      }
    }
  }

  // ---- parameters

  void add(const Declared& feature) {
    const Chosen& why = chosen_.at(feature);
    sema::FeatureScope& scope = out_.emplace_back();
    scope.feature = feature;
    scope.enabled_at = why.enabled_at;
    for (const auto& [needed, span] : needs_[feature]) scope.needs.push_back(full_name(needed));
    for (const syntax::Block* endpoint : find_blocks(feature.block->items, "endpoint")) {
      if (endpoint->labels.size() == 1) scope.endpoints[endpoint->labels[0].text] = endpoint;
    }
    read_parameters(scope, why.enable);
    EnabledFeature& enabled = cluster_.features.emplace_back();
    enabled.module = feature.module->name;
    enabled.name = name_of(feature);
    enabled.because = why.because;
    enabled.span = feature.block->header_span;
    enabled.enabled_at = why.enabled_at;
    const sema::Scope inside{feature.module, &scope_, &scope, nullptr, nullptr};
    if (const auto* title = find_attribute(feature.block->items, "title")) {
      enabled.title = context_.evaluator.line(*title->value, inside).value_or("");
    }
    if (const auto* source = find_attribute(feature.block->items, "source")) {
      enabled.source = context_.evaluator.line(*source->value, inside).value_or("");
    }
    check_facts(*feature.block, inside);
  }

  // What the library's catalogue says of a feature. It opens nothing, and must be right all the
  // same.
  void check_facts(const syntax::Block& block, const sema::Scope& scope) {
    if (const auto* tier = find_attribute(block.items, "tier")) {
      const auto text = context_.evaluator.text(*tier->value, scope);
      if (text) context_.evaluator.check_tier(*text, tier->value->span);
    }
    if (const auto* date = find_attribute(block.items, "source_date")) {
      context_.evaluator.date(*date->value, scope);
    }
    if (const auto* errata = find_attribute(block.items, "errata")) {
      context_.evaluator.texts(*errata->value, scope);
    }
  }

  void read_parameters(sema::FeatureScope& feature, const syntax::Block* enable) {
    const auto params = find_blocks(feature.feature.block->items, "param");
    const sema::Scope inside{feature.feature.module, &scope_, &feature, nullptr, nullptr};
    std::vector<std::string> names;
    std::vector<std::string> reading;  // outermost first
    std::set<const syntax::Block*> tried;
    const auto read_one = [&](const syntax::Block& param) {
      if (!tried.insert(&param).second) return;
      const std::string& name = param.labels[0].text;
      reading.push_back(name);
      read_parameter(feature, param, enable);
      reading.pop_back();
    };
    feature.read_parameter = [&](std::string_view name, Span used_at) {
      const auto outer = std::find(reading.begin(), reading.end(), name);
      if (outer != reading.end()) {
        std::vector<std::string> walk(outer, reading.end());
        walk.emplace_back(name);
        reporter().report<Diag::definition_cycle>(
            used_at, fmt::format("param.{}", fmt::join(walk, " → param.")));
        return;
      }
      for (const syntax::Block* param : params) {
        if (param->labels.size() == 1 && param->labels[0].text == name) read_one(*param);
      }
    };
    for (const syntax::Block* param : params) {
      if (param->labels.size() != 1) continue;
      names.push_back(param->labels[0].text);
      read_one(*param);
    }
    feature.read_parameter = nullptr;
    for (const syntax::Block* param : params) {
      if (param->labels.size() != 1) continue;
      const auto value = feature.parameters.find(param->labels[0].text);
      if (value != feature.parameters.end())
        context_.evaluator.validate(*param, value->second, inside);
    }
    if (enable != nullptr) refuse_unknown(*enable, names, name_of(feature.feature));
  }

  void read_parameter(sema::FeatureScope& feature, const syntax::Block& param,
                      const syntax::Block* enable) {
    const sema::Scope inside{feature.feature.module, &scope_, &feature, nullptr, nullptr};
    const sema::Scope root{context_.program.root, &scope_, nullptr, nullptr, nullptr};
    const std::string& name = param.labels[0].text;
    const auto* type = find_attribute(param.items, "type");
    const auto* given = enable == nullptr ? nullptr : find_attribute(enable->items, name);
    const auto* otherwise = find_attribute(param.items, "default");
    if (given == nullptr && otherwise == nullptr) {
      report_missing(feature, param);
      return;
    }
    Reporter silent;  // check_names has read the type already
    const sema::Type read = type == nullptr ? sema::Type{} : sema::read_type(*type->value, silent);
    auto value = given != nullptr ? context_.evaluator.evaluate_as(*given->value, read, root)
                                  : context_.evaluator.evaluate_as(*otherwise->value, read, inside);
    if (value) feature.parameters.emplace(name, *std::move(value));
  }

  void report_missing(const sema::FeatureScope& feature, const syntax::Block& param) {
    auto report = reporter().report<Diag::missing_parameter>(
        feature.enabled_at, name_of(feature.feature), param.labels[0].text);
    report.label(param.header_span, "it is declared here, without a default");
    report.help(fmt::format("write `enable \"{}\" {{ {} = … }}`", name_of(feature.feature),
                            param.labels[0].text));
  }

  void refuse_unknown(const syntax::Block& enable, const std::vector<std::string>& names,
                      const std::string& feature) {
    for (const syntax::Item& item : enable.items) {
      const auto* attribute = std::get_if<syntax::Attribute>(&item.node);
      if (attribute == nullptr) continue;
      if (std::find(names.begin(), names.end(), attribute->name) != names.end()) continue;
      auto report = reporter().report<Diag::unknown_parameter>(attribute->name_span, feature,
                                                               attribute->name);
      if (names.empty()) {
        report.help("it has no parameters");
      } else if (const auto meant = did_you_mean(attribute->name, names)) {
        report.suggest(meant);
      } else {
        report.help(fmt::format("it has {}", list_of(names)));
      }
    }
  }

  BuildContext& context_;
  Cluster& cluster_;
  sema::ClusterScope& scope_;
  std::deque<sema::FeatureScope>& out_;
  std::map<Declared, Chosen> chosen_;
  std::set<Declared> closed_;  ///< whose requirements are among the chosen
  std::map<Declared, std::vector<std::pair<Declared, Span>>> needs_;
};

// A company that counts on an automatic feature of its own must hear that it is on nowhere. The
// library's are for who follows the library.
void report_idle_automatic(BuildContext& context) {
  std::set<const sema::Module*> followed{context.program.root};
  for (const auto& features : context.features) {
    for (const sema::FeatureScope& scope : features) {
      followed.insert(&sema::outermost(*scope.feature.module));
    }
  }
  for (const sema::Module& module : context.program.modules) {
    const sema::Module& outer = sema::outermost(module);
    if (module.source->library || outer.source->library || followed.contains(&outer)) continue;
    for (const auto& [name, block] : module.source->features) {
      const auto* automatic = find_attribute(block->items, "auto");
      if (automatic == nullptr || sema::hidden({block, &module}, DeclarationKind::feature))
        continue;
      const bool would = std::any_of(
          context.scopes.begin(), context.scopes.end(), [&](const sema::ClusterScope& cluster) {
            const sema::Scope scope{&module, &cluster, nullptr, nullptr, nullptr};
            return context.evaluator.truth(*automatic->value, scope).value_or(false);
          });
      if (!would) continue;
      context.reporter
          .report<Diag::idle_automatic>(block->header_span, fmt::format("{}/{}", module.name, name))
          .label(outer.arguments->header_span, "the module is used here")
          .help("enable it, or another feature of its module, in the clusters that it is for");
    }
  }
}

}  // namespace

void resolve_features(BuildContext& context) {
  context.features.resize(context.policy.clusters.size());
  for (std::size_t i = 0; i < context.policy.clusters.size(); ++i) {
    FeatureResolver(context, i).resolve();
  }
  report_idle_automatic(context);
}

}  // namespace hcipol::policy
