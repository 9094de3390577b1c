// `hcipol.lock`: what a policy was written against, by content.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sema/evaluator.h"
#include "sema/module.h"
#include "support/embedded.h"
#include "support/source.h"

namespace hcipol::sema {

inline constexpr std::string_view lock_name = "hcipol.lock";

/// A module of the library, whole: its text is kept so that, when a newer compiler brings another
/// text, the policy can still be compiled with this one and the two compared as traffic.
struct LockedModule {
  std::string revision;                      ///< as its `package` says: "2022-04-28"
  std::map<std::string, std::string> files;  ///< "hci/21h2/module.hcipol" → text

  /// SHA-256 over names and texts.
  std::string digest() const;
  friend bool operator==(const LockedModule&, const LockedModule&) = default;
};

/// The policy's own modules are not in it: they lie beside it, under the same version control.
struct Lock {
  std::map<std::string, LockedModule> modules;  ///< "std/hci/21h2"
  /// Data files and files that the policy reads: path from the policy's directory → SHA-256.
  std::map<std::string, std::string> files;
  /// The edition of each service tag file among them: its `cloud` → its `changeNumber`.
  std::map<std::string, std::int64_t> service_tags;

  /// The locked modules as the loader takes them; the views point into this lock.
  std::vector<EmbeddedFile> library() const;
  friend bool operator==(const Lock&, const Lock&) = default;
};

/// Nothing if the text is no lock of this version, or was changed by hand, with why in `error`.
std::optional<Lock> parse_lock(std::string_view text, std::string& error);
/// JSON with sorted keys and one line of a module's text on one line, so that version control
/// shows what a new library changed.
std::string to_string(const Lock& lock);

/// The `revision` of a module's package; "" without one.
std::string revision_of(const ModuleSource& source, const SourceMap& sources);
/// A module of the library as it was loaded, with the files of it that nothing needed.
LockedModule locked_module(const ModuleSource& source, const SourceMap& sources);

/// What a compiled policy uses: every library module, every file that was read.
Lock lock_of(const Program& program, const Evaluator& evaluator, const SourceMap& sources);

}  // namespace hcipol::sema
