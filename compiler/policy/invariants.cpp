// What must hold, and which exceptions may break it.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "policy/build.h"
#include "sema/walk.h"
#include "support/text.h"

namespace hcipol::policy {

namespace {

using sema::Declared;
using sema::find_attribute;

/// The roles of a flow, each with whether it only ever takes something away. There a role without
/// members makes the flow larger and so the check stricter; anywhere else it would make the check
/// say less than is written.
class RoleFinder {
 public:
  explicit RoleFinder(const sema::Module& module) : module_(module) {}

  void look(const syntax::Expr& e, bool takes_away = false) {
    if (const auto* flow = std::get_if<syntax::Flow>(&e.node)) {
      look(*flow->from, takes_away);
      look(*flow->to, takes_away);
    } else if (const auto* list = std::get_if<syntax::List>(&e.node)) {
      for (const auto& element : list->elements) look(*element, takes_away);
    } else if (const auto* binary = std::get_if<syntax::Binary>(&e.node);
               binary != nullptr && binary->op == syntax::Binary::Op::except) {
      look(*binary->left, takes_away);
      look(*binary->right, !takes_away);
    } else {
      // What other expressions make of a role is not known here.
      const bool plain = note(e, takes_away);
      if (plain) return;
      sema::for_each_child(e, [&](const syntax::Expr& child) { look(child, false); });
    }
  }

  const std::map<Declared, bool>& found() const { return found_; }

 private:
  bool note(const syntax::Expr& e, bool takes_away) {
    std::string name;
    if (const auto* bare = std::get_if<syntax::Name>(&e.node)) {
      name = bare->text;
    } else if (const auto* member = std::get_if<syntax::Member>(&e.node)) {
      const auto* of = std::get_if<syntax::Name>(&member->of->node);
      if (of == nullptr) return false;
      name = fmt::format("{}/{}", of->text, member->name);
    } else {
      return false;
    }
    const auto roles = sema::lookup(module_, sema::DeclarationKind::role, name);
    if (roles.size() != 1) return false;
    const auto [place, added] = found_.try_emplace(roles.front(), takes_away);
    if (!added) place->second = place->second && takes_away;
    return true;
  }

  const sema::Module& module_;
  std::map<Declared, bool> found_;
};

class InvariantReader {
 public:
  explicit InvariantReader(BuildContext& context) : context_(context) {}

  void read() {
    for (const sema::Module& module : context_.program.modules) {
      for (const auto& [name, block] : module.source->invariants) read_invariant(module, *block);
    }
    std::sort(context_.policy.invariants.begin(), context_.policy.invariants.end(),
              [](const Invariant& a, const Invariant& b) { return a.address < b.address; });
    for (const auto& [name, block] : context_.program.root->source->exceptions) {
      const auto* waives = find_attribute(block->items, "waives");
      if (waives != nullptr) read_waives(std::string(name), *waives->value);
    }
  }

 private:
  void read_invariant(const sema::Module& module, const syntax::Block& block) {
    if (block.labels.size() != 1) return;
    Invariant invariant;
    invariant.address = fmt::format("{}/{}", module.name, block.labels[0].text);
    invariant.span = block.header_span;
    for (const Invariant& other : context_.policy.invariants) {
      if (other.address != invariant.address) continue;
      context_.reporter
          .report<Diag::duplicate>(block.header_span,
                                   fmt::format("invariant `{}`", block.labels[0].text))
          .label(other.span, "the first one is here");
      return;
    }
    const sema::Scope outside{&module, nullptr, nullptr, nullptr, nullptr};
    if (const auto* why = find_attribute(block.items, "why")) invariant.why = reason(*why, outside);
    const auto clusters = clusters_of(block, outside);
    bool checks = false;
    for (const syntax::Item& item : block.items) {
      const auto* check = std::get_if<syntax::Check>(&item.node);
      if (check == nullptr) continue;
      checks = true;
      for (const std::size_t cluster : clusters)
        read_check(module, item, *check, cluster, invariant);
    }
    if (!checks) {
      context_.reporter.report<Diag::missing_block>(
          block.header_span, fmt::format("invariant `{}`", block.labels[0].text),
          "`never allow …` or `always allow …`");
    }
    context_.policy.invariants.push_back(std::move(invariant));
  }

  // It may have several lines, each of plain text.
  std::string reason(const syntax::Attribute& why, const sema::Scope& scope) {
    const auto text = context_.evaluator.text(*why.value, scope);
    if (!text) return "";
    for (const std::string_view line : split(*text, '\n')) {
      if (!has_control_characters(line)) continue;
      context_.reporter.report<Diag::control_character>(why.value->span)
          .help("a reason is plain text");
      return "";
    }
    return one_line(trim(*text), 400);
  }

  std::vector<std::size_t> clusters_of(const syntax::Block& block, const sema::Scope& scope) {
    const auto& all = context_.policy.clusters;
    std::set<std::size_t> chosen;
    const auto* attribute = find_attribute(block.items, "clusters");
    if (attribute == nullptr) {
      for (std::size_t i = 0; i < all.size(); ++i) chosen.insert(i);
    } else if (const auto list = context_.evaluator.text_list(*attribute->value, scope)) {
      for (const sema::Value& name : *list) {
        if (const auto found = find_cluster(context_, *name.as<std::string>(), name.span)) {
          chosen.insert(*found);
        }
      }
      if (list->empty()) {
        context_.reporter.report<Diag::empty_set>(attribute->value->span, "list of clusters")
            .help("without `clusters`, an invariant is for every cluster of the policy");
      }
    }
    return {chosen.begin(), chosen.end()};
  }

  void read_check(const sema::Module& module, const syntax::Item& item,
                  const syntax::Check& written, std::size_t cluster, Invariant& invariant) {
    RoleFinder roles(module);
    roles.look(*written.flow);
    std::map<Declared, const NamedSet*> unbound;
    for (const auto& [role, takes_away] : roles.found()) {
      if (takes_away) unbound.emplace(role, nobody(role));
    }
    sema::Scope scope{&module, &context_.scopes[cluster], nullptr, nullptr, nullptr};
    scope.unbound = &unbound;
    if (auto flow = context_.evaluator.flow(*written.flow, scope)) {
      invariant.checks.push_back(
          {written.verb == "always", cluster, *std::move(flow), item.span, written.flow->span});
    }
  }

  const NamedSet* nobody(const Declared& role) {
    const auto [place, added] = nobody_.try_emplace(role, nullptr);
    if (added) {
      NamedSet& set = context_.policy.sets.emplace_back();
      set.kind = NamedSet::Kind::role;
      set.name = context_.evaluator.role_name(role);
      set.span = role.block->header_span;
      place->second = &set;
    }
    return place->second;
  }

  // ---- waives

  void read_waives(const std::string& exception, const syntax::Expr& list) {
    const sema::Scope outside{context_.program.root, nullptr, nullptr, nullptr, nullptr};
    const auto names = context_.evaluator.text_list(list, outside);
    if (!names) return;
    if (names->empty()) {
      context_.reporter.report<Diag::empty_set>(list.span, "list of invariants")
          .help("an exception that waives nothing has no `waives`");
    }
    for (const sema::Value& name : *names) {
      const Invariant* invariant = find(*name.as<std::string>(), name.span);
      if (invariant == nullptr) continue;
      context_.policy.waivers.push_back({exception, invariant->address, name.span});
    }
  }

  // An address, or a name that only one module has; the policy's own come first.
  const Invariant* find(const std::string& name, Span span) {
    std::vector<const Invariant*> found;
    std::vector<std::string> names;
    for (const Invariant& invariant : context_.policy.invariants) {
      const std::string bare = invariant.address.substr(invariant.address.find('/') + 1);
      if (invariant.address == name || invariant.address == "main/" + name) return &invariant;
      if (bare == name) found.push_back(&invariant);
      names.push_back(bare);
      names.push_back(invariant.address);
    }
    if (found.size() == 1) return found.front();
    if (found.empty()) {
      context_.reporter.report<Diag::unknown_name>(span, "invariant", one_line(name, 80))
          .suggest(did_you_mean(name, names));
      return nullptr;
    }
    auto report = context_.reporter.report<Diag::ambiguous_name>(span, one_line(name, 80));
    std::vector<std::string> ways;
    for (const Invariant* one : found) {
      report.label(one->span, fmt::format("`{}`", one->address));
      ways.push_back(fmt::format("`{}`", one->address));
    }
    report.help(fmt::format("write {}", list_of(ways, "or")));
    return nullptr;
  }

  BuildContext& context_;
  std::map<Declared, const NamedSet*> nobody_;
};

}  // namespace

std::optional<std::size_t> find_cluster(BuildContext& context, const std::string& name, Span span) {
  const auto& clusters = context.policy.clusters;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < clusters.size(); ++i) {
    if (clusters[i].name == name) return i;
    names.push_back(clusters[i].name);
  }
  context.reporter.report<Diag::unknown_name>(span, "cluster", one_line(name, 80))
      .suggest(did_you_mean(name, names));
  return std::nullopt;
}

void read_invariants(BuildContext& context) {
  InvariantReader(context).read();
}

}  // namespace hcipol::policy
