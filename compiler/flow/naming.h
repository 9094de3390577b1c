// Sets of packets under the names that the policy has for them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "flow/flow.h"
#include "net/packet_set.h"

namespace hcipol::flow {

/// What the sets of one cluster are called. Answers depend on the sets alone, never on the order of
/// rules. The cluster and the flows must outlive it.
class Naming {
 public:
  Naming(const policy::Cluster& cluster, std::span<const Flow> flows);

  /// Names whose union is exactly the set, the widest first: a name of the policy for all of it;
  /// else "any except servers"; else the widest names inside it and prefixes, ranges and patterns
  /// for what is left. Never empty for a set with members.
  std::vector<std::string> names(const net::PeerSet& set) const;
  /// The names on one line; past `limit` of them "… and 12 more".
  std::string text(const net::PeerSet& set, std::size_t limit = 6) const;

 private:
  const NamedSet* exact(const net::PeerSet& set) const;
  std::vector<std::string> pieces(net::PeerSet set) const;

  /// Without two of the same members; the widest first, those of a better kind before others.
  std::vector<const NamedSet*> sets_;
};

/// "10.0.0.5 -> host.b.example on tcp/443": one packet, for people.
std::string to_string(const net::Packet& packet);
/// "10.0.0.5", "host.b.example".
std::string to_string(const net::Endpoint& endpoint);

}  // namespace hcipol::flow
