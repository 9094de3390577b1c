// `hcipolc show --html`: all of a policy on one page that needs nothing else.
#pragma once

#include <string>
#include <vector>

#include "report/matrix.h"
#include "support/source.h"

namespace hcipol::report {

/// Matrix, features and rules of each cluster. Well-formed as XML too, without a script or anything
/// from elsewhere. `title` is the policy's name.
std::string page(const std::string& title, const std::vector<ClusterMatrix>& clusters,
                 const SourceMap& sources);

}  // namespace hcipol::report
