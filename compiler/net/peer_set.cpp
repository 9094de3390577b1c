// One pass over all that the sets hold: uniting them one by one copies what is there each time.
#include "net/peer_set.h"

#include <utility>

namespace hcipol::net {

PeerSet union_of(const std::vector<const PeerSet*>& sets) {
  if (sets.size() == 1) return *sets.front();
  std::vector<AddressRange> ranges;
  std::vector<DomainPattern> patterns;
  DomainSet others;
  std::size_t names = 0;
  for (const PeerSet* set : sets) names += set->names.entries().size();
  patterns.reserve(names);
  for (const PeerSet* set : sets) {
    const auto more = set->addresses.ranges();
    ranges.insert(ranges.end(), more.begin(), more.end());
    if (!set->names.is_union()) {
      others = others | set->names;
      continue;
    }
    for (const auto& entry : set->names.entries()) patterns.push_back(entry.pattern);
  }
  return {AddressSet::of(std::move(ranges)), DomainSet::of(std::move(patterns)) | others};
}

}  // namespace hcipol::net
