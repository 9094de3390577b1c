// Whether a policy is still compiled with what its lock names.
#pragma once

#include <optional>
#include <string>

#include "driver/environment.h"
#include "driver/options.h"
#include "driver/pipeline.h"
#include "sema/lockfile.h"

namespace hcipol::driver {

/// Where the lock of the policy at `options.path` lies; nothing for standard input.
std::optional<std::string> lock_path(const Options& options, const Environment& environment);

struct FoundLock {
  sema::Lock lock;
  Span place;  ///< its beginning
};

/// The lock of a policy; nothing if there is none, or if it is damaged (E0716 is reported then).
std::optional<FoundLock> read_lock(const Options& options, const Environment& environment,
                                   SourceMap& sources, Reporter& reporter);

/// The library as a lock has it; of modules that it does not name, the bundled text. The views
/// point into the lock.
std::vector<EmbeddedFile> locked_library(const sema::Lock& lock);

/// Reports every module of the library that is not the locked one (E0711), with what the change
/// does to the traffic of this policy, and every one that is not locked (E0717).
void check_locked_modules(const sema::Lock& lock, const Options& options, Environment& environment,
                          Compilation& compilation);
/// The same of the files that the policy has read (E0715, E0717, W0715).
void check_locked_files(const sema::Lock& lock, Compilation& compilation);
/// Warns of each service tag file that is older than the one that was locked for its cloud (W0715).
void warn_of_older_tags(const sema::Lock& lock, Compilation& compilation);

/// What the bundled library opens and closes compared with the locked one, in the policy as it is
/// now, one line each; the first line counts them.
std::vector<std::string> library_difference(const sema::Lock& lock, const Options& options,
                                            Environment& environment);

}  // namespace hcipol::driver
