// Diagnostics as text: one function per format, one file per function.
#pragma once

#include <span>
#include <string>

#include "diagnostics/diagnostic.h"
#include "support/source.h"

namespace hcipol {

enum class DiagnosticFormat { human, short_, json };

/// Snippets with carets, at most `limit` errors and as many warnings; what is left out is counted.
/// `color` uses ANSI escapes.
std::string render_human(std::span<const Diagnostic> diagnostics, const SourceMap& sources,
                         bool color, std::size_t limit = 20);
/// `file:line:column: error[E0402]: message`, one line each.
std::string render_short(std::span<const Diagnostic> diagnostics, const SourceMap& sources);
/// One object: {"version": 1, "diagnostics": [{code, severity, message, spans, notes, fixes,
/// help}]}.
std::string render_json(std::span<const Diagnostic> diagnostics, const SourceMap& sources);

}  // namespace hcipol
