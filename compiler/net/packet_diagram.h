// The decision diagram behind packet sets: canonical, shared, with memoised set operations.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "net/packet_atoms.h"

namespace hcipol::net {

inline constexpr std::size_t axis_count = 3;

/// One atom per axis, top axis first.
using Codes = std::array<std::uint32_t, axis_count>;

/// Sets of Codes. The atom number of an axis is cut into digits of at most 8 bits; every digit is
/// one level. A node says, for runs of digits, what holds further down; a level at which nothing
/// depends on the digit has no node. Nodes are shared through a table and never freed, so a set is
/// one number and equal sets have equal numbers.
///
/// Why digits and not one node per axis: with thousands of atoms on an axis, sets that differ in
/// few of them share all digits but the ones on the way there. Why not bits: nodes of 256 digits in
/// runs are many times faster to walk than 8 levels of two.
class Diagram {
 public:
  /// A node, or one of the two constants.
  using Ref = std::uint32_t;
  static constexpr Ref none = 0;
  static constexpr Ref all = 1;

  Diagram(const Codes& atom_counts, std::size_t edge_limit);

  /// Codes whose atom on `axis` is in `atoms` and that are in `then`, which says nothing about this
  /// axis or one above it.
  Ref restrict(std::size_t axis, Runs atoms, Ref then);

  Ref unite(Ref a, Ref b);
  Ref intersect(Ref a, Ref b);
  Ref subtract(Ref a, Ref b);
  bool meet(Ref a, Ref b);
  bool include(Ref outer, Ref inner);

  bool contains(Ref set, const Codes& codes) const;
  /// The lowest member, comparing top axis first; the set must not be `none`.
  Codes lowest(Ref set) const;
  /// A random member, not evenly drawn: what needs many nodes to say gets more of the chances.
  /// `random` is any number, and another one afterwards; the set must not be `none`.
  Codes sample(Ref set, std::uint64_t& random) const;

  struct Slice {
    Run atoms;
    Ref rest;  ///< says nothing about this axis
  };
  /// The whole axis cut where the rest of the set changes; the set must say nothing about axes
  /// above.
  std::vector<Slice> slices(Ref set, std::size_t axis) const;

  std::size_t edges() const { return highs_.size(); }

 private:
  enum class Op : std::uint8_t { unite, intersect, subtract, meet, escape };

  struct Node {
    std::uint32_t offset;  ///< of its first edge
    std::uint16_t edges;
    std::uint8_t level;
  };
  struct Level {
    std::uint8_t axis;
    std::uint8_t shift;  ///< of the digit within the atom number
    std::uint8_t last;   ///< the greatest digit
  };
  struct Remembered {
    std::uint32_t a = 0;  ///< with the operation in the top bits; 0 is no operation on anything
    std::uint32_t b = 0;
    std::uint32_t result = 0;
  };
  struct Cursor;

  template <Op op>
  Ref apply(Ref a, Ref b);
  template <Op op>
  bool exists(Ref a, Ref b);
  template <class Visit>
  void walk(Ref a, Ref b, std::uint8_t level, Visit visit) const;

  Ref build(std::uint8_t level, std::uint64_t base, std::span<const Run> atoms, Ref then);
  void expand(Ref set, std::size_t axis, std::uint8_t level, std::uint32_t base,
              std::vector<Slice>& out) const;

  void start();
  void push(std::size_t mark, std::uint8_t high, Ref child);
  Ref intern(std::uint8_t level, std::size_t mark);
  bool same_edges(const Node& node, std::uint8_t level, std::size_t mark) const;
  std::uint64_t hash(std::uint8_t level, const std::uint8_t* highs, const Ref* children,
                     std::size_t count) const;
  void grow_table();

  std::size_t memory_slot(Op op, Ref a, Ref b) const;
  std::optional<std::uint32_t> recall(Op op, Ref a, Ref b) const;
  void remember(Op op, Ref a, Ref b, std::uint32_t result);

  Codes atom_counts_;
  std::size_t edge_limit_;
  std::vector<Level> levels_;
  std::array<std::uint8_t, axis_count + 1> first_level_{};

  std::vector<Node> nodes_;          ///< by Ref; the first two are the constants
  std::vector<std::uint8_t> highs_;  ///< the edges of all nodes: the greatest digit of the run
  std::vector<Ref> children_;        ///< and what holds for the run
  std::vector<Ref> table_;           ///< open addressing; 0 is free
  std::vector<Remembered> memory_;   ///< direct mapped

  /// The edges of unfinished nodes, the deepest last.
  std::vector<std::uint8_t> open_highs_;
  std::vector<Ref> open_children_;
};

}  // namespace hcipol::net
