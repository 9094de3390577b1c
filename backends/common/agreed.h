// What a device and the policy plainly agree on, found without a set of packets: most rules of most
// devices.
#pragma once

#include <optional>
#include <vector>

#include "backends/common/family_sets.h"
#include "backends/common/meaning.h"
#include "backends/common/outcome.h"

namespace hcipol::backends {

/// Lists of rules as one list without jumps.
struct FlatRule {
  Grouped box;                               ///< of the family; never empty
  ReadRule::Act act = ReadRule::Act::allow;  ///< allow, deny or leave
  bool asked = true;  ///< of an allow: no rule of another act before it has any of its packets
};

/// Of the packets in `within`. Nothing if jumps make it long, or if a list that is jumped to ends
/// without a verdict.
std::optional<std::vector<FlatRule>> flattened(const std::vector<std::vector<Step>>& lists,
                                               FamilySets& sets, const Grouped& within = {});

/// What is left to compare. What is left out is allowed by both, whatever is left: if nothing is
/// wrong with the rest, nothing is wrong.
struct Disputed {
  std::vector<std::vector<Step>> lists;
  Meaning meaning;
};

/// Of connections. Nothing where flattened() gives nothing.
std::optional<Disputed> disputed(const std::vector<std::vector<Step>>& lists,
                                 const Meaning& meaning, flow::Order order, FamilySets& sets);

/// The meaning's share of what asks for these services.
Meaning about(const net::ServiceSet& services, const Meaning& meaning);

/// What the lists say of these services, as one list. Nothing where flattened() gives nothing.
/// Without it, a list of ten thousand jumps for other services is ten thousand sets that grow.
std::optional<std::vector<std::vector<Step>>> about(const net::ServiceSet& services,
                                                    const std::vector<std::vector<Step>>& lists,
                                                    FamilySets& sets);

}  // namespace hcipol::backends
