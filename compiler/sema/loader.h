// From a path to a program: reads the policy's files and those of the modules that it uses.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "diagnostics/reporter.h"
#include "sema/module.h"
#include "support/embedded.h"
#include "support/files.h"
#include "support/source.h"

namespace hcipol::sema {

/// What the loader reads from.
struct LoadInput {
  const FileSystem* files = nullptr;
  std::string path = ".";                 ///< a directory, a file, or "-"
  std::optional<std::string> stdin_text;  ///< for "-"
  std::string stdin_name = "<stdin>";
  /// The library compiled into the binary: paths such as "hci/21h2/module.hcipol".
  std::span<const EmbeddedFile> library;
  /// `--stdlib DIR`: a directory to read instead.
  std::string library_directory;
  /// Words that a question beside the policy mentions.
  std::vector<std::string> mentions;
  bool everything = false;  ///< read files of the library that nothing mentions, too
  unsigned threads = 1;
  bool with_tests = false;  ///< read the `*.test.hcipol` files beside the policy too
};

/// The policy and all that it uses, parsed; nothing if a file could not be read, a module is
/// missing or modules use each other in a circle. Syntax errors are reported as well; the caller
/// stops when the reporter has errors. Library files that declare only features and endpoints are
/// parsed when a name that they declare is mentioned anywhere.
std::optional<Program> load(const LoadInput& input, SourceMap& sources, Reporter& reporter);

/// Whether a file of this name is part of a policy: `*.hcipol`, not hidden, not `*.test.hcipol`.
bool is_policy_file(std::string_view name);

bool is_test_file(std::string_view name);

/// The `.hcipol` files below `path` that `fmt` looks after (tests included), or the file itself.
std::vector<std::string> policy_files(const FileSystem& files, const std::string& path,
                                      bool with_tests);

}  // namespace hcipol::sema
