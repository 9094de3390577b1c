// What a file declares, entered into its module.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "diagnostics/reporter.h"
#include "sema/module.h"

namespace hcipol::sema {

/// Enters the top-level blocks of a file; the file must not move any more.
void declare(ModuleSource& source, const syntax::File& file, Reporter& reporter);

/// `without` of an `extend` block. It must be known before names are resolved, so it is read as it
/// is written.
std::set<std::string, std::less<>> hidden_names(const syntax::Block& block, Reporter& reporter);

/// "`what` is already there", pointing at both.
void report_repeated(Reporter& reporter, std::string_view what, Span here, Span first);

}  // namespace hcipol::sema
