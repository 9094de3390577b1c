// Text in artefacts: people's, on one line of limited length, and the pieces of what is printed.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace hcipol::backends {

/// `text` on one line of at most `bytes` bytes. Control characters, malformed bytes and marks that
/// turn the direction of text or cannot be seen become blanks.
std::string readable(std::string_view text, std::size_t bytes);

inline std::string_view text_of(std::string_view text) {
  return text;
}
inline std::string_view text_of(const fmt::format_int& number) {
  return {number.data(), number.size()};
}

/// Appends texts and decimal().
template <class... Parts>
void put(std::string& out, const Parts&... parts) {
  (out.append(text_of(parts)), ...);
}

inline fmt::format_int decimal(unsigned number) {
  return fmt::format_int(number);
}

}  // namespace hcipol::backends
