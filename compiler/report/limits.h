// How near devices come to their limits: for `build`, against the build before, and for `plan`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hcipol::report {

/// How much of one limit a device's files use.
struct LimitUse {
  std::string limit;                    ///< what is counted: "rule collection groups"
  std::optional<std::uint64_t> before;  ///< nothing if there was no such device, or none knows
  std::uint64_t after = 0;
  std::uint64_t allowed = 0;

  /// Whether it is other than before; what is new and nothing is not.
  bool changed() const { return before.value_or(0) != after; }
};

struct DeviceLimits {
  std::string device;  ///< "prod/azure-firewall-hub-weu"
  std::vector<LimitUse> uses;
  bool before_known = true;  ///< false: `before` is nothing everywhere

  bool changed() const;
};

/// Which rows of a device that changed: all of which something is used, or those that changed.
enum class LimitRows { used, changed };

/// Devices that changed, at most five, those that are nearest to a limit; how many there are.
std::vector<const DeviceLimits*> nearest(const std::vector<DeviceLimits>& devices,
                                         std::size_t& all);

/// A table for each of these. `others` says where the rest is to be found.
std::string limits_text(const std::vector<DeviceLimits>& devices, LimitRows rows,
                        std::string_view others);
/// The same for a comment on a pull request: one table of the rows that changed, or "".
std::string limits_markdown(const std::vector<DeviceLimits>& devices);

}  // namespace hcipol::report
