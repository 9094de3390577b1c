// What the heads of a gateway's files say of what they are for.
#pragma once

#include <string>

#include "flow/flow.h"

namespace hcipol::backends::gateway {

/// Comment lines: which target it is and what that sees, where the source of a rule is found, and,
/// if there are any, that exceptions do not end by themselves. `whole`: what the target does not
/// see is denied as well.
std::string scope_of(const flow::DevicePolicy& device, bool whole);

}  // namespace hcipol::backends::gateway
