// Declarations that nothing mentions. Names are resolved as they are written, wherever they stand:
// what only a test or an output needs is used.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <unordered_set>

#include "sema/scope.h"
#include "sema/walk.h"
#include "verify/lints_passes.h"

namespace hcipol::verify {

namespace {

using sema::DeclarationKind;
using sema::overloaded;
using syntax::Block;

struct Place {
  const sema::Module* module = nullptr;
  const Block* feature = nullptr;
  const Block* declaration = nullptr;  ///< of the variable or parameter that is being declared
  const sema::Bound* bound = nullptr;
};

/// What everything that was parsed mentions.
class Mentions {
 public:
  void read(const sema::Module& module) {
    Place place;
    place.module = &module;
    resolved_.clear();
    for (const syntax::File& file : module.source->files) items(file.items, place);
  }

  // Tests are not parsed here; whatever is spelt like a name is taken for one.
  void read_words(std::string_view text) {
    const auto in_name = [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
    };
    for (auto at = text.begin(); at != text.end();) {
      const auto begin = std::find_if(at, text.end(), in_name);
      at = std::find_if_not(begin, text.end(), in_name);
      if (begin != at) words_.emplace(begin, at);
    }
  }

  bool has(const void* declaration, std::string_view name) const {
    return mentioned_.contains(declaration) || words_.contains(std::string(name));
  }

 private:
  void items(const std::vector<syntax::Item>& list, const Place& place) {
    for (const syntax::Item& item : list) {
      std::visit(overloaded{[&](const syntax::Attribute& a) { expression(*a.value, place); },
                            [&](const Block& b) { block(b, place); },
                            [&](const syntax::Rule& r) {
                              expression(*r.flow, place);
                              items(r.items, place);
                            },
                            [&](const syntax::Check& c) {
                              expression(*c.flow, place);
                              items(c.items, place);
                            }},
                 item.node);
    }
  }

  void block(const Block& b, const Place& place) {
    Place inside = place;
    if (b.kind == "feature") inside.feature = &b;
    // A validation mentions what it validates.
    if (b.kind == "variable" || b.kind == "param") inside.declaration = &b;
    items(b.items, inside);
  }

  void expression(const syntax::Expr& e, const Place& place) {
    if (const auto* loop = std::get_if<syntax::For>(&e.node)) {
      expression(*loop->in, place);
      const sema::Bound first{loop->first, nullptr, place.bound};
      const sema::Bound second{loop->second, nullptr, &first};
      Place inside = place;
      inside.bound = loop->second.empty() ? &first : &second;
      for (const auto* part : {loop->key.get(), loop->value.get(), loop->test.get()}) {
        if (part != nullptr) expression(*part, inside);
      }
      return;
    }
    if (const auto* name = std::get_if<syntax::Name>(&e.node)) this->name(name->text, place);
    if (const auto* member = std::get_if<syntax::Member>(&e.node)) this->member(*member, place);
    sema::for_each_child(e, [&](const syntax::Expr& child) { expression(child, place); });
  }

  static bool is_bound(std::string_view name, const Place& place) {
    for (const sema::Bound* bound = place.bound; bound != nullptr; bound = bound->outer) {
      if (bound->name == name) return true;
    }
    return false;
  }

  void name(std::string_view text, const Place& place) {
    if (is_bound(text, place)) return;
    if (const Block* own = inner(place.feature, "endpoint", text)) {
      mentioned_.insert(own);
    } else if (resolved_.emplace(text).second) {
      declared(text, place);
    }
  }

  void declared(std::string_view name, const Place& place) {
    for (const auto kind : {DeclarationKind::role, DeclarationKind::endpoint}) {
      for (const sema::Declared& found : sema::lookup(*place.module, kind, name)) {
        mentioned_.insert(found.block);
      }
    }
  }

  void member(const syntax::Member& m, const Place& place) {
    const auto* of = std::get_if<syntax::Name>(&m.of->node);
    if (of == nullptr || is_bound(of->text, place)) return;
    const sema::ModuleSource& source = *place.module->source;
    const auto mention = [&](const auto& table) {
      const auto found = table.find(m.name);
      if (found != table.end() && !is_declaration(found->second, place)) {
        mentioned_.insert(found->second);
      }
    };
    if (of->text == "var") {
      mention(source.variables);
    } else if (of->text == "local") {
      mention(source.locals);
    } else if (of->text == "param") {
      const Block* own = inner(place.feature, "param", m.name);
      if (own != nullptr && own != place.declaration) mentioned_.insert(own);
    } else if (sema::find_use(*place.module, of->text) != nullptr) {
      declared(fmt::format("{}/{}", of->text, m.name), place);
    }
  }

  static bool is_declaration(const void* declaration, const Place& place) {
    return declaration == place.declaration;
  }

  // A feature may have thousands of rules, so its blocks are collected once.
  const Block* inner(const Block* feature, std::string_view kind, std::string_view name) {
    if (feature == nullptr) return nullptr;
    if (feature != feature_) {
      feature_ = feature;
      inner_.clear();
      for (const syntax::Item& item : feature->items) {
        const auto* block = std::get_if<Block>(&item.node);
        if (block != nullptr) inner_.emplace(std::pair(block->kind, block->labels[0].text), block);
      }
    }
    const auto found = inner_.find(std::pair(kind, std::string(name)));
    return found == inner_.end() ? nullptr : found->second;
  }

  std::unordered_set<const void*> mentioned_;
  std::unordered_set<std::string> words_;
  /// Names of the module that have been looked up.
  std::unordered_set<std::string_view> resolved_;
  const Block* feature_ = nullptr;
  std::map<std::pair<std::string_view, std::string>, const Block*> inner_;
};

class Unused {
 public:
  Unused(const Mentions& mentions, Findings& findings) : mentions_(mentions), findings_(findings) {}

  void find(const sema::Module& module) {
    const sema::ModuleSource& source = *module.source;
    const std::string prefix = module.name + "/";
    blocks(source.variables, "variable", prefix + "var.");
    blocks(source.roles, "role", prefix + "role.");
    blocks(source.endpoints, "endpoint", prefix + "endpoint.");
    for (const auto& [name, local] : source.locals) {
      check(local, "local", name, prefix + "local.", local->name_span);
    }
    for (const auto& [name, feature] : source.features) {
      for (const syntax::Item& item : feature->items) {
        const auto* block = std::get_if<Block>(&item.node);
        if (block == nullptr) continue;
        check(block, block->kind == "param" ? "parameter" : block->kind, block->labels[0].text,
              fmt::format("{}{}.{}.", prefix, name, block->kind), block->header_span);
      }
    }
  }

 private:
  void blocks(const sema::ModuleSource::Blocks& table, std::string_view kind,
              const std::string& prefix) {
    for (const auto& [name, block] : table) check(block, kind, name, prefix, block->header_span);
  }

  void check(const void* declaration, std::string_view kind, std::string_view name,
             const std::string& prefix, Span span) {
    if (mentions_.has(declaration, name)) return;
    Finding finding;
    finding.address = fmt::format("{}{}", prefix, name);
    Diagnostic& d = finding.diagnostic;
    d.id = Diag::unused;
    d.span = span;
    d.message = message<Diag::unused>(kind, name);
    findings_.add(std::move(finding));
  }

  const Mentions& mentions_;
  Findings& findings_;
};

}  // namespace

void find_unused(const LintInput& input, Findings& findings) {
  const sema::Program& program = input.program;
  Mentions mentions;
  for (const std::string& text : input.test_texts) mentions.read_words(text);
  std::set<const sema::ModuleSource*> seen;
  for (const sema::Module& module : program.modules) {
    if (!module.source->library && seen.insert(module.source).second) mentions.read(module);
  }
  for (const sema::Module& module : program.modules) {
    if (seen.erase(module.source) > 0) Unused(mentions, findings).find(module);
  }
}

}  // namespace hcipol::verify
