// Many devices often change alike; of those, the ones near a limit are worth a reader's time.
#include "report/limits.h"

#include <fmt/format.h>

#include <algorithm>

#include "support/text.h"

namespace hcipol::report {

namespace {

constexpr std::size_t most_devices = 5;

double fullest(const DeviceLimits& device) {
  double out = 0;
  for (const LimitUse& use : device.uses) {
    out = std::max(out, static_cast<double>(use.after) / static_cast<double>(use.allowed));
  }
  return out;
}

std::string rows_of(const DeviceLimits& device, LimitRows rows) {
  std::size_t width = 0;
  for (const LimitUse& use : device.uses) width = std::max(width, std::to_string(use.after).size());
  std::string out;
  for (const LimitUse& use : device.uses) {
    const bool used = use.after > 0 || use.before.value_or(0) > 0;
    if (rows == LimitRows::changed ? !use.changed() : !used) continue;
    out += fmt::format("  {:>{}} of {} {}", use.after, width, use.allowed, use.limit);
    if (use.before && use.changed()) out += fmt::format(", before {}", *use.before);
    out += "\n";
  }
  return out;
}

std::string title_of(const DeviceLimits& device) {
  return device.device + (device.before_known ? "" : " (before is not known)");
}

}  // namespace

bool DeviceLimits::changed() const {
  return std::any_of(uses.begin(), uses.end(), [](const LimitUse& use) { return use.changed(); });
}

std::vector<const DeviceLimits*> nearest(const std::vector<DeviceLimits>& devices,
                                         std::size_t& all) {
  std::vector<const DeviceLimits*> out;
  for (const DeviceLimits& device : devices) {
    if (device.changed()) out.push_back(&device);
  }
  all = out.size();
  if (all <= most_devices) return out;
  std::stable_sort(out.begin(), out.end(), [](const DeviceLimits* a, const DeviceLimits* b) {
    return fullest(*a) > fullest(*b);
  });
  out.resize(most_devices);
  return out;
}

std::string limits_text(const std::vector<DeviceLimits>& devices, LimitRows rows,
                        std::string_view others) {
  std::size_t all = 0;
  std::string out;
  for (const DeviceLimits* device : nearest(devices, all)) {
    out += fmt::format("limits of {}\n{}", title_of(*device), rows_of(*device, rows));
  }
  if (all > most_devices) {
    out += fmt::format("limits of {} are less used: {}\n",
                       counted(all - most_devices, "more device"), others);
  }
  return out;
}

std::string limits_markdown(const std::vector<DeviceLimits>& devices) {
  std::size_t all = 0;
  std::string out;
  for (const DeviceLimits* device : nearest(devices, all)) {
    for (const LimitUse& use : device->uses) {
      if (!use.changed()) continue;
      out += fmt::format("| `{}` | {} | {} | {} | {} |\n", title_of(*device), use.limit,
                         use.before ? std::to_string(*use.before) : "", use.after, use.allowed);
    }
  }
  if (out.empty()) return out;
  if (all > most_devices) {
    out += fmt::format("| {} | `hcipolc plan --json` has them all | | | |\n",
                       counted(all - most_devices, "more device"));
  }
  return "| Device | Limit | Before | After | At most |\n|---|---|---|---|---|\n" + out;
}

}  // namespace hcipol::report
