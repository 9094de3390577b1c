// The flows of one cluster as sets of packets, and what checks ask of them.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "flow/effective.h"
#include "flow/flow.h"
#include "net/packet_set.h"
#include "policy/model.h"

namespace hcipol::verify {

/// Answers by packet sets of one universe; see net::PacketUniverse for what may throw.
class Situation {
 public:
  /// The cluster, the flows and the checks must outlive it.
  Situation(const policy::Cluster& cluster, std::span<const flow::Flow> flows,
            std::span<const policy::Check* const> checks);

  const policy::Cluster& cluster() const { return cluster_; }
  std::span<const flow::Flow> flows() const { return flows_; }

  net::PacketSet none() const { return universe_.none(); }
  /// The packets of boxes that are made from those of flows and checks, field by field.
  net::PacketSet of(std::span<const net::Box> boxes) { return universe_.of(boxes) & possible_; }
  /// What a check asks about: only packets that there can be.
  net::PacketSet asked(const policy::Check& check) { return of(flow::boxes(check.flow)); }
  /// What a flow covers, as the policy means it: a proxy's requests count as its servers' too.
  net::PacketSet share(const flow::Flow& flow) { return of(meant(flow)); }
  /// The boxes of share().
  std::vector<net::Box> meant(const flow::Flow& flow) const;

  /// (allows \ (denies ∪ `denied`)) ∪ exceptions ∪ `allowed`, and what servers reach through
  /// proxies.
  net::PacketSet open(std::span<const flow::Flow> flows, const net::PacketSet& denied,
                      const net::PacketSet& allowed);
  net::PacketSet open(std::span<const flow::Flow> flows) { return open(flows, none(), none()); }

 private:
  const policy::Cluster& cluster_;
  std::span<const flow::Flow> flows_;
  net::PacketUniverse universe_;
  net::PacketSet possible_;
};

/// The packets for which a check does not hold: those that must be allowed and are not, or that
/// must not be and are.
net::PacketSet wrong(const policy::Check& check, const net::PacketSet& asked,
                     const net::PacketSet& open);

/// Whether a cluster allows every packet of a flow: what `expect allow` and `allows(…)` ask.
bool allows(const policy::Cluster& cluster, std::span<const flow::Flow> flows,
            const sema::Flow& asked);

}  // namespace hcipol::verify
