// The commands: a table of names, one function each.
#pragma once

#include <span>
#include <string_view>

#include "driver/environment.h"
#include "driver/options.h"
#include "driver/pipeline.h"

namespace hcipol::driver {

inline constexpr int exit_fine = 0;
inline constexpr int exit_wrong =
    1;  ///< the policy is wrong, a test failed, `--check` found a difference
inline constexpr int exit_changed = 2;  ///< only with `--exit-code`: flows change
inline constexpr int exit_usage = 3;    ///< the command line or the environment is wrong
inline constexpr int exit_bug = 70;

struct Command {
  std::string_view name;
  std::string_view summary;
  int (*run)(const Options& options, Environment& environment) = nullptr;
};

std::span<const Command> commands();

int run_check(const Options&, Environment&);
int run_build(const Options&, Environment&);
int run_test(const Options&, Environment&);
int run_show(const Options&, Environment&);
int run_plan(const Options&, Environment&);
int run_diff(const Options&, Environment&);
int run_doc(const Options&, Environment&);
int run_fmt(const Options&, Environment&);
int run_explain(const Options&, Environment&);
int run_targets(const Options&, Environment&);
int run_graph(const Options&, Environment&);
int run_import(const Options&, Environment&);
int run_lock(const Options&, Environment&);
int run_why(const Options&, Environment&);
int run_version(const Options&, Environment&);

/// Writes a text to a file, whole or not at all; a file that cannot be written is reported.
void write_file(const std::string& path, const std::string& text, Environment& environment,
                Reporter& reporter);
/// The same, or to standard output if the path is "-".
void put(const std::string& path, const std::string& text, Environment& environment,
         Reporter& reporter);

/// Writes diagnostics to standard error in the format asked for. Returns exit_usage if all errors
/// are of the command line or the environment (E0701, E0703, E0706, E0710), exit_wrong if there are
/// others, exit_fine if there are none.
int finish(const Options& options, Environment& environment, const Reporter& reporter,
           const SourceMap& sources);

}  // namespace hcipol::driver
