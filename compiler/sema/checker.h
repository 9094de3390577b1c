// Checks every block and attribute against the schema table.
#pragma once

#include <span>

#include "diagnostics/reporter.h"
#include "sema/module.h"
#include "sema/option.h"

namespace hcipol::sema {

/// Unknown, misplaced, missing and repeated blocks and attributes; labels; rules where none belong.
void check_schema(const Program& program, std::span<const TargetSchema> targets,
                  Reporter& reporter);

}  // namespace hcipol::sema
