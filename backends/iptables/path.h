// The ways that packets take through the filter table, and what our chains on them are called.
#pragma once

#include <string>
#include <string_view>

#include "backends/common/gateway/machine.h"

namespace hcipol::backends::iptables {

/// Chains of two paths stand in one table, so each path has its own names for them: 28 bytes are
/// enough for the longest base, a prefix and the longest label.
struct Path {
  using Way = gateway::Way;

  Way way = Way::forward;
  std::string_view built_in;
  std::string_view top;     ///< behind the base, for the chain that the built-in one jumps to
  std::string_view prefix;  ///< before the label of every other chain

  std::string top_of(std::string_view base) const { return std::string(base).append(top); }
  std::string chain(std::string_view base, std::string_view label) const {
    return std::string(base).append(".").append(prefix).append(label);
  }
};

inline constexpr Path forward_path{Path::Way::forward, "FORWARD", "", ""};
inline constexpr Path in_path{Path::Way::in, "INPUT", ".in", "i."};
inline constexpr Path out_path{Path::Way::out, "OUTPUT", ".out", "o."};

}  // namespace hcipol::backends::iptables
