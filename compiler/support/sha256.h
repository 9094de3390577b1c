// SHA-256, for names that follow content and for the manifest.
#pragma once

#include <string>
#include <string_view>

namespace hcipol {

/// 64 lower-case hexadecimal digits.
std::string sha256_hex(std::string_view text);

}  // namespace hcipol
