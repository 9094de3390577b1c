// The smallest edit after which a check holds.
#pragma once

#include <string>

#include "support/source.h"
#include "verify/blame.h"

namespace hcipol::verify {

/// What an invariant's check is about, in words that an edit may use.
struct Wanted {
  const policy::Check* check = nullptr;
  std::string invariant;  ///< as `waives` may name it
  std::string flow;       ///< as the policy writes it, on one line
};

/// The edit as text for `help`, or "" if none was found. Every edit has been tried: with it, the
/// check holds in this cluster. `flows` are those that count for the check.
std::string mend(Situation& situation, std::span<const flow::Flow> flows, const Wanted& wanted,
                 const Blame& blame, const SourceMap& sources);

}  // namespace hcipol::verify
