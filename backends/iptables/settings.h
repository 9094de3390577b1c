// The options of an iptables target, and how a gateway with iptables names things.
#pragma once

#include <span>

#include "backends/common/gateway/settings.h"

namespace hcipol::backends::iptables {

using gateway::Settings;

std::span<const sema::OptionSpec> options();
const gateway::Dialect& dialect();

}  // namespace hcipol::backends::iptables
