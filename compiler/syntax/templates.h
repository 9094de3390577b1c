// What is between quotes: escapes and the indentation of `"""`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "diagnostics/reporter.h"
#include "support/span.h"

namespace hcipol::syntax {

/// The text that the raw stretches of a `"…"` stand for, one string per stretch; escapes that name
/// no character are reported (E0131). A stretch is what lies between two interpolations.
std::vector<std::string> resolve_string(const std::vector<Span>& raw, std::string_view source,
                                        Reporter& reporter);

/// The same for `"""…"""`: a blank first line, the line of the closing quotes and the indentation
/// of the closing quotes are not part of the text.
std::vector<std::string> resolve_text(const std::vector<Span>& raw, std::string_view source,
                                      Reporter& reporter);

}  // namespace hcipol::syntax
