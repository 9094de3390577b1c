// build/manifest.json: which files a build owns, and where each of their rules comes from.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "driver/pipeline.h"

namespace hcipol::driver {

inline constexpr std::string_view manifest_name = "manifest.json";

/// The manifest of a build. `kept` is the former manifest's text: the targets named there that this
/// build did not touch (because of `--target`) stay in it; pass nothing when all were built.
std::string manifest(const Compilation& compilation, const Built& built,
                     const std::optional<Date>& as_of, const std::optional<std::string>& kept);

/// The files that a manifest owns, or nothing if the text is none (`error` says why). Paths that
/// lead out of the output directory are not taken.
std::optional<std::set<std::string>> owned_files(const std::string& text, std::string& error);

}  // namespace hcipol::driver
