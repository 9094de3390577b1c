// From words to Options; CLI11 reads them.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "diagnostics/reporter.h"
#include "driver/options.h"

namespace hcipol::driver {

/// Text that the command line asked for instead of a run: `--help`, `--version`.
struct Answer {
  std::string text;
};

/// The options, a text to print, or nothing if the words make no command line (reported).
std::variant<std::monostate, Options, Answer> read_command_line(std::vector<std::string> words,
                                                                Reporter& reporter);

}  // namespace hcipol::driver
