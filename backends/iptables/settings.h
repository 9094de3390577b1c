// The options of an iptables target, and how a gateway or a machine with iptables names things.
#pragma once

#include <span>

#include "backends/common/gateway/settings.h"

namespace hcipol::backends::iptables {

struct Settings : gateway::Settings {
  /// The whole filter table is the policy's, and not chains beside those of others.
  bool owns_table = false;
};

std::span<const sema::OptionSpec> options();
const gateway::Dialect& dialect(bool host = false);

/// Reports options that are not valid (E0611) and goes on with their defaults.
Settings read_settings(const flow::DevicePolicy& device, EmitContext& context);

}  // namespace hcipol::backends::iptables
