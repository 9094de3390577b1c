// Checks names and literals of everything that was parsed, used or not.
#pragma once

#include "diagnostics/reporter.h"
#include "sema/module.h"

namespace hcipol::sema {

/// Unknown roles, endpoints, variables, locals, parameters, functions and aliases, malformed
/// literals, flows without a service: whatever can be said without evaluating anything.
void check_names(const Program& program, Reporter& reporter);
/// The same for one expression, as if it stood in a cluster of the module.
void check_names(const syntax::Expr& expression, const Module& module, Reporter& reporter);

}  // namespace hcipol::sema
