// Everything outside that a command touches, so that tests can run the whole driver in memory.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/date.h"
#include "support/files.h"

namespace hcipol::driver {

struct Environment {
  FileSystem* files = nullptr;
  /// Reads all of standard input; called at most once.
  std::function<std::string()> read_stdin;
  std::function<void(std::string_view)> out;  ///< standard output
  std::function<void(std::string_view)> err;  ///< standard error
  /// Environment variables that matter: SOURCE_DATE_EPOCH, NO_COLOR, CLICOLOR_FORCE, TERM.
  std::map<std::string, std::string> variables;
  bool stderr_is_terminal = false;
  Date today;
  unsigned threads = 1;
};

/// Runs one command line (without the program's name). The result is the exit code: 0 fine, 1 the
/// policy is wrong or `--check` found a difference, 3 usage or environment, 70 a bug of hcipolc.
int run(const std::vector<std::string>& arguments, Environment& environment);

}  // namespace hcipol::driver
