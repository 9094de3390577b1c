// Only the driver knows of it: every other room reports what it finds as what it is.
#include "driver/deny.h"

#include <algorithm>

namespace hcipol::driver {

namespace {

bool is_denied(const Options& options, const Diagnostic& d) {
  return d.severity == Severity::Warning &&
         std::any_of(options.deny.begin(), options.deny.end(),
                     [&](const std::string& code) { return entry(d.id).code.starts_with(code); });
}

}  // namespace

std::vector<std::string> warning_codes() {
  std::vector<std::string> out;
  for (const CatalogueEntry& row : catalogue) {
    if (row.severity == Severity::Warning) out.emplace_back(row.code);
  }
  return out;
}

bool is_warning(std::string_view code) {
  return !code.empty() &&
         std::any_of(catalogue.begin(), catalogue.end(), [&](const CatalogueEntry& row) {
           return row.severity == Severity::Warning && row.code.starts_with(code);
         });
}

void deny(const Options& options, std::vector<Diagnostic>& list) {
  for (Diagnostic& d : list) {
    if (is_denied(options, d)) d.severity = Severity::Error;
  }
}

bool has_denied(const Options& options, const Reporter& reporter) {
  if (options.deny.empty()) return false;
  const auto list = reporter.sorted();
  return std::any_of(list.begin(), list.end(),
                     [&](const Diagnostic& d) { return is_denied(options, d); });
}

}  // namespace hcipol::driver
