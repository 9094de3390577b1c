// Who may reach whom: the effective policy of a cluster as a table of services.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "flow/flow.h"
#include "net/packet_set.h"

namespace hcipol::flow {

/// A row and column: a role, `servers`, a site or node where it differs from the others, a proxy,
/// endpoints that nothing tells apart, "internet" and "other" without all of these.
struct Axis {
  std::string label;
  std::vector<std::string> members;  ///< names, if there are several
  net::PeerSet set;
};

/// Services that the effective policy allows from one axis to another.
struct Cell {
  net::ServiceSet whole;  ///< from every member to every member
  net::ServiceSet part;   ///< from some, to some

  bool empty() const { return whole.empty() && part.empty(); }
  friend auto operator<=>(const Cell&, const Cell&) = default;
};

/// Axes may overlap (a role inside another).
struct Matrix {
  std::vector<Axis> axes;
  std::vector<std::vector<Cell>> cells;  ///< [from][to]
  /// Axes from which and to which anything is allowed; "internet" is always a row.
  std::vector<std::size_t> rows, columns;
};

/// Throws net::NodeLimitExceeded when the flows differ in too many ways.
Matrix matrix(const policy::Cluster& cluster, std::span<const Flow> flows);

}  // namespace hcipol::flow
