// What a module knows of regions: the maps that it looks a cluster's region up in.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sema/scope.h"
#include "sema/value.h"

namespace hcipol::report {

/// A region that a cluster may name in a cloud, and what the module has for it besides its name.
struct Region {
  std::string name;                           ///< "westeurope"
  std::map<std::string, std::string> values;  ///< "his" → "weu"

  friend bool operator==(const Region&, const Region&) = default;
};

class Regions {
 public:
  /// A cluster that is nothing but its cloud and, unless it is empty, its region. The evaluator
  /// remembers clusters by their place, so this is the same object for the same two names.
  const sema::ClusterScope& cluster(std::string_view cloud, std::string_view region);

  /// A region was looked up in `map` in a cluster of `cloud`.
  void looked_up(std::string_view cloud, const sema::Map& map);
  /// The regions that every map so far has; nothing if none was looked up. Sorted by name.
  std::optional<std::vector<Region>> known(std::string_view cloud) const;

 private:
  std::deque<sema::ClusterScope> clusters_;
  std::map<std::string, std::map<std::string, Region>, std::less<>> known_;
};

}  // namespace hcipol::report
