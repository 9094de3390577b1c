// What is mended in a list, and what is refused of it.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

#include "diagnostics/reporter.h"

namespace hcipol::importer {

/// A row or a host that the policy does not have.
struct Refused {
  Span what;
  std::string why;  ///< the message of its diagnostic
};

/// Mistakes in the rows of one file. What is refused is an error, or, where the user asked to go on
/// without it, the warning that it is left out.
class Findings {
 public:
  Findings(FileId file, std::string_view text, bool skip_refused, Reporter& reporter)
      : file_(file), text_(text), skip_refused_(skip_refused), reporter_(reporter) {}

  FileId file() const { return file_; }
  std::string_view text() const { return text_; }
  const std::vector<Refused>& refused() const { return refused_; }

  /// A warning: the row stays, mended. Or an error of the whole file.
  template <Diag D, class... Args>
  DiagnosticBuilder report(Span at, const Args&... args) {
    return reporter_.report<D>(at, args...);
  }

  /// `what` is left out because of what stands `at`.
  template <Diag D, class... Args>
  DiagnosticBuilder refuse(Span what, Span at, const Args&... args) {
    constexpr fmt::format_string<const Args&...> format{entry(D).format};
    std::string why = fmt::format(format, args...);
    refused_.push_back({what, why});
    if (skip_refused_) return reporter_.report<Diag::list_left_out>(at, why);
    return reporter_.add(D, at, std::move(why));
  }

 private:
  FileId file_;
  std::string_view text_;
  bool skip_refused_;
  Reporter& reporter_;
  std::vector<Refused> refused_;
};

}  // namespace hcipol::importer
