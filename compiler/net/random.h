// Numbers that look random and are the same on every run, for looking for witnesses.
#pragma once

#include <cstdint>

namespace hcipol::net {

/// SplitMix64 (Steele, Lea and Flood 2014): a number below `limit`, which is not 0. `random` is any
/// number, and another one afterwards.
inline std::uint32_t draw(std::uint64_t& random, std::uint32_t limit) {
  std::uint64_t value = random += 0x9e37'79b9'7f4a'7c15;
  value = (value ^ value >> 30) * 0xbf58'476d'1ce4'e5b9;
  value = (value ^ value >> 27) * 0x94d0'49bb'1331'11eb;
  value ^= value >> 31;
  return static_cast<std::uint32_t>((value >> 32) * limit >> 32);
}

}  // namespace hcipol::net
