// The first owner of a name keeps it; whoever comes later is told.
#include "driver/name_clashes.h"

#include <fmt/format.h>

#include <algorithm>

#include "support/text.h"

namespace hcipol::driver {

std::size_t NameClashes::owner(const backends::OwnName& name, const flow::DevicePolicy& device) {
  const auto [found, added] = by_name_.emplace(name.owner, owners_.size());
  if (added) {
    owners_.push_back(
        {name.owner, device.cluster->name, device.cluster->span, device.view->target->span});
  }
  return found->second;
}

void NameClashes::add(const backends::Backend& backend, const flow::DevicePolicy& device,
                      const backends::Emission& emission) {
  for (const backends::OwnName& name : emission.own_names) {
    const std::size_t who = owner(name, device);
    const auto [known, added] =
        known_.try_emplace({backend.name, name.space, name.name}, Known{who, name.what});
    if (added || known->second.owner == who) continue;
    clashes_[{known->second.owner, who, backend.title}].push_back(
        {name.name, known->second.what, name.what});
  }
}

void NameClashes::report(Reporter& reporter) const {
  for (const auto& [key, found] : clashes_) {
    const auto& [first, second, title] = key;
    const Owner& one = owners_[first];
    const Owner& other = owners_[second];
    const bool clusters = one.cluster != other.cluster;
    const Clash& clash = found.front();
    DiagnosticBuilder builder =
        reporter.report<Diag::name_clash>(clusters ? other.cluster_span : other.target_span,
                                          clash.one, clash.other, clash.name, title);
    std::vector<std::string> more;
    for (const Clash& each : found) {
      if (each.name != clash.name) more.push_back("`" + each.name + "`");
    }
    if (!more.empty()) builder.note("the same is true of " + some_of(more, 3));
    if (clusters) {
      builder.label(one.cluster_span, "the other cluster")
          .help("give one of the two, or one of the clusters, another name");
    } else {
      builder.label(one.target_span, "the other target");
    }
  }
}

}  // namespace hcipol::driver
