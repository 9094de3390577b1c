// A tree of unions over the boxes, largest first; random members of a box prove that it is needed.
#include "net/cover.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <numeric>
#include <utility>

#include "net/packet_universe.h"
#include "support/bug.h"

namespace hcipol::net {
namespace {

using Ref = Diagram::Ref;
constexpr std::size_t nowhere = std::numeric_limits<std::size_t>::max();

/// The unions of the sets at positions 2^k·i … 2^k·(i+1)-1, for all k and i: node 1 has them all,
/// node n is made of 2n and 2n+1. Sets can be taken out.
class UnionTree {
 public:
  UnionTree(Diagram& diagram, std::span<const Ref> sets)
      : diagram_(diagram),
        width_(std::bit_ceil(std::max<std::size_t>(sets.size(), 1))),
        nodes_(2 * width_, Diagram::none),
        stale_(2 * width_, false) {
    std::copy(sets.begin(), sets.end(), nodes_.begin() + static_cast<std::ptrdiff_t>(width_));
    for (std::size_t node = width_; node-- > 1;) unite(node);
  }

  void take_out(std::size_t position) {
    std::size_t node = width_ + position;
    nodes_[node] = Diagram::none;
    while ((node /= 2) > 0 && !stale_[node]) stale_[node] = true;
  }

  /// Makes all unions exact again; until then those above what was taken out are too large.
  void refresh() {
    for (std::size_t node = width_; node-- > 1;) {
      if (stale_[node]) unite(node);
      stale_[node] = false;
    }
  }

  /// A position before (after) the given one whose set has this member.
  std::size_t find_before(std::size_t position, const Codes& codes) const {
    for (std::size_t node = width_ + position; node > 1; node /= 2) {
      if (node % 2 == 0) continue;
      if (const std::size_t at = find(codes, node - 1); at != nowhere) return at;
    }
    return nowhere;
  }
  std::size_t find_after(std::size_t position, const Codes& codes) const {
    for (std::size_t node = width_ + position; node > 1; node /= 2) {
      if (node % 2 == 1) continue;
      if (const std::size_t at = find(codes, node + 1); at != nowhere) return at;
    }
    return nowhere;
  }

  /// The first position whose set has this member.
  std::size_t find(const Codes& codes, std::size_t node = 1) const {
    if (!diagram_.contains(nodes_[node], codes)) return nowhere;
    if (node >= width_) return node - width_;
    const std::size_t left = find(codes, 2 * node);
    return left != nowhere ? left : find(codes, 2 * node + 1);
  }

  /// All positions whose sets have this member, ascending.
  void find_all(const Codes& codes, std::vector<std::size_t>& out, std::size_t node = 1) const {
    if (!diagram_.contains(nodes_[node], codes)) return;
    if (node >= width_) {
      out.push_back(node - width_);
      return;
    }
    find_all(codes, out, 2 * node);
    find_all(codes, out, 2 * node + 1);
  }

  /// What is left of a set without those before the position. Nothing may be stale.
  Ref minus_before(Ref rest, std::size_t position) {
    for (std::size_t node = width_ + position; node > 1 && rest != Diagram::none; node /= 2) {
      if (node % 2 == 1) rest = diagram_.subtract(rest, nodes_[node - 1]);
    }
    return rest;
  }

  /// What is left of a set without those at all other positions.
  Ref minus_others(Ref rest, std::size_t position, std::size_t node = 1) {
    const std::size_t own = width_ + position;
    if (node == own || rest == Diagram::none) return rest;
    const bool above = node == own >> (std::bit_width(own) - std::bit_width(node));
    if (!above && !stale_[node]) return diagram_.subtract(rest, nodes_[node]);
    return minus_others(minus_others(rest, position, 2 * node), position, 2 * node + 1);
  }

 private:
  void unite(std::size_t node) {
    nodes_[node] = diagram_.unite(nodes_[2 * node], nodes_[2 * node + 1]);
  }

  Diagram& diagram_;
  std::size_t width_;
  std::vector<Ref> nodes_;
  std::vector<bool> stale_;
};

Ref minus(Diagram& diagram, Ref rest, std::span<const Ref> sets,
          std::span<const std::size_t> numbers) {
  for (const std::size_t number : numbers) rest = diagram.subtract(rest, sets[number]);
  return rest;
}

/// Some of `numbers`, none of which could be left out, whose sets cover what all of them cover; the
/// last ones rather than the first. As in QuickXplain (Junker 2004), O(k log k) subtractions and
/// not k².
std::vector<std::size_t> needed(Diagram& diagram, Ref set, std::span<const Ref> sets,
                                std::span<const std::size_t> numbers) {
  if (set == Diagram::none) return {};
  if (numbers.size() == 1) return {numbers.front()};
  const auto left = numbers.first(numbers.size() / 2);
  const auto right = numbers.subspan(left.size());
  std::vector<std::size_t> out = needed(diagram, minus(diagram, set, sets, right), sets, left);
  const std::vector<std::size_t> more =
      needed(diagram, minus(diagram, set, sets, out), sets, right);
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

/// Works on positions, not on numbers of boxes: see `order`.
class Search {
 public:
  /// `sets` by position: a set that contains another one comes before it.
  Search(Diagram& diagram, std::vector<Ref> sets)
      : diagram_(diagram),
        sets_(std::move(sets)),
        tree_(diagram, sets_),
        covered_(sets_.size(), false),
        own_(sets_.size()) {}

  void run() {
    // Leaving out what earlier sets cover never changes the union of a beginning of the list, so
    // the tree stays exact throughout this pass, which finds nearly all there is.
    for (std::size_t i = 0; i < sets_.size(); ++i) covered_[i] = covered_by_earlier(i);
    for (std::size_t i = 0; i < sets_.size(); ++i) {
      if (covered_[i]) tree_.take_out(i);
    }
    tree_.refresh();
    for (std::size_t i = sets_.size(); i-- > 0;) {
      if (covered_[i] || !covered_by_others(i)) continue;
      covered_[i] = true;
      tree_.take_out(i);
    }
    tree_.refresh();
  }

  bool covered(std::size_t position) const { return covered_[position]; }

  /// The positions that cover a covered one; `before` says which of two single ones is better.
  template <class Before>
  std::vector<std::size_t> blockers(std::size_t position, Before before) {
    const Ref set = sets_[position];
    std::vector<std::size_t> found;
    tree_.find_all(diagram_.lowest(set), found);
    std::erase_if(found, [&](std::size_t other) { return !diagram_.include(sets_[other], set); });
    if (!found.empty()) return {*std::min_element(found.begin(), found.end(), before)};

    for (Ref rest = set; rest != Diagram::none;) {
      const std::size_t other = tree_.find(diagram_.lowest(rest));
      if (other == nowhere) bug("a covered box that the others do not cover");
      found.push_back(other);
      rest = diagram_.subtract(rest, sets_[other]);
    }
    // The smallest first: needed() gives up the first ones rather than the last.
    std::sort(found.rbegin(), found.rend());
    return needed(diagram_, set, sets_, found);
  }

 private:
  /// Enough to show nearly every box needed; what they leave is decided exactly.
  static constexpr int tries = 32;

  /// If not, own_ becomes a member that no earlier set has.
  bool covered_by_earlier(std::size_t position) {
    const Ref set = sets_[position];
    for (int i = 0; i < tries; ++i) {
      const Codes codes = diagram_.sample(set, random_);
      const std::size_t other = tree_.find_before(position, codes);
      if (other == nowhere) {
        own_[position] = codes;
        return false;
      }
      if (diagram_.include(sets_[other], set)) return true;
    }
    const Ref rest = tree_.minus_before(set, position);
    if (rest == Diagram::none) return true;
    own_[position] = diagram_.lowest(rest);
    return false;
  }

  bool covered_by_others(std::size_t position) {
    if (tree_.find_after(position, own_[position]) == nowhere) return false;
    for (int i = 0; i < tries; ++i) {
      const Codes codes = diagram_.sample(sets_[position], random_);
      if (tree_.find_before(position, codes) == nowhere &&
          tree_.find_after(position, codes) == nowhere) {
        return false;
      }
    }
    return tree_.minus_others(sets_[position], position) == Diagram::none;
  }

  Diagram& diagram_;
  std::vector<Ref> sets_;
  UnionTree tree_;
  std::vector<bool> covered_;
  std::vector<Codes> own_;
  std::uint64_t random_ = 0;  ///< always the same: answers must not change from run to run
};

/// Numbers of sizes, the greatest first and equal ones as they come.
std::vector<std::size_t> greatest_first(const std::vector<double>& sizes) {
  std::vector<std::size_t> order(sizes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return sizes[a] > sizes[b]; });
  return order;
}

}  // namespace

std::optional<std::vector<std::size_t>> cover(PacketUniverse& universe, const Box& box,
                                              std::span<const Box> by) {
  Diagram& diagram = universe.impl_->diagram;
  const Ref set = universe.impl_->of(box);
  if (set == Diagram::none) bug("an empty box needs no cover");
  Ref rest = set;
  std::vector<Ref> sets;
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < by.size(); ++i) {
    sets.push_back(universe.impl_->of(by[i]));
    if (diagram.include(sets[i], set)) return std::vector{i};
    const Ref left = diagram.subtract(rest, sets[i]);
    if (left != rest) found.push_back(i);
    rest = left;
  }
  if (rest != Diagram::none) return std::nullopt;
  // The first ones are to stay.
  std::reverse(found.begin(), found.end());
  found = needed(diagram, set, sets, found);
  std::sort(found.begin(), found.end());
  return found;
}

std::vector<std::vector<std::size_t>> covers(PacketUniverse& universe, std::span<const Box> boxes) {
  std::vector<Ref> sets;
  std::vector<double> sizes;
  for (const Box& box : boxes) {
    sets.push_back(universe.impl_->of(box));
    sizes.push_back(universe.impl_->size(box));
    if (sets.back() == Diagram::none) bug("an empty box can neither cover nor be covered");
  }
  Diagram& diagram = universe.impl_->diagram;
  // What contains another box has more members, so it comes first.
  const std::vector<std::size_t> order = greatest_first(sizes);
  std::vector<Ref> ordered;
  for (const std::size_t number : order) ordered.push_back(sets[number]);

  Search search(diagram, std::move(ordered));
  search.run();
  const auto earlier = [&](std::size_t a, std::size_t b) { return order[a] < order[b]; };
  std::vector<std::vector<std::size_t>> out(boxes.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (!search.covered(i)) continue;
    std::vector<std::size_t>& numbers = out[order[i]];
    for (const std::size_t position : search.blockers(i, earlier)) {
      numbers.push_back(order[position]);
    }
    std::sort(numbers.begin(), numbers.end());
  }
  return out;
}

}  // namespace hcipol::net
