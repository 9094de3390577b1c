// Modules: directories of `.hcipol` files, and what they declare.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "syntax/ast.h"

namespace hcipol::sema {

struct Module;

/// `use "path" as alias { … }`.
struct Use {
  std::string alias;
  const syntax::Block* block = nullptr;
  Module* module = nullptr;
};

/// `extend "path" { without = […] … }`.
struct Extend {
  const syntax::Block* block = nullptr;
  Module* module = nullptr;
  std::set<std::string, std::less<>> without;
};

/// A directory as it was read. Blocks point into `files`, which do not move.
struct ModuleSource {
  using Blocks = std::map<std::string_view, const syntax::Block*, std::less<>>;

  std::string path;  ///< "std/hci/21h2", or the directory as the user would write it
  std::string directory;
  bool library = false;
  std::deque<syntax::File> files;

  const syntax::Block* policy = nullptr;
  const syntax::Block* package = nullptr;
  std::vector<const syntax::Block*> uses;
  std::vector<const syntax::Block*> extends;
  std::vector<const syntax::Block*> targets;
  std::vector<const syntax::Block*> data;
  Blocks variables, outputs, roles, endpoints, features, clusters, exceptions, invariants;
  /// `test` blocks by sentence, and the files that may hold them.
  Blocks tests;
  std::set<FileId> test_files;
  std::map<std::string_view, const syntax::Attribute*, std::less<>> locals;

  /// Files of the library that nothing has needed yet, with the names that they declare.
  struct Unread {
    std::string path;
    std::string_view text;
    std::vector<std::string_view> declares;
  };
  std::vector<Unread> unread;
};

/// A source with its variables set: what `use` makes.
struct Module {
  const ModuleSource* source = nullptr;
  std::string name;  ///< the first part of rule addresses: "main", "hci", "contoso"
  /// Where variables are set: the `use` or `extend` block, read in `parent`; null for the root.
  const syntax::Block* arguments = nullptr;
  const Module* parent = nullptr;
  std::vector<Use> uses;
  std::vector<Extend> extends;
};

/// A declaration and the module in whose scope it is read.
struct Declared {
  const syntax::Block* block = nullptr;
  const Module* module = nullptr;

  explicit operator bool() const { return block != nullptr; }
  friend auto operator<=>(const Declared&, const Declared&) = default;
};

enum class DeclarationKind { role, endpoint, feature };

/// What `name` (bare, or "alias/name") means in `module`: its own declaration, one of a module that
/// it extends, or those of the modules that it uses. More than one result is an ambiguity.
///
/// A module that another one extends is read with that one's eyes: what the outermost extender
/// declares under a name comes before what the extended module declared. So a release that hides an
/// endpoint and declares it anew changes the features that it inherits.
std::vector<Declared> lookup(const Module& module, DeclarationKind kind, std::string_view name);
/// What the module hands on under this name, as it is without the modules that extend it: its own
/// declaration, or one of a module that it extends and does not hide.
Declared exported(const Module& module, DeclarationKind kind, std::string_view name);
/// The module that hands on what `module` declares: the last one that extends it, or itself.
const Module& outermost(const Module& module);
/// Whether a file of the library that nothing has needed yet declares the name, in the module or in
/// one that it extends and of which it hides no such name.
bool declared_unread(const Module& module, std::string_view name);
/// Whether a module that extends the declaring one hides the declaration.
bool hidden(const Declared& declared, DeclarationKind kind);
/// Every name that lookup would find bare, and every "alias/name"; for did-you-mean.
std::vector<std::string> visible_names(const Module& module, DeclarationKind kind);
/// The `use` of this alias, or null.
const Use* find_use(const Module& module, std::string_view alias);

/// Everything that was loaded. Modules and sources do not move.
struct Program {
  std::deque<ModuleSource> sources;
  std::deque<Module> modules;
  const Module* root = nullptr;
  /// Texts of library files; the names of files that were not read point into them.
  std::deque<std::string> library_texts;
};

}  // namespace hcipol::sema
