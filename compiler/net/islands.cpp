// On each axis what overlaps is one group; groups are cut along one axis after the other. Most
// rules of a large policy meet no other rule, and end alone here instead of in a universe.
#include "net/islands.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "net/packet_axis.h"
#include "net/packet_universe.h"

namespace hcipol::net {
namespace {

using Number = std::uint32_t;

/// Of longer lists, such as the prefixes of a service tag, only their two ends are looked at.
constexpr std::size_t most_runs = 16;
/// A cut along one axis can make another cut possible along an axis that had its turn.
constexpr int rounds = 2;

/// What a box takes of an axis.
struct Stretch {
  Number island;
  Run run;
  Number box;
};

/// By set its runs on the axis; a set that several boxes share is worked out once.
class PeerRuns {
 public:
  PeerRuns(std::span<const BoxView> boxes, const PeerSet* BoxView::*side) {
    std::vector<const PeerSet*> sets;
    std::unordered_map<const PeerSet*, Number> numbers(boxes.size());
    number_of_.reserve(boxes.size());
    for (const BoxView& box : boxes) {
      const PeerSet* set = box.*side;
      const auto [known, fresh] = numbers.try_emplace(set, static_cast<Number>(sets.size()));
      if (fresh) sets.push_back(set);
      number_of_.push_back(known->second);
    }
    const PeerPositions positions(sets);
    runs_.reserve(sets.size());
    for (const PeerSet* set : sets) runs_.push_back(positions.of(*set));
  }

  const Runs& operator()(Number box) const { return runs_[number_of_[box]]; }

 private:
  std::vector<Number> number_of_;  ///< by box: of its set
  std::vector<Runs> runs_;
};

class Splitter {
 public:
  explicit Splitter(std::size_t boxes) : island_of_(boxes, 0), first_(boxes), left_(boxes) {
    std::iota(left_.begin(), left_.end(), Number{0});
  }

  /// Cuts the islands along an axis; `runs_of(box)` is what a box takes of it, sorted.
  template <class RunsOf>
  void split(const RunsOf& runs_of) {
    stretches_.clear();
    for (const Number box : left_) {
      first_[box] = box;
      const auto& runs = runs_of(box);
      if (runs.size() > most_runs) {
        stretches_.push_back({island_of_[box], {runs.front().first, runs.back().last}, box});
        continue;
      }
      for (const auto& run : runs) {
        stretches_.push_back({island_of_[box], {run.first, run.last}, box});
      }
    }
    std::sort(stretches_.begin(), stretches_.end(), [](const Stretch& a, const Stretch& b) {
      return a.island != b.island ? a.island < b.island : a.run.first < b.run.first;
    });
    join_overlapping();
    settle();
  }

  std::vector<Number> take() { return std::move(island_of_); }

 private:
  void join_overlapping() {
    for (std::size_t i = 1, widest = 0; i < stretches_.size(); ++i) {
      const Stretch& known = stretches_[widest];
      const Stretch& next = stretches_[i];
      const bool apart = next.island != known.island || next.run.first > known.run.last;
      if (!apart) join(known.box, next.box);
      if (apart || next.run.last > known.run.last) widest = i;
    }
  }

  void join(Number a, Number b) {
    a = root(a);
    b = root(b);
    first_[std::max(a, b)] = std::min(a, b);
  }

  Number root(Number box) {
    while (first_[box] != box) box = first_[box] = first_[first_[box]];
    return box;
  }

  // Numbers the islands anew and forgets the boxes that are alone.
  void settle() {
    for (const Number box : left_) island_of_[box] = root(box);
    std::vector<Number> sizes(island_of_.size());
    for (const Number box : left_) ++sizes[island_of_[box]];
    std::erase_if(left_, [&](Number box) { return sizes[island_of_[box]] == 1; });
  }

  std::vector<Number> island_of_;  ///< by box
  std::vector<Number> first_;      ///< by box: towards the first box that it is joined with
  std::vector<Number> left_;       ///< boxes that are not alone yet
  std::vector<Stretch> stretches_;
};

std::vector<Number> islands_of(std::span<const BoxView> boxes) {
  const PeerRuns from(boxes, &BoxView::from);
  const PeerRuns to(boxes, &BoxView::to);
  Splitter splitter(boxes.size());
  for (int round = 0; round < rounds; ++round) {
    splitter.split([&](Number box) { return boxes[box].service->ranges(); });
    splitter.split(to);
    splitter.split(from);
  }
  return splitter.take();
}

std::vector<BoxView> views_of(std::span<const Box> boxes) {
  std::vector<BoxView> out;
  out.reserve(boxes.size());
  for (const Box& box : boxes) out.emplace_back(box);
  return out;
}

}  // namespace

std::vector<Number> islands(std::span<const Box> boxes) {
  return islands_of(views_of(boxes));
}

std::vector<std::size_t> not_alone(std::span<const BoxView> boxes) {
  const std::vector<Number> island_of = islands_of(boxes);
  std::vector<Number> sizes(boxes.size());
  for (const Number island : island_of) ++sizes[island];
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    if (sizes[island_of[i]] > 1) out.push_back(i);
  }
  return out;
}

std::vector<std::size_t> not_alone(std::span<const Box> boxes) {
  return not_alone(views_of(boxes));
}

}  // namespace hcipol::net
