// Diagrams from runs of atoms, and back: building, looking up, slicing.
#include <algorithm>
#include <cstddef>

#include "net/packet_diagram.h"
#include "net/random.h"
#include "support/bug.h"

namespace hcipol::net {

Diagram::Ref Diagram::restrict(std::size_t axis, Runs atoms, Ref then) {
  start();
  if (atoms.empty()) return none;
  if (first_level_[axis] == first_level_[axis + 1]) return then;
  // The codes that no atom uses behave like the last atom: only so are equal sets equal diagrams.
  if (atoms.back().last + 1 == atom_counts_[axis]) {
    const Level& top = levels_[first_level_[axis]];
    atoms.back().last = ((top.last + 1U) << top.shift) - 1;
  }
  return build(first_level_[axis], 0, atoms, then);
}

/// The node of `level` for the codes from `base` on that this level and those below it tell apart.
/// `atoms` may reach over both ends.
Diagram::Ref Diagram::build(std::uint8_t level, std::uint64_t base, std::span<const Run> atoms,
                            Ref then) {
  const std::uint64_t step = std::uint64_t{1} << levels_[level].shift;
  const std::uint64_t end = base + step * (levels_[level].last + 1U);
  const std::size_t mark = open_highs_.size();

  for (std::uint64_t at = base; at < end;) {
    while (!atoms.empty() && atoms.front().last < at) atoms = atoms.subspan(1);
    std::uint64_t stop = end;
    Ref child = none;
    if (atoms.empty() || atoms.front().first >= at + step) {
      if (!atoms.empty()) stop = std::min(end, at + (atoms.front().first - at) / step * step);
    } else if (atoms.front().first <= at && atoms.front().last >= at + step - 1) {
      stop = std::min(end, at + (atoms.front().last + std::uint64_t{1} - at) / step * step);
      child = then;
    } else {
      stop = at + step;
      child = build(static_cast<std::uint8_t>(level + 1), at, atoms, then);
    }
    push(mark, static_cast<std::uint8_t>((stop - base) / step - 1), child);
    at = stop;
  }
  return intern(level, mark);
}

bool Diagram::contains(Ref set, const Codes& codes) const {
  while (set != none && set != all) {
    const Node& node = nodes_[set];
    const Level& level = levels_[node.level];
    const auto digit = static_cast<std::uint8_t>(codes[level.axis] >> level.shift & level.last);
    const auto first = highs_.begin() + node.offset;
    const auto edge = std::lower_bound(first, first + node.edges, digit);
    set = children_[static_cast<std::size_t>(edge - highs_.begin())];
  }
  return set == all;
}

Codes Diagram::lowest(Ref set) const {
  if (set == none) bug("the lowest member of an empty set");
  Codes codes{};
  while (set != all) {
    const Node& node = nodes_[set];
    const Level& level = levels_[node.level];
    // Only one of two neighbouring edges can lead to `none`.
    const bool skip = children_[node.offset] == none;
    if (skip) codes[level.axis] |= (highs_[node.offset] + 1U) << level.shift;
    set = children_[node.offset + (skip ? 1 : 0)];
  }
  return codes;
}

Codes Diagram::sample(Ref set, std::uint64_t& random) const {
  if (set == none) bug("a member of an empty set");
  Codes codes{};
  for (std::uint8_t at = 0; at < levels_.size(); ++at) {
    const Level& level = levels_[at];
    const Node& node = nodes_[set];
    std::uint32_t first = 0;
    std::uint32_t last = level.last;
    if (node.level == at) {
      std::uint32_t edge = node.offset + draw(random, node.edges);
      // Only one of two neighbouring edges can lead to `none`.
      if (children_[edge] == none) edge += edge == node.offset ? 1 : -1U;
      first = edge == node.offset ? 0 : highs_[edge - 1] + 1U;
      last = highs_[edge];
      set = children_[edge];
    }
    codes[level.axis] |= (first + draw(random, last - first + 1)) << level.shift;
  }
  return codes;
}

namespace {

void add_slice(std::vector<Diagram::Slice>& out, const Run& atoms, Diagram::Ref rest) {
  if (!out.empty() && out.back().rest == rest) {
    out.back().atoms.last = atoms.last;
  } else {
    out.push_back({atoms, rest});
  }
}

}  // namespace

std::vector<Diagram::Slice> Diagram::slices(Ref set, std::size_t axis) const {
  std::vector<Slice> out;
  expand(set, axis, first_level_[axis], 0, out);
  // The last atom stands for the unused codes as well.
  out.back().atoms.last = atom_counts_[axis] - 1;
  return out;
}

/// Adds the slices of the codes from `base` on that `level` and those below it tell apart.
void Diagram::expand(Ref set, std::size_t axis, std::uint8_t level, std::uint32_t base,
                     std::vector<Slice>& out) const {
  const std::uint8_t below_axis = first_level_[axis + 1];
  const Node& node = nodes_[set];
  if (level == below_axis) {
    add_slice(out, {base, base}, set);
    return;
  }
  const std::uint8_t shift = levels_[level].shift;
  const std::uint32_t last = levels_[level].last;
  if (node.level >= below_axis) {
    add_slice(out, {base, base + ((last + 1) << shift) - 1}, set);
    return;
  }

  std::uint32_t digit = 0;
  for (std::uint32_t i = 0; digit <= last; ++i) {
    // A set that says nothing about this digit says the same for all of them.
    const bool here = node.level == level;
    const std::uint32_t high = here ? highs_[node.offset + i] : last;
    const Ref child = here ? children_[node.offset + i] : set;
    for (; digit <= high; ++digit) {
      expand(child, axis, static_cast<std::uint8_t>(level + 1), base + (digit << shift), out);
    }
  }
}

}  // namespace hcipol::net
