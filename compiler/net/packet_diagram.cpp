// Building and sharing the nodes of a diagram, and the set operations on them.
#include "net/packet_diagram.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <string>

#include "net/packet_set.h"
#include "support/bug.h"

namespace hcipol::net {
namespace {

constexpr unsigned digit_bits = 8;
/// The constants are below every level.
constexpr std::uint8_t bottom = 255;
/// Refs leave the top four bits to the operation in a Remembered.
constexpr std::size_t most_edges = (std::size_t{1} << 28) - 1;
constexpr std::size_t smallest_table = std::size_t{1} << 12;
/// 8 Mi entries of 12 bytes: beyond that, forgetting costs less than the memory.
constexpr std::size_t largest_memory = std::size_t{1} << 23;

}  // namespace

Diagram::Diagram(const Codes& atom_counts, std::size_t edge_limit)
    : atom_counts_(atom_counts),
      edge_limit_(std::min(edge_limit, most_edges)),
      nodes_{{0, 0, bottom}, {0, 0, bottom}},
      table_(smallest_table, 0),
      memory_(smallest_table) {
  for (std::size_t axis = 0; axis < axis_count; ++axis) {
    first_level_[axis] = static_cast<std::uint8_t>(levels_.size());
    // The top digit takes what does not fill 8 bits, so that the lower ones are whole bytes.
    for (auto rest = static_cast<unsigned>(std::bit_width(atom_counts[axis] - 1)); rest > 0;) {
      const unsigned bits = (rest - 1) % digit_bits + 1;
      rest -= bits;
      levels_.push_back({static_cast<std::uint8_t>(axis), static_cast<std::uint8_t>(rest),
                         static_cast<std::uint8_t>((1U << bits) - 1)});
    }
  }
  first_level_[axis_count] = static_cast<std::uint8_t>(levels_.size());
}

// ---- operations

namespace {

/// What can be said without looking into nodes.
template <class Op, Op op>
std::optional<Diagram::Ref> shortcut(Diagram::Ref a, Diagram::Ref b) {
  constexpr auto none = Diagram::none;
  constexpr auto all = Diagram::all;
  if constexpr (op == Op::unite) {
    if (a == all || b == all) return all;
    if (a == b || b == none) return a;
    if (a == none) return b;
  } else if constexpr (op == Op::intersect) {
    if (a == none || b == none) return none;
    if (a == b || b == all) return a;
    if (a == all) return b;
  } else if constexpr (op == Op::subtract) {
    if (a == none || b == all || a == b) return none;
    if (b == none) return a;
  } else if constexpr (op == Op::meet) {
    if (a == none || b == none) return false;
    if (a == all || b == all || a == b) return true;
  } else {
    if (a == none || b == all || a == b) return false;
    if (a == all || b == none) return true;
  }
  return std::nullopt;
}

}  // namespace

/// Where a walk is in a node; a set without a node at the walk's level is one edge for all digits.
struct Diagram::Cursor {
  Cursor(const Diagram& diagram, Ref set, std::uint8_t level)
      : whole(diagram.nodes_[set].level != level), ref(set), at(diagram.nodes_[set].offset) {}

  std::uint8_t high(const Diagram& diagram, std::uint8_t last) const {
    return whole ? last : diagram.highs_[at];
  }
  Ref child(const Diagram& diagram) const { return whole ? ref : diagram.children_[at]; }

  bool whole;
  Ref ref;
  std::uint32_t at;
};

/// Calls `visit(high, child of a, child of b)` for every run of digits on which both are constant,
/// until it returns false. Indices and not pointers, because `visit` may add nodes.
template <class Visit>
void Diagram::walk(Ref a, Ref b, std::uint8_t level, Visit visit) const {
  const std::uint8_t last = levels_[level].last;
  Cursor x(*this, a, level);
  Cursor y(*this, b, level);
  for (;;) {
    const std::uint8_t high_x = x.high(*this, last);
    const std::uint8_t high_y = y.high(*this, last);
    const std::uint8_t high = std::min(high_x, high_y);
    if (!visit(high, x.child(*this), y.child(*this)) || high == last) return;
    if (high_x == high) ++x.at;
    if (high_y == high) ++y.at;
  }
}

template <Diagram::Op op>
Diagram::Ref Diagram::apply(Ref a, Ref b) {
  if (const auto known = shortcut<Op, op>(a, b)) return *known;
  if (op != Op::subtract && a > b) std::swap(a, b);
  if (const auto known = recall(op, a, b)) return *known;

  const std::uint8_t level = std::min(nodes_[a].level, nodes_[b].level);
  const std::size_t mark = open_highs_.size();
  walk(a, b, level, [&](std::uint8_t high, Ref x, Ref y) {
    push(mark, high, apply<op>(x, y));
    return true;
  });
  const Ref result = intern(level, mark);
  remember(op, a, b, result);
  return result;
}

template <Diagram::Op op>
bool Diagram::exists(Ref a, Ref b) {
  if (const auto known = shortcut<Op, op>(a, b)) return *known != 0;
  if (op == Op::meet && a > b) std::swap(a, b);
  if (const auto known = recall(op, a, b)) return *known != 0;

  bool found = false;
  walk(a, b, std::min(nodes_[a].level, nodes_[b].level), [&](std::uint8_t, Ref x, Ref y) {
    found = exists<op>(x, y);
    return !found;
  });
  remember(op, a, b, found ? 1 : 0);
  return found;
}

/// Drops what an operation that ran into the edge limit left open.
void Diagram::start() {
  open_highs_.clear();
  open_children_.clear();
}

Diagram::Ref Diagram::unite(Ref a, Ref b) {
  return apply<Op::unite>(a, b);
}

Diagram::Ref Diagram::intersect(Ref a, Ref b) {
  return apply<Op::intersect>(a, b);
}

Diagram::Ref Diagram::subtract(Ref a, Ref b) {
  return apply<Op::subtract>(a, b);
}

bool Diagram::meet(Ref a, Ref b) {
  return exists<Op::meet>(a, b);
}

bool Diagram::include(Ref outer, Ref inner) {
  return !exists<Op::escape>(inner, outer);
}

// ---- memory of results

std::size_t Diagram::memory_slot(Op op, Ref a, Ref b) const {
  std::uint64_t key = (std::uint64_t{a} << 32 | b) + static_cast<std::uint64_t>(op);
  key *= 0x9e37'79b9'7f4a'7c15;
  return static_cast<std::size_t>(key >> 32) & (memory_.size() - 1);
}

std::optional<std::uint32_t> Diagram::recall(Op op, Ref a, Ref b) const {
  const Remembered& slot = memory_[memory_slot(op, a, b)];
  const std::uint32_t key = a | (static_cast<std::uint32_t>(op) + 1) << 28;
  if (slot.a != key || slot.b != b) return std::nullopt;
  return slot.result;
}

void Diagram::remember(Op op, Ref a, Ref b, std::uint32_t result) {
  const std::uint32_t key = a | (static_cast<std::uint32_t>(op) + 1) << 28;
  memory_[memory_slot(op, a, b)] = {key, b, result};
}

// ---- nodes

void Diagram::push(std::size_t mark, std::uint8_t high, Ref child) {
  if (open_highs_.size() > mark && open_children_.back() == child) {
    open_highs_.back() = high;
  } else {
    open_highs_.push_back(high);
    open_children_.push_back(child);
  }
}

std::uint64_t Diagram::hash(std::uint8_t level, const std::uint8_t* highs, const Ref* children,
                            std::size_t count) const {
  std::uint64_t value = level * 0x9e37'79b9'7f4a'7c15 + count;
  for (std::size_t i = 0; i < count; ++i) {
    value ^= std::uint64_t{highs[i]} << 32 | children[i];
    value *= 0xd6e8'feb8'6659'fd93;
    value ^= value >> 32;
  }
  return value;
}

bool Diagram::same_edges(const Node& node, std::uint8_t level, std::size_t mark) const {
  const std::size_t count = open_highs_.size() - mark;
  if (node.level != level || node.edges != count) return false;
  return std::equal(open_highs_.data() + mark, open_highs_.data() + mark + count,
                    highs_.data() + node.offset) &&
         std::equal(open_children_.data() + mark, open_children_.data() + mark + count,
                    children_.data() + node.offset);
}

/// The node of the open edges from `mark` on, which are then closed.
Diagram::Ref Diagram::intern(std::uint8_t level, std::size_t mark) {
  const std::size_t count = open_highs_.size() - mark;
  Ref result = open_children_[mark];
  if (count > 1) {
    const std::size_t mask = table_.size() - 1;
    std::size_t at =
        hash(level, open_highs_.data() + mark, open_children_.data() + mark, count) & mask;
    while (table_[at] != 0 && !same_edges(nodes_[table_[at]], level, mark)) at = (at + 1) & mask;
    if (table_[at] == 0) {
      if (highs_.size() + count > edge_limit_) {
        throw NodeLimitExceeded("the packet sets need more than " + std::to_string(edge_limit_) +
                                " diagram edges");
      }
      table_[at] = static_cast<Ref>(nodes_.size());
      nodes_.push_back(
          {static_cast<std::uint32_t>(highs_.size()), static_cast<std::uint16_t>(count), level});
      highs_.insert(highs_.end(), open_highs_.data() + mark, open_highs_.data() + mark + count);
      children_.insert(children_.end(), open_children_.data() + mark,
                       open_children_.data() + mark + count);
    }
    result = table_[at];
  }
  open_highs_.resize(mark);
  open_children_.resize(mark);
  if (nodes_.size() * 3 > table_.size() * 2) grow_table();
  return result;
}

/// The memory of results grows with the nodes, but only so far; what it held is kept.
void Diagram::grow_table() {
  table_.assign(table_.size() * 2, 0);
  const std::size_t mask = table_.size() - 1;
  for (Ref ref = all + 1; ref < nodes_.size(); ++ref) {
    const Node& node = nodes_[ref];
    std::size_t at =
        hash(node.level, highs_.data() + node.offset, children_.data() + node.offset, node.edges) &
        mask;
    while (table_[at] != 0) at = (at + 1) & mask;
    table_[at] = ref;
  }

  if (memory_.size() >= largest_memory) return;
  std::vector<Remembered> old(std::min(table_.size() * 2, largest_memory));
  old.swap(memory_);
  for (const Remembered& slot : old) {
    if (slot.a == 0) continue;
    const auto op = static_cast<Op>((slot.a >> 28) - 1);
    memory_[memory_slot(op, slot.a & most_edges, slot.b)] = slot;
  }
}

}  // namespace hcipol::net
