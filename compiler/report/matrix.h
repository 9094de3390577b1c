// `hcipolc show --matrix`: who reaches whom, as text.
#pragma once

#include <string>
#include <vector>

#include "flow/matrix.h"
#include "report/show.h"

namespace hcipol::report {

/// A cluster with its matrix.
struct ClusterMatrix {
  const ClusterFlows* entry = nullptr;
  flow::Matrix matrix;
};

/// The services of a cell, one each; those that hold only between some of the members end in
/// `partly`.
std::vector<std::string> lines_of(const flow::Cell& cell, std::string_view partly);

/// Sources at the left, destinations at the top.
std::string matrix_text(const std::vector<ClusterMatrix>& clusters);

}  // namespace hcipol::report
