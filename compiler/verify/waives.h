// `waive` blocks: which finding is hidden where, why, and until when.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "diagnostics/reporter.h"
#include "sema/evaluator.h"

namespace hcipol::verify {

struct Waive {
  Diag lint = Diag::unused;
  std::string at;  ///< "main/backup.veeam-data", "main/backup", "main/var.scrapers"
  std::string reason;
  std::optional<Date> expires;  ///< the last day on which it hides anything
  Span span;
  bool used = false;
};

/// The waives of a policy while lints run.
class Waives {
 public:
  /// Reads the blocks of every module. Reports E0533 for a code that is no lint, an address that
  /// nothing has, or an empty reason, and W0532 for a waive that has expired.
  Waives(const sema::Program& program, sema::Evaluator& evaluator, Date as_of, Reporter& reporter);

  /// Whether a waive hides the lint at the address, or at the feature that the address lies in.
  /// Marks every waive that does as used.
  bool hides(Diag lint, std::string_view address);

  /// Reports W0531 for each waive that has hidden nothing. In order of place.
  std::vector<Waive> finish(Reporter& reporter);

 private:
  std::vector<Waive> waives_;
};

}  // namespace hcipol::verify
