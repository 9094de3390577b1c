// A walk over everything that was parsed, with the declarations at hand and nothing evaluated.
#include "sema/names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "net/domain_set.h"
#include "sema/clashes.h"
#include "sema/evaluator.h"
#include "sema/functions.h"
#include "sema/literals.h"
#include "sema/scope.h"
#include "sema/walk.h"
#include "support/text.h"

namespace hcipol::sema {

namespace {

constexpr std::array<std::string_view, 9> namespaces{"cluster", "data",  "local", "node", "package",
                                                     "param",   "proxy", "site",  "var"};

/// What a feature declares for itself; collected once, since a feature may have thousands of rules.
struct FeatureNames {
  std::set<std::string_view> endpoints;
  std::set<std::string_view> parameters;
};

struct Place {
  const Module* module = nullptr;
  const FeatureNames* feature = nullptr;
  const Bound* bound = nullptr;
};

class NameChecker {
 public:
  explicit NameChecker(Reporter& reporter) : reporter_(reporter) {}

  void check(const syntax::Expr& e, const Module& module) {
    expression(e, Place{&module, nullptr, nullptr});
  }

  void check(const Module& module) {
    refuse_clashes(module, reporter_);
    for (const syntax::File& file : module.source->files) {
      items(file.items, Place{&module, nullptr, nullptr});
    }
  }

 private:
  void items(const std::vector<syntax::Item>& list, const Place& place) {
    for (const syntax::Item& item : list) {
      std::visit(overloaded{[&](const syntax::Attribute& a) {
                              // `without` is read by the loader.
                              if (a.name != "without") expression(*a.value, place);
                            },
                            [&](const syntax::Block& b) { block(b, place); },
                            [&](const auto& rule_or_check) {
                              flow(*rule_or_check.flow, place);
                              items(rule_or_check.items, place);
                            }},
                 item.node);
    }
  }

  void block(const syntax::Block& b, const Place& place) {
    Place inside = place;
    FeatureNames names;
    if (b.kind == "feature") {
      names = declared_in(b);
      inside.feature = &names;
    }
    // The arguments of a module are read where it is used.
    if (b.kind == "use" || b.kind == "extend") module_arguments(b, place);
    if (b.kind == "data" && b.labels.size() == 2 && b.labels[0].text != "service_tags") {
      const std::vector<std::string> kinds{"service_tags"};
      reporter_.report<Diag::unknown_name>(b.labels[0].span, "kind of data", b.labels[0].text)
          .suggest(did_you_mean(b.labels[0].text, kinds));
    }
    if (const auto* fqdn = b.kind == "endpoint" ? find_attribute(b.items, "fqdn") : nullptr) {
      host_names(*fqdn->value);
    }
    if (b.kind == "variable" || b.kind == "param") {
      declaration(b, inside);
    } else {
      items(b.items, inside);
    }
  }

  static FeatureNames declared_in(const syntax::Block& feature) {
    FeatureNames names;
    for (const syntax::Block* block : find_blocks(feature.items, "endpoint")) {
      if (block->labels.size() == 1) names.endpoints.insert(block->labels[0].text);
    }
    for (const syntax::Block* block : find_blocks(feature.items, "param")) {
      if (block->labels.size() == 1) names.parameters.insert(block->labels[0].text);
    }
    return names;
  }

  // `type` is an expression of another kind.
  void declaration(const syntax::Block& b, const Place& place) {
    for (const syntax::Item& item : b.items) {
      if (const auto* inner = std::get_if<syntax::Block>(&item.node)) block(*inner, place);
      const auto* a = std::get_if<syntax::Attribute>(&item.node);
      if (a == nullptr) continue;
      if (a->name == "type") {
        read_type(*a->value, reporter_);
      } else {
        expression(*a->value, place);
      }
    }
  }

  void module_arguments(const syntax::Block& b, const Place& place) {
    const Module* used = nullptr;
    const Extend* extended = nullptr;
    for (const Use& use : place.module->uses) {
      if (use.block == &b) used = use.module;
    }
    for (const Extend& extend : place.module->extends) {
      if (extend.block != &b) continue;
      used = extend.module;
      extended = &extend;
    }
    if (used == nullptr) return;
    if (extended != nullptr) hidden_names_exist(*extended);
    std::vector<std::string> names;
    for (const auto& [name, block] : used->source->variables) names.emplace_back(name);
    for (const syntax::Item& item : b.items) {
      const auto* a = std::get_if<syntax::Attribute>(&item.node);
      if (a == nullptr || (b.kind == "extend" && a->name == "without")) continue;
      if (used->source->variables.contains(a->name)) continue;
      reporter_
          .report<Diag::unknown_variable>(a->name_span,
                                          fmt::format("module `{}`", used->source->path), a->name)
          .suggest(did_you_mean(a->name, names));
    }
  }

  // What `without` hides must be there to be hidden.
  void hidden_names_exist(const Extend& extend) {
    constexpr std::array kinds{DeclarationKind::feature, DeclarationKind::role,
                               DeclarationKind::endpoint};
    for (const std::string& name : extend.without) {
      std::vector<std::string> names;
      bool there = declared_unread(*extend.module, name);
      for (const DeclarationKind kind : kinds) {
        there = there || exported(*extend.module, kind, name);
        for (std::string& other : visible_names(*extend.module, kind))
          names.push_back(std::move(other));
      }
      if (there) continue;
      const auto* attribute = find_attribute(extend.block->items, "without");
      reporter_
          .report<Diag::unknown_name>(attribute->value->span, "feature, role or endpoint",
                                      one_line(name, 80))
          .suggest(did_you_mean(name, names));
    }
  }

  void flow(const syntax::Expr& e, const Place& place) {
    if (!std::get<syntax::Flow>(e.node).service) {
      reporter_.report<Diag::flow_without_service>(e.span).help(
          "say what is meant: `on tcp/445`, `on [tcp/80, tcp/443]`, or `on any`");
    }
    expression(e, place);
  }

  // ---- expressions

  void expression(const syntax::Expr& e, const Place& place) {
    if (const auto* loop = std::get_if<syntax::For>(&e.node)) {
      for_loop(*loop, place);
      return;
    }
    std::visit(overloaded{[&](const syntax::Literal& l) { literal(l, e.span); },
                          [&](const syntax::Name& n) { name(n.text, e.span, place); },
                          [&](const syntax::Call& c) { call(c, e.span); },
                          [&](const syntax::Flow& f) {
                            host_names(*f.from);
                            host_names(*f.to);
                            if (f.service) quoted_services(*f.service);
                          },
                          [](const auto&) {}},
               e.node);
    if (const auto* member = std::get_if<syntax::Member>(&e.node)) {
      if (const auto* of = std::get_if<syntax::Name>(&member->of->node)) {
        this->member(of->text, *member, place);
      }
    }
    for_each_child(e, [&](const syntax::Expr& child) { expression(child, place); });
  }

  void for_loop(const syntax::For& loop, const Place& place) {
    expression(*loop.in, place);
    const Bound first{loop.first, nullptr, place.bound};
    const Bound second{loop.second, nullptr, &first};
    Place inside = place;
    inside.bound = loop.second.empty() ? &first : &second;
    for (const auto* part : {loop.key.get(), loop.value.get(), loop.test.get()}) {
      if (part != nullptr) expression(*part, inside);
    }
  }

  void literal(const syntax::Literal& l, Span span) {
    using Kind = syntax::Literal::Kind;
    switch (l.kind) {
      case Kind::address: read_address(l.text, span, reporter_); break;
      case Kind::address_range: read_address_range(l.text, span, reporter_); break;
      case Kind::service: read_service(l.text, span, reporter_); break;
      case Kind::date: read_date(l.text, span, reporter_); break;
      case Kind::duration: read_duration(l.text, span, reporter_); break;
      case Kind::number: read_number(l.text, span, reporter_); break;
      default: break;
    }
  }

  // Host names that stand directly in a flow or an endpoint.
  void host_names(const syntax::Expr& side) {
    if (const auto* by_cloud = std::get_if<syntax::Object>(&side.node)) {
      for (const auto& entry : by_cloud->entries) host_names(*entry.value);
      return;
    }
    if (const auto* list = std::get_if<syntax::List>(&side.node)) {
      for (const auto& element : list->elements) host_names(*element);
      return;
    }
    const auto* text = std::get_if<syntax::Template>(&side.node);
    if (text == nullptr || text->pieces.size() > 1) return;
    if (!text->pieces.empty() && text->pieces[0].value) return;
    const std::string written = text->pieces.empty() ? "" : text->pieces[0].text;
    if (const auto quoted = literal_in_quotes(written)) {
      reporter_.report<Diag::quoted_literal>(side.span, *quoted).fix(side.span, written);
    } else if (const auto fault = net::pattern_fault(written)) {
      auto report = reporter_.report<Diag::bad_domain>(side.span, one_line(written, 120), *fault);
      if (written.find("://") != std::string::npos) {
        report.help(
            "write the host alone; the scheme is a service: `https` is tcp/443, `http` tcp/80");
      }
    }
  }

  void quoted_services(const syntax::Expr& service) {
    if (const auto* list = std::get_if<syntax::List>(&service.node)) {
      for (const auto& element : list->elements) quoted_services(*element);
      return;
    }
    const auto* text = std::get_if<syntax::Template>(&service.node);
    if (text == nullptr || text->pieces.size() != 1 || text->pieces[0].value) return;
    if (const auto quoted = literal_in_quotes(text->pieces[0].text)) {
      reporter_.report<Diag::quoted_literal>(service.span, *quoted)
          .fix(service.span, text->pieces[0].text);
    }
  }

  void call(const syntax::Call& c, Span span) {
    const Function* function = find_function(c.function);
    if (function == nullptr) {
      std::vector<std::string> names;
      for (const Function& known : functions()) names.emplace_back(known.name);
      reporter_.report<Diag::unknown_function>(c.function_span, c.function)
          .suggest(did_you_mean(c.function, names));
      return;
    }
    const std::size_t n = c.arguments.size();
    if (n >= function->min_arguments && n <= function->max_arguments) return;
    const std::string wanted =
        function->min_arguments == function->max_arguments
            ? counted(function->min_arguments, "argument")
            : fmt::format("at least {}", counted(function->min_arguments, "argument"));
    reporter_.report<Diag::wrong_arguments>(span, c.function, wanted)
        .help(fmt::format("write {}", function->signature));
  }

  // ---- names

  void name(std::string_view text, Span span, const Place& place) {
    for (const Bound* bound = place.bound; bound != nullptr; bound = bound->outer) {
      if (bound->name == text) return;
    }
    if (feature_endpoint(text, place) ||
        !lookup(*place.module, DeclarationKind::role, text).empty() ||
        !lookup(*place.module, DeclarationKind::endpoint, text).empty()) {
      return;
    }
    if (std::find(builtin_names.begin(), builtin_names.end(), text) != builtin_names.end()) return;
    if (std::find(namespaces.begin(), namespaces.end(), text) != namespaces.end()) return;
    if (find_use(*place.module, text) != nullptr) return;
    unknown(text, span, place);
  }

  static bool feature_endpoint(std::string_view text, const Place& place) {
    return place.feature != nullptr && place.feature->endpoints.contains(text);
  }

  void unknown(std::string_view text, Span span, const Place& place) {
    std::vector<std::string> names(builtin_names.begin(), builtin_names.end());
    names.insert(names.end(), namespaces.begin(), namespaces.end());
    for (const auto kind : {DeclarationKind::role, DeclarationKind::endpoint}) {
      for (std::string& visible : visible_names(*place.module, kind)) {
        std::replace(visible.begin(), visible.end(), '/', '.');
        names.push_back(std::move(visible));
      }
    }
    for (const Bound* bound = place.bound; bound != nullptr; bound = bound->outer) {
      names.emplace_back(bound->name);
    }
    auto report = reporter_.report<Diag::unknown_name>(span, "role or endpoint", text);
    if (text == "tcp" || text == "udp") {
      report.help(fmt::format("write `{0}/445` for a port or `{0}/any` for every port", text));
    } else {
      report.suggest(did_you_mean(text, names));
    }
  }

  // `var.x`, `local.x`, `param.x`, `data.x`, `alias.x`: the second name is a declaration too.
  void member(std::string_view of, const syntax::Member& m, const Place& place) {
    for (const Bound* bound = place.bound; bound != nullptr; bound = bound->outer) {
      if (bound->name == of) return;
    }
    const ModuleSource& source = *place.module->source;
    if (of == "var") {
      declared("variable", m, source.variables.contains(m.name), keys(source.variables));
    } else if (of == "local") {
      declared("local", m, source.locals.contains(m.name), keys(source.locals));
    } else if (of == "param") {
      parameter(m, place);
    } else if (of == "data") {
      std::vector<std::string> names;
      for (const syntax::Block* block : source.data) {
        if (block->labels.size() == 2) names.push_back(block->labels[1].text);
      }
      declared("data", m, std::find(names.begin(), names.end(), m.name) != names.end(), names);
    } else if (const Use* use = find_use(*place.module, of);
               use != nullptr && use->module != nullptr) {
      module_member(of, *use->module, m, place);
    }
  }

  template <class Table>
  static std::vector<std::string> keys(const Table& table) {
    std::vector<std::string> names;
    for (const auto& [name, declaration] : table) names.emplace_back(name);
    return names;
  }

  void declared(std::string_view kind, const syntax::Member& m, bool there,
                const std::vector<std::string>& names) {
    if (there) return;
    reporter_.report<Diag::unknown_name>(m.name_span, kind, m.name)
        .suggest(did_you_mean(m.name, names));
  }

  void parameter(const syntax::Member& m, const Place& place) {
    if (place.feature == nullptr) return;  // the evaluator says that there is no `param` here
    const auto& known = place.feature->parameters;
    declared("parameter", m, known.contains(m.name), {known.begin(), known.end()});
  }

  void module_member(std::string_view alias, const Module& module, const syntax::Member& m,
                     const Place& place) {
    const std::string qualified = fmt::format("{}/{}", alias, m.name);
    if (!lookup(*place.module, DeclarationKind::role, qualified).empty() ||
        !lookup(*place.module, DeclarationKind::endpoint, qualified).empty() ||
        module.source->outputs.contains(m.name)) {
      return;
    }
    std::vector<std::string> names = visible_names(module, DeclarationKind::role);
    for (std::string& other : visible_names(module, DeclarationKind::endpoint)) {
      names.push_back(std::move(other));
    }
    reporter_.report<Diag::unknown_member>(m.name_span, fmt::format("module `{}`", alias), m.name)
        .suggest(did_you_mean(m.name, names));
  }

  Reporter& reporter_;
};

}  // namespace

void check_names(const Program& program, Reporter& reporter) {
  NameChecker checker(reporter);
  std::set<const ModuleSource*> seen;
  for (const Module& module : program.modules) {
    // Instances of one source see the same names.
    if (seen.insert(module.source).second) checker.check(module);
  }
}

void check_names(const syntax::Expr& expression, const Module& module, Reporter& reporter) {
  NameChecker(reporter).check(expression, module);
}

}  // namespace hcipol::sema
