// The format of compilers and grep: one line per diagnostic, for editors and scripts.
#include <fmt/format.h>

#include "diagnostics/render.h"

namespace hcipol {

std::string render_short(std::span<const Diagnostic> diagnostics, const SourceMap& sources) {
  std::string out;
  for (const Diagnostic& d : diagnostics) {
    if (d.span.file != FileId::no_file) {
      const LineColumn at = sources.line_column(d.span.file, d.span.begin);
      out += fmt::format("{}:{}:{}: ", sources.file(d.span.file).path, at.line, at.column);
    } else {
      out += "hcipolc: ";
    }
    const char* severity = d.severity == Severity::Error ? "error" : "warning";
    out += fmt::format("{}[{}]: {}\n", severity, entry(d.id).code, d.message);
  }
  return out;
}

}  // namespace hcipol
