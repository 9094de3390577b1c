// SHA-256, for names that follow content, the manifest and pages.
#pragma once

#include <string>
#include <string_view>

namespace hcipol {

/// 64 lower-case hexadecimal digits.
std::string sha256_hex(std::string_view text);
/// 44 characters, as a Content-Security-Policy names a script.
std::string sha256_base64(std::string_view text);

}  // namespace hcipol
