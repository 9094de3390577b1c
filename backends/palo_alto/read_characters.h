// Sets of characters, for texts that may have only some of them.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace hcipol::backends::palo_alto {

/// A table, since megabytes are asked.
class Characters {
 public:
  constexpr explicit Characters(std::string_view all) { add(all); }

  /// Letters and digits of ASCII, and others.
  static constexpr Characters word(std::string_view others) {
    Characters out(others);
    out.add("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
    return out;
  }

  constexpr bool has(char c) const { return known_[static_cast<unsigned char>(c)]; }
  bool has_all(std::string_view text) const {
    return std::all_of(text.begin(), text.end(), [&](char c) { return has(c); });
  }
  bool has_any(std::string_view text) const { return first_in(text) != text.size(); }
  /// Where the first of them stands, or the text's size.
  std::size_t first_in(std::string_view text) const {
    const auto found = std::find_if(text.begin(), text.end(), [&](char c) { return has(c); });
    return static_cast<std::size_t>(found - text.begin());
  }

 private:
  constexpr void add(std::string_view all) {
    for (const char c : all) known_[static_cast<unsigned char>(c)] = true;
  }

  std::array<bool, 256> known_{};
};

}  // namespace hcipol::backends::palo_alto
