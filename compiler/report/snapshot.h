// A compiled policy as JSON: what `show --json` writes and `plan --base policy.json` reads back.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "report/show.h"
#include "support/source.h"

namespace hcipol::report {

/// {"version": 2, "policy", "clusters": [{name, cloud, named, features, targets, flows}]}: enough
/// to know exactly what each cluster allows and each device sees, and what everything is called.
std::string show_json(const policy::Policy& policy, const std::vector<ClusterFlows>& clusters,
                      const SourceMap& sources);

/// A policy that was read back. It does not move: its parts point at each other.
struct Snapshot {
  policy::Policy policy;
  std::vector<std::vector<flow::Flow>> flows;  ///< in the order of policy.clusters
  /// Under each path a text of empty lines, long enough for the rules' places.
  SourceMap sources;
};

/// Fills an empty snapshot. False if the text is not what show_json writes, unknown keys included;
/// `error` says what and where ("`clusters[0].flows[2].service` is no list of services").
bool read_snapshot(std::string_view text, Snapshot& snapshot, std::string& error);

}  // namespace hcipol::report
