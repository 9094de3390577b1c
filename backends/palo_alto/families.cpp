// A rule for a family that one end does not have would match nothing, and say the contrary.
#include "backends/palo_alto/families.h"

namespace hcipol::backends::palo_alto {

using sema::NamedSet;

Families families(const NamedSet& set) {
  if (set.has_names() || set.is_tag_only()) return {true, true};
  return {set.set.addresses.has(net::Family::ipv4), set.set.addresses.has(net::Family::ipv6)};
}

Families families(const std::vector<const NamedSet*>& sets) {
  Families out;
  for (const NamedSet* set : sets) {
    const Families one = families(*set);
    out = {out.v4 || one.v4, out.v6 || one.v6};
  }
  return out;
}

net::ServiceSet usable(const net::ServiceSet& service, Families both) {
  if (service.is_any()) return service;
  net::ServiceSet out = service;
  for (const std::uint8_t protocol : service.protocols()) {
    const bool foreign = (protocol == net::protocol::icmp && !both.v4) ||
                         (protocol == net::protocol::icmpv6 && !both.v6);
    if (foreign) out = out - net::ServiceSet::whole(protocol);
  }
  return out;
}

}  // namespace hcipol::backends::palo_alto
