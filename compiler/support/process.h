// Running another program, without a shell between.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace hcipol {

/// What a program wrote and how it ended.
struct Finished {
  int exit = 0;  ///< its exit code; 128 + the number of the signal that ended it
  std::string out;
  std::string err;
};

/// Runs `words[0]`, found along PATH, with nothing to read, and waits for it. Nothing if it cannot
/// be started; `error` says why ("no such file or directory").
std::optional<Finished> run_program(const std::vector<std::string>& words, std::string& error);

}  // namespace hcipol
