// Services as positions: runs of the service axis by their starts.
#include <algorithm>
#include <array>
#include <utility>

#include "net/packet_axis.h"
#include "support/bug.h"

namespace hcipol::net {
ServiceAxis::ServiceAxis(std::span<const ServiceSet* const> sets) : atoms_(0, {}) {
  const std::array<ServiceSet, 4> always = {
      ServiceSet::whole(protocol::icmp), ServiceSet::whole(protocol::tcp),
      ServiceSet::whole(protocol::udp), ServiceSet::whole(protocol::icmpv6)};
  std::vector<const ServiceSet*> all(sets.begin(), sets.end());
  for (const ServiceSet& set : always) all.push_back(&set);

  starts_ = {0};
  for (const ServiceSet* set : all) {
    for (const ServiceRange& range : set->ranges()) {
      starts_.push_back(range.first);
      if (range.last < last_service_point) starts_.push_back(range.last + 1);
    }
  }
  std::sort(starts_.begin(), starts_.end());
  starts_.erase(std::unique(starts_.begin(), starts_.end()), starts_.end());

  std::vector<Runs> runs;
  runs.reserve(all.size());
  for (const ServiceSet* set : all) runs.push_back(positions_of(*set));
  atoms_ = Atoms(static_cast<std::uint32_t>(starts_.size()), runs);
}

Runs ServiceAxis::positions_of(const ServiceSet& set) const {
  Runs runs;
  for (const ServiceRange& range : set.ranges()) {
    const std::uint32_t first = position_of(range.first);
    const std::uint32_t last = position_of(range.last);
    const bool ends = range.last == last_service_point ||
                      (last + 1 < starts_.size() && starts_[last + 1] == range.last + 1);
    if (starts_[first] != range.first || !ends) bug("a service that its universe does not know");
    append(runs, {first, last});
  }
  return runs;
}

std::uint32_t ServiceAxis::position_of(std::uint32_t point) const {
  const auto after = std::upper_bound(starts_.begin(), starts_.end(), point);
  return static_cast<std::uint32_t>(after - starts_.begin() - 1);
}

Runs ServiceAxis::atoms_of(const ServiceSet& set) const {
  return atoms_.of_positions(positions_of(set));
}

ServiceSet ServiceAxis::set_of(const Runs& atoms) const {
  std::vector<ServiceRange> ranges;
  for (const Run& run : atoms_.positions(atoms)) {
    const bool to_end = run.last + 1 == starts_.size();
    ranges.push_back({starts_[run.first], to_end ? last_service_point : starts_[run.last + 1] - 1});
  }
  return ServiceSet::of(std::move(ranges));
}

std::uint32_t ServiceAxis::atom_of(std::uint32_t point) const {
  if (point > last_service_point) bug("a point past the service axis");
  return atoms_.of_position(position_of(point));
}

std::uint32_t ServiceAxis::example(std::uint32_t atom) const {
  return starts_[atoms_.first_position(atom)];
}

}  // namespace hcipol::net
