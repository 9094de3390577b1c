// The three unions are built once; everything else is two set operations.
#include "flow/effective.h"

#include <utility>

namespace hcipol::flow {

net::PacketSet effective(net::PacketUniverse& universe, BoxesByKind boxes) {
  using Kind = policy::Rule::Kind;
  return (universe.of(boxes[Kind::allow]) - universe.of(boxes[Kind::deny])) |
         universe.of(boxes[Kind::exception]);
}

net::PacketSet effective(net::PacketUniverse& universe, std::span<const Flow> flows) {
  BoxesByKind boxes;
  for (const Flow& flow : flows) boxes[flow.kind].push_back(box(flow));
  return effective(universe, std::move(boxes));
}

std::vector<net::Box> boxes(std::span<const Flow> flows) {
  std::vector<net::Box> out;
  out.reserve(flows.size());
  for (const Flow& flow : flows) out.push_back(box(flow));
  return out;
}

std::vector<net::Box> boxes(const sema::Flow& flow) {
  net::Box there{peers(flow.from.parts), peers(flow.to.parts), flow.service};
  if (!flow.both_ways) return {std::move(there)};
  net::Box back{there.to, there.from, there.service};
  return {std::move(there), std::move(back)};
}

std::vector<net::Box> seen_by(const policy::TargetView& view) {
  if (view.sees) return boxes(*view.sees);
  return {{net::PeerSet::all(), net::PeerSet::all(), net::ServiceSet::any()}};
}

}  // namespace hcipol::flow
