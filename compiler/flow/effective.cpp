// The three unions are built once; everything else is two set operations.
#include "flow/effective.h"

#include <deque>
#include <utility>

#include "net/islands.h"

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

Meeting may_meet(std::span<const Flow> flows) {
  Meeting out;
  for (std::size_t i = 0; i < flows.size(); ++i) out[stand_in_class(flows[i])].push_back(i);
  for (auto& [key, numbers] : out) {
    std::deque<net::PeerSet> unions;
    const auto end = [&](const std::vector<const NamedSet*>& sets) -> const net::PeerSet& {
      return sets.size() == 1 ? sets.front()->set : unions.emplace_back(peers(sets));
    };
    // Nothing of a flow with one set at each end has to be copied.
    std::vector<net::BoxView> boxes;
    boxes.reserve(numbers.size());
    for (const std::size_t i : numbers) {
      boxes.emplace_back(end(flows[i].from), end(flows[i].to), flows[i].service);
    }
    std::vector<std::size_t> meeting = net::not_alone(boxes);
    for (std::size_t& place : meeting) place = numbers[place];
    numbers = std::move(meeting);
  }
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
