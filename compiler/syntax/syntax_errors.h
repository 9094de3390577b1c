// Sentences for what tree-sitter could not read.
#pragma once

#include <string_view>

#include "diagnostics/reporter.h"
#include "syntax/tree.h"

namespace hcipol::syntax {

/// Reports every damaged place of a tree, at most one per item and line. The tree begins at `base`.
void report_syntax_errors(FileId id, std::string_view text, std::uint32_t base, const TSTree* tree,
                          const Vocabulary& vocabulary, Reporter& reporter);

/// Reports the one error of which only the place is known.
void report_syntax_error_at(FileId id, std::string_view text, std::uint32_t at,
                            const Vocabulary& vocabulary, Reporter& reporter);

}  // namespace hcipol::syntax
