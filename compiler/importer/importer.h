// `hcipolc import endpoints`: lists of endpoints that others publish, as a feature.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "diagnostics/reporter.h"
#include "support/source.h"

namespace hcipol::importer {

struct Request {
  std::string feature;  ///< a name of the language
  std::string from = "servers";
  std::string list;  ///< what the list is called in the feature's texts
  bool widen_globs = false;
  bool skip_refused = false;
};

/// How the text of every file begins that import_endpoints() makes.
inline constexpr std::string_view mark = "# Imported by `hcipolc import endpoints`";

/// The text of a policy file in canonical layout, or nothing if there are errors. Every thing that
/// is mended is a warning, every host or row that is refused an error; with `skip_refused` it is a
/// warning, and a comment in the text.
std::optional<std::string> import_endpoints(FileId list, const SourceMap& sources,
                                            const Request& request, Reporter& reporter);

/// Whether the language takes a text for a name, as of a role or a feature.
bool is_name(std::string_view text);

/// A name for the feature of a file: "x/HPE Endpoints.md" → "hpe-endpoints".
std::string feature_of(std::string_view path);

}  // namespace hcipol::importer
