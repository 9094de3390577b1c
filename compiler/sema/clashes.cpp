// Which of two declarations counts must not depend on their order, so two are one too many.
#include "sema/clashes.h"

#include <fmt/format.h>

#include <map>

namespace hcipol::sema {

namespace {

using Exported = std::map<std::string_view, const syntax::Block*>;

// What a module passes on: its own declarations and those of the modules that it extends.
void exported(const Module& module, DeclarationKind kind, Exported& out) {
  const ModuleSource& source = *module.source;
  const auto& own = kind == DeclarationKind::role       ? source.roles
                    : kind == DeclarationKind::endpoint ? source.endpoints
                                                        : source.features;
  for (const auto& [name, block] : own) out.emplace(name, block);
  for (const Extend& extend : module.extends) {
    if (extend.module == nullptr) continue;
    Exported theirs;
    exported(*extend.module, kind, theirs);
    for (const auto& [name, block] : theirs) {
      if (!extend.without.contains(name)) out.emplace(name, block);
    }
  }
}

}  // namespace

void refuse_clashes(const Module& module, Reporter& reporter) {
  for (const auto kind :
       {DeclarationKind::role, DeclarationKind::endpoint, DeclarationKind::feature}) {
    Exported seen;
    Module alone = module;
    alone.extends.clear();
    exported(alone, kind, seen);
    for (const Extend& extend : module.extends) {
      if (extend.module == nullptr) continue;
      Exported theirs;
      exported(*extend.module, kind, theirs);
      for (const auto& [name, block] : theirs) {
        if (extend.without.contains(name)) continue;
        const auto [first, added] = seen.emplace(name, block);
        if (added) continue;
        reporter
            .report<Diag::duplicate>(extend.block->header_span,
                                     fmt::format("{} `{}`", block->kind, name))
            .label(first->second->header_span, "the first one is here")
            .label(block->header_span, "and this is the one that is extended")
            .help(fmt::format("hide one of them: `without = [\"{}\"]`", name));
      }
    }
  }
}

}  // namespace hcipol::sema
