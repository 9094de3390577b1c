// One reading compared with what is meant, for the packets of one address family.
#pragma once

#include <optional>
#include <string>

#include "backends/common/claim.h"
#include "backends/common/family_sets.h"

namespace hcipol::backends {

/// "10.0.0.1 -> 10.0.0.2 on tcp/443 passes and should not", or nothing.
std::optional<std::string> refutation(const Claim& claim, FamilySets& sets);

}  // namespace hcipol::backends
