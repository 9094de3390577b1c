// The atoms of an axis: what no set of a universe tells apart, as one small number each.
#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <vector>

namespace hcipol::net {

/// Numbers first … last, both included.
struct Run {
  std::uint32_t first = 0;
  std::uint32_t last = 0;

  friend auto operator<=>(const Run&, const Run&) = default;
};

/// Sorted, disjoint, not adjacent.
using Runs = std::vector<Run>;

/// Adds a run that starts after the last one ended; joins the two if nothing is between them.
void append(Runs& runs, const Run& run);

/// Positions 0 … n-1 of an axis, grouped into atoms: two positions share an atom exactly if they
/// are in the same ones of the given sets. Atoms are numbered in the order of their first
/// positions, so neighbours mostly stay neighbours.
class Atoms {
 public:
  Atoms(std::uint32_t positions, std::span<const Runs> sets);

  std::uint32_t count() const { return static_cast<std::uint32_t>(begins_.size() - 1); }
  std::uint32_t of_position(std::uint32_t position) const { return atom_of_[position]; }
  std::uint32_t first_position(std::uint32_t atom) const { return members_[begins_[atom]]; }
  /// The atoms that make up these positions; a bug() if they cut one.
  Runs of_positions(const Runs& positions) const;
  Runs positions(const Runs& atoms) const;

 private:
  void number(const std::vector<std::uint32_t>& memberships, std::uint32_t kinds);

  std::vector<std::uint32_t> atom_of_;  ///< by position
  std::vector<std::uint32_t>
      begins_;  ///< by atom, where its positions start in members_; and the end
  std::vector<std::uint32_t> members_;  ///< positions, ascending within an atom
};

}  // namespace hcipol::net
