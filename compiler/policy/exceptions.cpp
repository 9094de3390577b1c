// Dated rules that beat a `deny`: they need an owner, a reason and an end.
#include <fmt/format.h>

#include "policy/build.h"

namespace hcipol::policy {

namespace {

using sema::find_attribute;

struct Dated {
  std::string reason, owner;
  std::optional<Date> expires;
};

Dated read_terms(BuildContext& context, const syntax::Block& block, const sema::Scope& scope) {
  Dated terms;
  if (const auto* reason = find_attribute(block.items, "reason")) {
    terms.reason = context.evaluator.line(*reason->value, scope).value_or("");
  }
  if (const auto* owner = find_attribute(block.items, "owner")) {
    terms.owner = context.evaluator.line(*owner->value, scope).value_or("");
  }
  const auto* expires = find_attribute(block.items, "expires");
  if (expires == nullptr) return terms;
  terms.expires = context.evaluator.date(*expires->value, scope);
  if (!terms.expires) return terms;
  const auto days = (*terms.expires - context.policy.as_of).count();
  const std::string& name = block.labels[0].text;
  if (days < 0) {
    context.reporter
        .report<Diag::exception_expired>(expires->value->span, name, to_string(*terms.expires))
        .note(fmt::format("today is {}", to_string(context.policy.as_of)))
        .help("remove the exception, or let its owner agree to a new date");
  }
  return terms;
}

}  // namespace

void apply_exceptions(BuildContext& context) {
  const sema::Module& root = *context.program.root;
  for (const auto& [name, block] : root.source->exceptions) {
    if (block->labels.size() != 1) continue;
    const Dated terms = read_terms(context, *block, {&root, nullptr, nullptr, nullptr, nullptr});
    for (std::size_t i = 0; i < context.policy.clusters.size(); ++i) {
      const sema::Scope inside{&root, &context.scopes[i], nullptr, nullptr, nullptr};
      for (const syntax::Item& item : block->items) {
        const auto* rule = std::get_if<syntax::Rule>(&item.node);
        if (rule == nullptr) continue;
        Origin origin{
            root.name, std::string(name), rule->name.text,   fmt::format("Exception {}", name),
            "",        rule->header_span, block->header_span};
        Rule defaults;
        defaults.kind = Rule::Kind::exception;
        defaults.expires = terms.expires;
        defaults.owner = terms.owner;
        defaults.reason = terms.reason;
        read_rule(context, context.policy.clusters[i], *rule, inside, std::move(origin),
                  std::move(defaults));
      }
    }
  }
}

}  // namespace hcipol::policy
