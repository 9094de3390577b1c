// The tree as text, for `--dump ast`, tests and bug reports.
#pragma once

#include <string>

#include "syntax/ast.h"

namespace hcipol::syntax {

/// One S-expression per item, nested items indented by two. Says nothing about places, so equal
/// dumps mean equal trees.
std::string dump(const File& file);
std::string dump(const Expr& expr);

}  // namespace hcipol::syntax
