// What each device of a build makes and how near its limits it comes, against the build before.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "backends/backend.h"
#include "report/limits.h"

namespace hcipol::driver {

/// What a manifest keeps of a device, and what of this build's it must not lose.
struct DeviceRecord {
  std::vector<backends::Budget> budgets;
  std::vector<backends::Made> made;
  std::vector<std::string> needed = {};  ///< as in Emission; in no manifest
};
/// By "prod/azure-firewall-hub-weu".
using DeviceRecords = std::map<std::string, DeviceRecord, std::less<>>;

/// Of each device of `now` that has limits, what it uses of them, and what it used before.
std::vector<report::DeviceLimits> limits(const DeviceRecords& before, const DeviceRecords& now);

/// For all that `before` made and `now` neither makes nor needs: what it is, and the command that
/// removes it.
std::string left_text(const DeviceRecords& before, const DeviceRecords& now);

}  // namespace hcipol::driver
