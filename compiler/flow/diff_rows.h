// Private to flow/diff: a set of packets, cut along the rules that allow it, as rows for people.
#pragma once

#include <vector>

#include "flow/diff.h"

namespace hcipol::flow {

/// The packets of a flow as a network sees them: a service tag stands for its prefixes too.
net::Box wire_box(const Flow& flow);

/// The flows of one side that a difference is made of, and their wire boxes in the same order.
struct DiffSide {
  const policy::Cluster* cluster = nullptr;
  std::vector<const Flow*> flows;
  std::vector<net::Box> boxes;
};

/// Appends the rows of `delta`, which `here` allows and `there` does not.
void add_rows(net::PacketUniverse& universe, Effect effect, const net::PacketSet& delta,
              const DiffSide& here, const DiffSide& there, std::vector<Row>& rows);

}  // namespace hcipol::flow
