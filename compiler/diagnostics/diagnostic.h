// One diagnostic as data: what is wrong, where, what else to look at, how to mend it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "support/span.h"

namespace hcipol {

enum class Severity : std::uint8_t { Error, Warning };

/// Every diagnostic by name; see catalogue.def.
enum class Diag : std::uint16_t {
#define HCIPOL_DIAGNOSTIC(code, severity, name, text) name,
#include "diagnostics/catalogue.def"
#undef HCIPOL_DIAGNOSTIC
};

struct CatalogueEntry {
  std::string_view code;
  Severity severity;
  std::string_view name;
  std::string_view format;
};

inline constexpr std::array catalogue{
#define HCIPOL_DIAGNOSTIC(code, severity, name, text) \
  CatalogueEntry{#code, Severity::severity, #name, text},
#include "diagnostics/catalogue.def"
#undef HCIPOL_DIAGNOSTIC
};

constexpr const CatalogueEntry& entry(Diag diag) {
  return catalogue[static_cast<std::size_t>(diag)];
}

/// A second place, with what it has to do with the first.
struct Label {
  Span span;
  std::string text;
};

/// A replacement that makes the mistake go away; only where it really would.
struct Fix {
  Span span;
  std::string text;
};

struct Diagnostic {
  Diag id = Diag::unexpected_text;
  Severity severity = Severity::Error;
  std::string message;
  Span span;
  std::string primary_label;  ///< optional text under the carets
  std::vector<Label> labels;
  std::vector<std::string> notes;
  std::vector<Fix> fixes;
  std::string help;
};

}  // namespace hcipol
