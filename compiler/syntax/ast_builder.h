// From tree-sitter's tree to ours.
#pragma once

#include "diagnostics/reporter.h"
#include "support/source.h"
#include "syntax/ast.h"
#include "syntax/chunks.h"

namespace hcipol::syntax {

/// Builds the tree of a file from the trees of its chunks. Damaged items are left out
/// (syntax_errors reports them); what else is wrong with single nodes (E0130, E0131, E0135) is
/// reported here.
File build_ast(FileId id, std::string_view text, const std::vector<ChunkTree>& chunks,
               const Vocabulary& vocabulary, Reporter& reporter);

}  // namespace hcipol::syntax
