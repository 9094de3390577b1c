// One Rule for every rule of every enabled feature whose `when` holds.
#include "policy/build.h"

namespace hcipol::policy {

namespace {

using sema::find_attribute;

// True unless a `when` says otherwise; nothing if it cannot be read.
std::optional<bool> applies(BuildContext& context, const std::vector<syntax::Item>& items,
                            const sema::Scope& scope) {
  const auto* when = find_attribute(items, "when");
  return when == nullptr ? std::optional(true) : context.evaluator.truth(*when->value, scope);
}

void expand_feature(BuildContext& context, Cluster& cluster, const EnabledFeature& enabled,
                    const sema::ClusterScope& scope, const sema::FeatureScope& feature) {
  const sema::Scope inside{feature.feature.module, &scope, &feature, nullptr, nullptr};
  const auto on = applies(context, feature.feature.block->items, inside);
  if (!on || !*on) return;
  for (const syntax::Item& item : feature.feature.block->items) {
    const auto* rule = std::get_if<syntax::Rule>(&item.node);
    if (rule == nullptr) continue;
    Origin origin{enabled.module, enabled.name,      rule->name.text,   enabled.title,
                  enabled.source, rule->header_span, feature.enabled_at};
    Rule defaults;
    defaults.kind = rule->allow ? Rule::Kind::allow : Rule::Kind::deny;
    read_rule(context, cluster, *rule, inside, std::move(origin), std::move(defaults));
  }
}

}  // namespace

void read_rule(BuildContext& context, Cluster& cluster, const syntax::Rule& written,
               const sema::Scope& scope, Origin origin, Rule rule) {
  sema::Scope here = scope;
  here.rule = &written;
  const auto on = applies(context, written.items, here);
  if (!on || !*on) return;
  auto flow = context.evaluator.flow(*written.flow, here);

  rule.origin = std::move(origin);
  const Origin& of = rule.origin;
  rule.address.reserve(of.module.size() + of.feature.size() + of.rule.size() + 2);
  rule.address.append(of.module).append("/").append(of.feature).append(".").append(of.rule);
  const auto text = [&](std::string_view name, std::string& place) {
    if (const auto* attribute = find_attribute(written.items, name)) {
      if (auto value = context.evaluator.line(*attribute->value, here)) place = *std::move(value);
    }
  };
  text("title", rule.title);
  text("note", rule.note);
  text("source", rule.origin.source);
  if (const auto* log = find_attribute(written.items, "log")) {
    rule.log = context.evaluator.truth(*log->value, here).value_or(false);
  }
  if (!flow) return;
  rule.from = std::move(flow->from);
  rule.to = std::move(flow->to);
  rule.service = std::move(flow->service);
  rule.both_ways = flow->both_ways;
  cluster.rules.push_back(std::move(rule));
}

void expand_rules(BuildContext& context) {
  for (std::size_t i = 0; i < context.policy.clusters.size(); ++i) {
    Cluster& cluster = context.policy.clusters[i];
    // Features were added to both lists in one order.
    for (std::size_t f = 0; f < cluster.features.size(); ++f) {
      expand_feature(context, cluster, cluster.features[f], context.scopes[i],
                     context.features[i][f]);
    }
  }
}

}  // namespace hcipol::policy
