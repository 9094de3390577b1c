// The three unions are built once; everything else is two set operations.
#include "flow/effective.h"

namespace hcipol::flow {

net::PacketSet effective(net::PacketUniverse& universe, std::span<const Flow> flows) {
  std::vector<net::Box> allowed, denied, excepted;
  for (const Flow& flow : flows) {
    switch (flow.kind) {
      case policy::Rule::Kind::allow: allowed.push_back(box(flow)); break;
      case policy::Rule::Kind::deny: denied.push_back(box(flow)); break;
      case policy::Rule::Kind::exception: excepted.push_back(box(flow)); break;
    }
  }
  return (universe.of(allowed) - universe.of(denied)) | universe.of(excepted);
}

std::vector<net::Box> boxes(std::span<const Flow> flows) {
  std::vector<net::Box> out;
  out.reserve(flows.size());
  for (const Flow& flow : flows) out.push_back(box(flow));
  return out;
}

bool allows(std::span<const Flow> flows, const net::Box& query) {
  std::vector<net::Box> all = boxes(flows);
  all.push_back(query);
  net::PacketUniverse universe(all);
  return effective(universe, flows).contains(universe.of(query));
}

}  // namespace hcipol::flow
