// Powers of two: to double the parts divides each of them and mixes none.
#include "backends/azure_firewall/split.h"

#include <algorithm>
#include <string>

#include "backends/common/names.h"

namespace hcipol::backends::azure_firewall {

std::uint32_t hash_of(std::string_view text) {
  return static_cast<std::uint32_t>(std::stoul(content_hash(text, 7), nullptr, 16));
}

std::size_t parts_for(std::span<const Weighed> things, std::size_t most, std::size_t most_parts) {
  for (std::size_t parts = 1; parts < most_parts; parts *= 2) {
    std::vector<std::size_t> sums(parts);
    for (const Weighed& thing : things) sums[thing.hash % parts] += thing.weight;
    if (*std::max_element(sums.begin(), sums.end()) <= most) return parts;
  }
  return most_parts;
}

}  // namespace hcipol::backends::azure_firewall
