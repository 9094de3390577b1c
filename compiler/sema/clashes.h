// Names that a module would pass on twice.
#pragma once

#include "diagnostics/reporter.h"
#include "sema/module.h"

namespace hcipol::sema {

/// Reports roles, endpoints and features that a module declares although one that it extends does,
/// or that two modules which it extends both declare, unless `without` hides all but one.
void refuse_clashes(const Module& module, Reporter& reporter);

}  // namespace hcipol::sema
