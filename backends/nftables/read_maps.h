// The verdict maps of a table.
#pragma once

#include <vector>

#include "backends/nftables/read_operands.h"
#include "backends/nftables/read_rule.h"

namespace hcipol::backends::nftables {

/// An element of a map, as a rule would say it.
struct MapElement {
  ReadRule match;  ///< without its verdict
  ReadVerdict verdict;
  std::size_t line = 0;
};

/// What packets of the family find by `rule`, a look-up in line `line`. Semantics: nft(8) 1.0.6. No
/// two elements have a packet in common: nft refuses what overlaps, and where its own check is not
/// known to find that (keys of several parts with prefixes), so does this.
std::vector<MapElement> read_map(const Table& table, const RuleReading& rule, std::size_t line,
                                 net::Family family, Operands& operands);

}  // namespace hcipol::backends::nftables
