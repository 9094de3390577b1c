// build/manifest.json: which files a build owns, and where each of their rules comes from.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "driver/device_changes.h"
#include "driver/pipeline.h"
#include "driver/tag_changes.h"

namespace hcipol::driver {

inline constexpr std::string_view manifest_name = "manifest.json";

/// The manifest of a build. `kept` is the former manifest's text: the targets named there that this
/// build did not touch (because of `--target`) stay in it; pass nothing when all were built.
std::string manifest(const Compilation& compilation, const Built& built,
                     const std::optional<Date>& as_of, const std::optional<std::string>& kept);

/// What a manifest says of the build that it was written for.
struct FormerBuild {
  std::set<std::string> files;  ///< below the output directory, none of them outside
  TagRecord tags;
  DeviceRecords devices;
};

/// Nothing if the text is no manifest (`error` says why).
std::optional<FormerBuild> read_manifest(const std::string& text, std::string& error);

}  // namespace hcipol::driver
