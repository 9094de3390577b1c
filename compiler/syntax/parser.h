// From text to tree: the one function that the rooms after this one call.
#pragma once

#include "diagnostics/reporter.h"
#include "support/source.h"
#include "syntax/ast.h"

namespace hcipol::syntax {

/// Bounds on what is read, so that no input exhausts the machine.
inline constexpr std::size_t max_file_bytes = std::size_t{64} << 20;
inline constexpr unsigned max_nesting = 200;

/// Whether a text is UTF-8 without control characters and not too large; reports what is wrong.
bool readable(FileId id, std::string_view text, Reporter& reporter);

/// Parses one file of `sources` and builds its tree. Every syntax error is reported (one per item);
/// items that have none are still in the tree. Safe to call from several threads with a reporter
/// each (the SourceMap must not change meanwhile).
File parse(FileId id, const SourceMap& sources, Reporter& reporter);

}  // namespace hcipol::syntax
