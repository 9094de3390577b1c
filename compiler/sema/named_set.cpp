// All sets are united in one pass.
#include "sema/named_set.h"

namespace hcipol::sema {

net::PeerSet union_of(const std::vector<const NamedSet*>& sets) {
  if (sets.size() == 1) return sets.front()->set;
  std::vector<const net::PeerSet*> all;
  all.reserve(sets.size());
  for (const NamedSet* set : sets) all.push_back(&set->set);
  return net::union_of(all);
}

}  // namespace hcipol::sema
