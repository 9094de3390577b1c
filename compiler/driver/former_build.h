// What the manifest of the last build says of it.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "driver/device_changes.h"
#include "driver/tag_changes.h"

namespace hcipol::driver {

/// How the lines of a manifest begin that are a rule of a file, or a remark. When it is read,
/// nobody asks for these.
inline constexpr std::string_view rule_begin = "            { \"id\": ";
inline constexpr std::string_view remark_begin = "        { \"code\": ";

/// Why a text is no manifest.
inline constexpr const char* not_json = "it is not JSON of version 1";

/// What a manifest says of the build that it was written for.
struct FormerBuild {
  std::set<std::string> files;  ///< below the output directory, none of them outside
  TagRecord tags;
  DeviceRecords devices;
};

/// Nothing if the text is no manifest (`error` says why). Rules and remarks are not looked at.
std::optional<FormerBuild> read_manifest(const std::string& text, std::string& error);

}  // namespace hcipol::driver
