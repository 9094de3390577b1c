// From a diagram back to boxes that people and devices can read.
#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <map>
#include <utility>

#include "net/packet_universe.h"

namespace hcipol::net {
namespace {

/// A box in atoms, by axis.
using AtomBox = std::array<Runs, axis_count>;

/// Walks the diagram axis by axis and collects one box for every path, with all runs of an axis
/// that lead to the same rest in one box.
class BoxCollector {
 public:
  BoxCollector(const Diagram& diagram, std::size_t limit) : diagram_(diagram), limit_(limit) {}

  void collect(Diagram::Ref set, std::size_t axis = 0) {
    if (set == Diagram::none) return;
    if (axis == axis_count) {
      if (boxes_.size() < limit_) {
        boxes_.push_back(path_);
      } else {
        complete_ = false;
      }
      return;
    }
    for (auto& [rest, runs] : by_rest(set, axis)) {
      if (!complete_) return;
      path_[axis] = std::move(runs);
      collect(rest, axis + 1);
    }
  }

  std::vector<AtomBox>& boxes() { return boxes_; }
  bool complete() const { return complete_; }

 private:
  /// In the order of the first atom, so that the result depends on nothing but the set.
  std::vector<std::pair<Diagram::Ref, Runs>> by_rest(Diagram::Ref set, std::size_t axis) const {
    std::vector<std::pair<Diagram::Ref, Runs>> groups;
    std::map<Diagram::Ref, std::size_t> index;
    for (const Diagram::Slice& slice : diagram_.slices(set, axis)) {
      if (slice.rest == Diagram::none) continue;
      const auto [at, is_new] = index.try_emplace(slice.rest, groups.size());
      if (is_new) groups.push_back({slice.rest, {}});
      groups[at->second].second.push_back(slice.atoms);
    }
    return groups;
  }

  const Diagram& diagram_;
  std::size_t limit_;
  AtomBox path_;
  std::vector<AtomBox> boxes_;
  bool complete_ = true;
};

/// Of two disjoint sets.
Runs joined(const Runs& a, const Runs& b) {
  Runs both;
  both.reserve(a.size() + b.size());
  std::merge(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  Runs out;
  for (const Run& run : both) append(out, run);
  return out;
}

/// Joins boxes that are equal in all fields but `axis`; true if there were any.
bool merge_along(std::vector<AtomBox>& boxes, std::size_t axis) {
  const std::size_t x = (axis + 1) % axis_count;
  const std::size_t y = (axis + 2) % axis_count;
  std::sort(boxes.begin(), boxes.end(), [&](const AtomBox& a, const AtomBox& b) {
    return std::tie(a[x], a[y], a[axis]) < std::tie(b[x], b[y], b[axis]);
  });
  std::size_t kept = 0;
  for (std::size_t i = 1; i < boxes.size(); ++i) {
    if (boxes[kept][x] == boxes[i][x] && boxes[kept][y] == boxes[i][y]) {
      boxes[kept][axis] = joined(boxes[kept][axis], boxes[i][axis]);
    } else if (++kept != i) {
      boxes[kept] = std::move(boxes[i]);
    }
  }
  if (boxes.empty() || kept + 1 == boxes.size()) return false;
  boxes.resize(kept + 1);
  return true;
}

void merge(std::vector<AtomBox>& boxes) {
  std::size_t quiet = 0;
  for (std::size_t axis = 0; quiet < axis_count; axis = (axis + 1) % axis_count) {
    quiet = merge_along(boxes, axis) ? 1 : quiet + 1;
  }
}

/// The values of one axis' runs; many boxes share them.
template <class Axis, class Set>
class Translator {
 public:
  explicit Translator(const Axis& axis) : axis_(axis) {}

  const Set& operator()(const Runs& atoms) {
    const auto at = known_.find(atoms);
    if (at != known_.end()) return at->second;
    return known_.emplace(atoms, axis_.set_of(atoms)).first->second;
  }

 private:
  const Axis& axis_;
  std::map<Runs, Set> known_;
};

/// Merging can shrink the list much, so more is collected than asked for.
std::size_t collection_limit(std::size_t limit) {
  constexpr std::size_t ahead = 64;
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
  return limit > most / ahead ? most : limit * ahead;
}

}  // namespace

std::vector<Box> PacketSet::boxes(std::size_t limit, bool* complete) const {
  BoxCollector collector(universe_->diagram, collection_limit(limit));
  collector.collect(root_);
  std::vector<AtomBox>& found = collector.boxes();
  merge(found);

  Translator<PeerAxis, PeerSet> from(universe_->from);
  Translator<PeerAxis, PeerSet> to(universe_->to);
  Translator<ServiceAxis, ServiceSet> service(universe_->service);
  std::vector<Box> out;
  out.reserve(found.size());
  for (const AtomBox& box : found) {
    out.push_back({from(box[from_axis]), to(box[to_axis]), service(box[service_axis])});
  }
  std::sort(out.begin(), out.end());

  if (complete) *complete = collector.complete() && out.size() <= limit;
  if (out.size() > limit) out.resize(limit);
  return out;
}

}  // namespace hcipol::net
