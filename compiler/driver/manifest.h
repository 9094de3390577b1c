// build/manifest.json: which files a build owns, and where each of their rules comes from.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "driver/device_changes.h"
#include "driver/pipeline.h"

namespace hcipol::driver {

inline constexpr std::string_view manifest_name = "manifest.json";

/// A cluster and the folder of a target.
using TargetKey = std::pair<std::string, std::string>;
/// Targets of a former manifest, each as the text that it had there.
using KeptTargets = std::map<TargetKey, std::string>;

/// All that a manifest has, with the devices that read_manifest() found in it. Nothing if a rule or
/// a remark of it is damaged.
std::optional<KeptTargets> kept_targets(const std::string& manifest, const DeviceRecords& devices);

/// The manifest of a build. Of `kept`, those targets stay in it that this build did not touch
/// (because of `--target`).
std::string manifest(const Compilation& compilation, const Built& built,
                     const std::optional<Date>& as_of, KeptTargets kept);

}  // namespace hcipol::driver
