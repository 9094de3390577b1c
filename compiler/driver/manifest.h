// build/manifest.json: which files a build owns, and where each of their rules comes from.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "driver/pipeline.h"

namespace hcipol::driver {

inline constexpr std::string_view manifest_name = "manifest.json";

/// The manifest of a build. `kept` is the text of the former manifest, which must be whole: the
/// targets named there that this build did not touch (because of `--target`) stay in it; pass
/// nothing when all were built.
std::string manifest(const Compilation& compilation, const Built& built,
                     const std::optional<Date>& as_of, const std::optional<std::string>& kept);

}  // namespace hcipol::driver
