// Intersects the maps of regions of each cloud.
#include "report/regions.h"

#include <algorithm>

namespace hcipol::report {

namespace {

std::map<std::string, std::string> values_of(const std::string& region, const sema::Value& value) {
  std::map<std::string, std::string> out;
  const auto* fields = value.as<sema::Map>();
  if (fields == nullptr) return out;
  for (const auto& [field, text] : *fields) {
    const auto* known = text.as<std::string>();
    if (known != nullptr && *known != region) out[field] = *known;
  }
  return out;
}

}  // namespace

const sema::ClusterScope& Regions::cluster(std::string_view cloud, std::string_view region) {
  const auto found =
      std::find_if(clusters_.begin(), clusters_.end(), [&](const sema::ClusterScope& known) {
        return known.cloud == cloud && known.region == region;
      });
  if (found != clusters_.end()) return *found;
  sema::ClusterScope& made = clusters_.emplace_back();
  made.cloud = cloud;
  made.region = region;
  return made;
}

void Regions::looked_up(std::string_view cloud, const sema::Map& map) {
  const auto found = known_.find(cloud);
  const bool first = found == known_.end();
  std::map<std::string, Region> both;
  for (const auto& [name, value] : map) {
    Region region{name, values_of(name, value)};
    if (!first) {
      const auto before = found->second.find(name);
      if (before == found->second.end()) continue;
      region.values.insert(before->second.values.begin(), before->second.values.end());
    }
    both.emplace(name, std::move(region));
  }
  known_.insert_or_assign(std::string(cloud), std::move(both));
}

std::optional<std::vector<Region>> Regions::known(std::string_view cloud) const {
  const auto found = known_.find(cloud);
  if (found == known_.end()) return std::nullopt;
  std::vector<Region> out;
  for (const auto& [name, region] : found->second) out.push_back(region);
  return out;
}

}  // namespace hcipol::report
