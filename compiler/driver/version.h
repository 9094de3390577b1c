// The version of the compiler.
#pragma once

#include <string_view>

namespace hcipol::driver {

/// Set by CMake from the project's version.
inline constexpr std::string_view version = HCIPOL_VERSION;

}  // namespace hcipol::driver
