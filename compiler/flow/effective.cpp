// The three unions are built once; everything else is two set operations.
#include "flow/effective.h"

#include <algorithm>
#include <iterator>

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

bool meet(const net::Box& a, const net::Box& b) {
  return a.service.intersects(b.service) && a.from.intersects(b.from) && a.to.intersects(b.to);
}

std::vector<net::Box> boxes(std::span<const Flow> flows) {
  std::vector<net::Box> out;
  out.reserve(flows.size());
  for (const Flow& flow : flows) out.push_back(box(flow));
  return out;
}

}  // namespace hcipol::flow
