// What a policy promises, for the last lines of a command.
#pragma once

#include <span>
#include <string>

#include "verify/invariants.h"

namespace hcipol::report {

/// "4 invariants hold", then a line for each that an exception may break and does. "" without
/// invariants.
std::string invariants_text(std::size_t invariants, std::span<const verify::Waived> waived);

}  // namespace hcipol::report
