// Everything outside that a command touches, so that tests can run the whole driver in memory.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "support/date.h"
#include "support/embedded.h"
#include "support/files.h"
#include "support/process.h"

namespace hcipol::backends {
struct Backend;
}

namespace hcipol::driver {

struct Environment {
  FileSystem* files = nullptr;
  /// Reads all of standard input; called at most once.
  std::function<std::string()> read_stdin;
  /// Runs another program; see support/process.h. Only git is ever run.
  std::function<std::optional<Finished>(const std::vector<std::string>&, std::string& error)>
      run_program;
  std::function<void(std::string_view)> out;  ///< standard output
  std::function<void(std::string_view)> err;  ///< standard error
  /// Environment variables that matter: SOURCE_DATE_EPOCH, NO_COLOR, CLICOLOR_FORCE, TERM.
  std::map<std::string, std::string> variables;
  bool stderr_is_terminal = false;
  Date today;
  /// A library to read instead of the bundled one; empty for the bundled one.
  std::span<const EmbeddedFile> library;
  /// Backends that print and read in place of the program's own of the same names.
  std::span<const backends::Backend> backends;
  unsigned threads = 1;
  /// What the command worked on. It stays when the command ends, so that a process which ends too
  /// need not take millions of small things apart.
  std::shared_ptr<const void> leftovers;
};

/// Runs one command line (without the program's name). The result is the exit code: 0 fine, 1 the
/// policy is wrong or `--check` found a difference, 2 flows change (`--exit-code`), 3 usage or
/// environment, 70 a bug of hcipolc.
int run(const std::vector<std::string>& arguments, Environment& environment);

}  // namespace hcipol::driver
