// `hcipolc fmt`: the canonical layout of a file.
#pragma once

#include <optional>
#include <string>

#include "diagnostics/reporter.h"
#include "support/source.h"

namespace hcipol::syntax {

/// The file in canonical layout, or nothing if it has syntax errors (they are reported). Comments
/// are kept, blank lines collapse to one, `format(format(x)) == format(x)`, and the tree is
/// unchanged.
std::optional<std::string> format(FileId id, const SourceMap& sources, Reporter& reporter);

}  // namespace hcipol::syntax
