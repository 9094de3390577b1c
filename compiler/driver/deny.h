// `--deny`: warnings that are errors on this run.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "diagnostics/reporter.h"
#include "driver/options.h"

namespace hcipol::driver {

/// The codes of all warnings.
std::vector<std::string> warning_codes();
/// Whether it is the code of a warning, or the beginning of one: "W0412", "W06".
bool is_warning(std::string_view code);

/// Makes errors of the warnings that the command line denies.
void deny(const Options& options, std::vector<Diagnostic>& list);
/// Whether there is such a warning.
bool has_denied(const Options& options, const Reporter& reporter);

}  // namespace hcipol::driver
