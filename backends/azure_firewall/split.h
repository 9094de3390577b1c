// What one object of Azure may not hold is divided among several: by hashes, so that one more rule
// or address changes the object that it belongs to and no other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace hcipol::backends::azure_firewall {

/// A thing to put into a part: what its text says about where, and how much room it takes.
struct Weighed {
  std::uint32_t hash = 0;
  std::size_t weight = 0;
};

std::uint32_t hash_of(std::string_view text);

/// The smallest power of two of parts of which none weighs more than `most`, but at most
/// `most_parts`, a power of two. A thing belongs to part `hash % parts`: with twice as many parts,
/// it stays or moves to one that is new.
std::size_t parts_for(std::span<const Weighed> things, std::size_t most, std::size_t most_parts);

}  // namespace hcipol::backends::azure_firewall
