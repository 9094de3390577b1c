// The options of an nftables target, and how a gateway or a machine with nftables names things.
#pragma once

#include <span>

#include "backends/common/gateway/settings.h"

namespace hcipol::backends::nftables {

using gateway::Settings;

std::span<const sema::OptionSpec> options();
const gateway::Dialect& dialect(bool host = false);

}  // namespace hcipol::backends::nftables
