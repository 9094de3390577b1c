// Things are known by the command that removes them: two targets may make one thing.
#include "driver/device_changes.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace hcipol::driver {

namespace {

using backends::Budget;
using backends::Made;

const Budget* find(const std::vector<Budget>& budgets, const std::string& limit) {
  const auto found = std::find_if(budgets.begin(), budgets.end(),
                                  [&](const Budget& budget) { return budget.limit == limit; });
  return found == budgets.end() ? nullptr : &*found;
}

}  // namespace

std::vector<report::DeviceLimits> limits(const DeviceRecords& before, const DeviceRecords& now) {
  std::vector<report::DeviceLimits> out;
  for (const auto& [device, record] : now) {
    if (record.budgets.empty()) continue;
    const auto former = before.find(device);
    report::DeviceLimits& one = out.emplace_back();
    one.device = device;
    for (const Budget& budget : record.budgets) {
      const Budget* was =
          former == before.end() ? nullptr : find(former->second.budgets, budget.limit);
      one.uses.push_back({budget.limit, was == nullptr ? std::nullopt : std::optional(was->used),
                          budget.used, budget.allowed});
    }
  }
  return out;
}

std::string left_text(const DeviceRecords& before, const DeviceRecords& now) {
  std::set<std::string> made;
  for (const auto& [device, record] : now) {
    for (const Made& one : record.made) made.insert(one.remove);
    made.insert(record.needed.begin(), record.needed.end());
  }
  std::string out;
  for (const auto& [device, record] : before) {
    for (const Made& one : record.made) {
      if (!made.insert(one.remove).second) continue;
      out += fmt::format("{} no longer has the {}, which stays until it is removed:\n  {}\n",
                         device, one.what, one.remove);
    }
  }
  return out;
}

}  // namespace hcipol::driver
