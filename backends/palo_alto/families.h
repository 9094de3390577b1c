// Which address families packets between sets can be of.
#pragma once

#include <vector>

#include "net/packet_set.h"
#include "sema/named_set.h"

namespace hcipol::backends::palo_alto {

struct Families {
  bool v4 = false;
  bool v6 = false;
  bool any() const { return v4 || v6; }
  friend Families operator&(Families a, Families b) { return {a.v4 && b.v4, a.v6 && b.v6}; }
};

/// Names and service tags may be of both.
Families families(const sema::NamedSet& set);
Families families(const std::vector<const sema::NamedSet*>& sets);

/// The service without the ICMP of a family that no packet can be of. Any service stays any.
net::ServiceSet usable(const net::ServiceSet& service, Families both);

}  // namespace hcipol::backends::palo_alto
