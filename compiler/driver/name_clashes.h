// Names that two clusters or targets of one build would give to different things on one device.
#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "backends/backend.h"
#include "diagnostics/reporter.h"
#include "flow/flow.h"

namespace hcipol::driver {

/// Sees every emission of a build, in order, and keeps its own names only.
class NameClashes {
 public:
  void add(const backends::Backend& backend, const flow::DevicePolicy& device,
           const backends::Emission& emission);
  /// One E0614 for each two owners whose names clash, at the later one's cluster, or at its target
  /// where both are of one cluster.
  void report(Reporter& reporter) const;

 private:
  struct Owner {
    std::string name;
    std::string cluster;
    Span cluster_span;
    Span target_span;
  };
  struct Known {
    std::size_t owner = 0;
    std::string what;
  };
  struct Clash {
    std::string name;
    std::string one;
    std::string other;
  };
  /// By both owners and the backend's title, in the order in which they were found.
  using Clashes =
      std::map<std::tuple<std::size_t, std::size_t, std::string_view>, std::vector<Clash>>;

  std::size_t owner(const backends::OwnName& name, const flow::DevicePolicy& device);

  std::vector<Owner> owners_;
  std::map<std::string, std::size_t> by_name_;
  /// By backend, space and name.
  std::map<std::tuple<std::string_view, std::string, std::string>, Known> known_;
  Clashes clashes_;
};

}  // namespace hcipol::driver
