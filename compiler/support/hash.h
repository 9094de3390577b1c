// Hashes for tables in memory, of values of several parts. Nothing that is written may depend on
// them.
#pragma once

#include <cstdint>

namespace hcipol {

/// Adds a part to the hash of those before it.
constexpr void mix(std::uint64_t& hash, std::uint64_t value) {
  hash = (hash ^ value) * 0x9e37'79b9'7f4a'7c15;
  hash ^= hash >> 32;
}

}  // namespace hcipol
