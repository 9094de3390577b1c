// What is allowed, as flows between named sets: no variables, conditions or features any more.
#pragma once

#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "net/packet_set.h"
#include "policy/model.h"

namespace hcipol::flow {

using policy::NamedSet;

/// The packets from a union of named sets to another, asking for a service, in one direction.
/// effective = (allows \ denies) ∪ exceptions; order never matters.
struct Flow {
  policy::Rule::Kind kind = policy::Rule::Kind::allow;
  std::vector<const NamedSet*> from;  ///< never empty
  std::vector<const NamedSet*> to;    ///< never empty
  net::ServiceSet service;            ///< never empty
  const policy::Rule* rule = nullptr;
  /// Unique and stable among the flows of a device: the rule's address, followed by " (a -> b)"
  /// when the rule gives the device more than one flow.
  std::string id;
};

/// Flows of one class can stand in for each other where they allow or deny the same packets. A flow
/// that is logged does more than one that is not, and another ticket's exception has another owner
/// and end.
using StandInClass = std::tuple<policy::Rule::Kind, bool, std::string_view>;
StandInClass stand_in_class(const Flow& flow);

/// How a device lets rules beat each other. `first_match`: it can put exceptions above denies above
/// allows. `block_wins`: it cannot; the denies arrive with the exceptions already taken out.
/// `allows_only`: only allows and exceptions arrive, the denies already taken out of the allows;
/// what nothing allows is denied by default.
enum class Order { first_match, block_wins, allows_only };

/// The union of the sets.
net::PeerSet peers(const std::vector<const NamedSet*>& sets);
/// "management, wac".
std::string names(const std::vector<const NamedSet*>& sets);
net::Box box(const Flow& flow);

/// One server's share, for backends that are host firewalls: `inbound` flows have exactly the
/// node's addresses (or some of them) in `to`, `outbound` ones in `from`.
struct HostFlows {
  const policy::Node* node = nullptr;
  std::vector<Flow> inbound;
  std::vector<Flow> outbound;
};

/// What a backend receives: the flows of one cluster that the device sees. Flows are sorted by kind
/// (exceptions, denies, allows) and then by id.
struct DevicePolicy {
  const policy::Policy* policy = nullptr;
  const policy::Cluster* cluster = nullptr;
  const policy::TargetView* view = nullptr;
  std::vector<Flow> flows;       ///< empty for host firewalls
  std::vector<HostFlows> hosts;  ///< empty for other devices; in order of node name
  /// Owner of the sets that only this device has (clipped by what it sees).
  std::deque<NamedSet> sets;
};

}  // namespace hcipol::flow
