// Where every room reports what is wrong.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "diagnostics/diagnostic.h"

namespace hcipol {

/// Adds to the diagnostic that was just reported. Valid until the next report.
class DiagnosticBuilder {
 public:
  explicit DiagnosticBuilder(Diagnostic& diagnostic) : diagnostic_(&diagnostic) {}

  /// Text under the carets of the main place.
  DiagnosticBuilder& here(std::string text) {
    diagnostic_->primary_label = std::move(text);
    return *this;
  }
  DiagnosticBuilder& label(Span span, std::string text) {
    diagnostic_->labels.push_back({span, std::move(text)});
    return *this;
  }
  DiagnosticBuilder& note(std::string text) {
    diagnostic_->notes.push_back(std::move(text));
    return *this;
  }
  DiagnosticBuilder& fix(Span span, std::string text) {
    diagnostic_->fixes.push_back({span, std::move(text)});
    return *this;
  }
  DiagnosticBuilder& help(std::string text) {
    diagnostic_->help = std::move(text);
    return *this;
  }
  /// help("did you mean `…`?") if there is something to mean.
  template <class Optional>
  DiagnosticBuilder& suggest(const Optional& candidate) {
    return candidate ? help(fmt::format("did you mean `{}`?", *candidate)) : *this;
  }

 private:
  Diagnostic* diagnostic_;
};

/// Collects diagnostics. Not thread-safe: a thread has its own and append() joins them.
class Reporter {
 public:
  /// The number and kind of the arguments are checked at compile time against the catalogue.
  template <Diag D, class... Args>
  DiagnosticBuilder report(Span span, const Args&... args) {
    constexpr fmt::format_string<const Args&...> format{entry(D).format};
    return add(D, span, fmt::format(format, args...));
  }

  DiagnosticBuilder add(Diag id, Span span, std::string message);
  void append(Reporter&& other);

  std::size_t errors() const { return errors_; }
  bool has_errors() const { return errors_ > 0; }

  /// In order of file, place and code; exact repetitions removed.
  std::vector<Diagnostic> sorted() const;

 private:
  std::vector<Diagnostic> diagnostics_;
  std::size_t errors_ = 0;
};

}  // namespace hcipol
