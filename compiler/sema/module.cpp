// Lookup of declarations across modules. Own declarations hide nothing: a name that a module and
// one that it extends both declare has been refused when they were loaded.
#include "sema/module.h"

#include <algorithm>

namespace hcipol::sema {

namespace {

const ModuleSource::Blocks& blocks(const ModuleSource& source, DeclarationKind kind) {
  switch (kind) {
    case DeclarationKind::role: return source.roles;
    case DeclarationKind::endpoint: return source.endpoints;
    case DeclarationKind::feature: break;
  }
  return source.features;
}

void exported_names(const Module& module, DeclarationKind kind, std::vector<std::string>& out) {
  for (const auto& [name, block] : blocks(*module.source, kind)) out.emplace_back(name);
  for (const Extend& extend : module.extends) {
    if (extend.module == nullptr) continue;
    std::vector<std::string> inherited;
    exported_names(*extend.module, kind, inherited);
    for (std::string& name : inherited) {
      if (!extend.without.contains(name)) out.push_back(std::move(name));
    }
  }
  // A file that nothing needed yet still declares its names; which kind they are does not matter to
  // a suggestion.
  for (const auto& unread : module.source->unread) {
    for (const std::string_view name : unread.declares) out.emplace_back(name);
  }
}

}  // namespace

// An extended module is made for its extender alone, so there is one outermost.
const Module& outermost(const Module& module) {
  const Module* at = &module;
  while (at->arguments != nullptr && at->arguments->kind == "extend") at = at->parent;
  return *at;
}

Declared exported(const Module& module, DeclarationKind kind, std::string_view name) {
  const auto& own = blocks(*module.source, kind);
  if (const auto found = own.find(name); found != own.end()) return {found->second, &module};
  for (const Extend& extend : module.extends) {
    if (extend.module == nullptr || extend.without.contains(name)) continue;
    if (const Declared found = exported(*extend.module, kind, name)) return found;
  }
  return {};
}

bool declared_unread(const Module& module, std::string_view name) {
  for (const auto& unread : module.source->unread) {
    const auto& names = unread.declares;
    if (std::find(names.begin(), names.end(), name) != names.end()) return true;
  }
  return std::any_of(module.extends.begin(), module.extends.end(), [&](const Extend& extend) {
    return extend.module != nullptr && !extend.without.contains(name) &&
           declared_unread(*extend.module, name);
  });
}

bool hidden(const Declared& declared, DeclarationKind kind) {
  const Declared seen = exported(outermost(*declared.module), kind, declared.block->labels[0].text);
  return seen != declared;
}

const Use* find_use(const Module& module, std::string_view alias) {
  const auto found = std::find_if(module.uses.begin(), module.uses.end(),
                                  [&](const Use& use) { return use.alias == alias; });
  return found == module.uses.end() ? nullptr : &*found;
}

std::vector<Declared> lookup(const Module& module, DeclarationKind kind, std::string_view name) {
  if (const std::size_t slash = name.find('/'); slash != std::string_view::npos) {
    const Use* use = find_use(module, name.substr(0, slash));
    if (use == nullptr || use->module == nullptr) return {};
    const Declared found = exported(*use->module, kind, name.substr(slash + 1));
    return found ? std::vector{found} : std::vector<Declared>{};
  }
  const Module& outer = outermost(module);
  if (const Declared anew = exported(outer, kind, name)) return {anew};
  if (&outer != &module) {
    // Hidden, and nothing in its place: what the module was written with.
    if (const Declared own = exported(module, kind, name)) return {own};
  }
  std::vector<Declared> found;
  for (const Use& use : module.uses) {
    if (use.module == nullptr) continue;
    const Declared declared = exported(*use.module, kind, name);
    if (declared && std::find(found.begin(), found.end(), declared) == found.end()) {
      found.push_back(declared);
    }
  }
  return found;
}

std::vector<std::string> visible_names(const Module& module, DeclarationKind kind) {
  std::vector<std::string> names;
  exported_names(module, kind, names);
  for (const Use& use : module.uses) {
    if (use.module == nullptr) continue;
    std::vector<std::string> theirs;
    exported_names(*use.module, kind, theirs);
    for (const std::string& name : theirs) {
      names.push_back(name);
      names.push_back(use.alias + "/" + name);
    }
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace hcipol::sema
