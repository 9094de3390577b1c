// Order is decided when diagnostics are shown, so that passes may report as they find things.
#include "diagnostics/reporter.h"

#include <algorithm>
#include <iterator>
#include <tuple>

namespace hcipol {

DiagnosticBuilder Reporter::add(Diag id, Span span, std::string message) {
  Diagnostic diagnostic;
  diagnostic.id = id;
  diagnostic.severity = entry(id).severity;
  diagnostic.message = std::move(message);
  diagnostic.span = span;
  if (diagnostic.severity == Severity::Error) ++errors_;
  diagnostics_.push_back(std::move(diagnostic));
  return DiagnosticBuilder(diagnostics_.back());
}

void Reporter::append(Reporter&& other) {
  std::move(other.diagnostics_.begin(), other.diagnostics_.end(), std::back_inserter(diagnostics_));
  errors_ += other.errors_;
  other = Reporter();
}

std::vector<Diagnostic> Reporter::sorted() const {
  std::vector<Diagnostic> out = diagnostics_;
  const auto key = [](const Diagnostic& d) { return std::tie(d.span, d.id, d.message); };
  std::stable_sort(out.begin(), out.end(),
                   [&](const auto& a, const auto& b) { return key(a) < key(b); });
  const auto same = [&](const auto& a, const auto& b) { return key(a) == key(b); };
  out.erase(std::unique(out.begin(), out.end(), same), out.end());
  return out;
}

}  // namespace hcipol
