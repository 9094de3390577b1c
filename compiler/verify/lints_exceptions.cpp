// Exceptions that are about to end: there is time to ask their owners before builds stop.
#include <fmt/format.h>

#include "support/text.h"
#include "verify/lints_passes.h"

namespace hcipol::verify {

namespace {

constexpr int warn_days = 14;

}  // namespace

void find_ending_exceptions(const LintInput& input, Findings& findings) {
  const sema::Module& root = *input.program.root;
  const sema::Scope scope{&root, nullptr, nullptr, nullptr, nullptr};
  for (const auto& [name, block] : root.source->exceptions) {
    const syntax::Expr& expires = *sema::find_attribute(block->items, "expires")->value;
    const auto end = input.evaluator.date(expires, scope);
    if (!end) continue;
    const auto days = (*end - input.policy.as_of).count();
    if (days < 0 || days > warn_days) continue;
    Finding finding;
    finding.address = fmt::format("{}/{}", root.name, name);
    Diagnostic& d = finding.diagnostic;
    d.id = Diag::exception_ends_soon;
    d.span = expires.span;
    d.message = message<Diag::exception_ends_soon>(
        name, days == 0 ? "today" : "in " + counted(static_cast<std::size_t>(days), "day"));
    findings.add(std::move(finding));
  }
}

}  // namespace hcipol::verify
