// SHA-256, for names that follow content, the manifest and pages.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace hcipol {

/// The first of its 64 hexadecimal digits, in lower case.
std::string sha256_hex(std::string_view text, std::size_t digits = 64);
/// 44 characters, as a Content-Security-Policy names a script.
std::string sha256_base64(std::string_view text);

}  // namespace hcipol
