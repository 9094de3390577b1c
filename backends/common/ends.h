// Who talks to whom: what a firewall that remembers connections lets through beside new ones.
#pragma once

#include <optional>
#include <vector>

#include "backends/common/agreed.h"
#include "backends/common/claim.h"

namespace hcipol::backends {

class Ends {
 public:
  Ends(const Claim& claim, FamilySets& sets) : claim_(claim), sets_(sets) {}

  /// The servers, or the machine.
  net::PeerSet guarded() const;
  /// The servers and the ends of flows. A flow from or to everyone is about its other end, unless
  /// that is as wide, as names are.
  const net::PeerSet& all();
  /// What comes from or goes to one of them; on a machine only what the rules of the reading's
  /// direction meet of it.
  std::vector<net::Box> touching(const net::PeerSet& peers,
                                 const net::ServiceSet& service = net::ServiceSet::any()) const;
  /// Everything between two ends that may open a connection, set by set as the flows name them.
  std::vector<net::Box> both_ways();

  /// Of replies and of invalid packets: nothing is wrong, which can be seen rule by rule.
  bool plainly_right();

 private:
  /// `rules` plainly let everything through between two ends that may open a connection.
  bool all_ways_open(const std::vector<FlatRule>& rules);
  std::vector<net::Box> remaining(const std::vector<Grouped>& whole,
                                  const std::vector<Grouped>& lost);

  const Claim& claim_;
  FamilySets& sets_;
  std::optional<net::PeerSet> all_;
};

}  // namespace hcipol::backends
