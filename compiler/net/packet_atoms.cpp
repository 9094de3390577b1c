// Finds atoms by sweeping over the positions with the set of sets that hold there.
#include "net/packet_atoms.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <utility>

#include "net/id_table.h"
#include "support/bug.h"

namespace hcipol::net {
namespace {

/// Sets of small numbers, each with one id: a binary tree over 64-bit words in which equal subtrees
/// are the same node. Equal ids are equal sets by construction, so that merging positions into
/// atoms trusts no hash. The id 0 is the empty tree of any height.
class SharedSets {
 public:
  explicit SharedSets(std::size_t numbers) {
    const std::size_t words = (numbers + 63) / 64;
    height_ = words <= 1 ? 0 : static_cast<unsigned>(std::bit_width(words - 1));
  }

  /// The set `id` with `number` put in if it was out, taken out if it was in.
  std::uint32_t toggled(std::uint32_t id, std::uint32_t number) {
    return toggled(id, number, height_);
  }
  std::uint32_t ids() const { return static_cast<std::uint32_t>(contents_.size()); }

 private:
  std::uint32_t toggled(std::uint32_t id, std::uint32_t number, unsigned height) {
    const std::uint64_t content = contents_[id];
    if (height == 0) return intern(content ^ std::uint64_t{1} << (number % 64), words_);
    auto left = static_cast<std::uint32_t>(content >> 32);
    auto right = static_cast<std::uint32_t>(content);
    std::uint32_t& half = (number >> 6 >> (height - 1) & 1) != 0 ? right : left;
    half = toggled(half, number, height - 1);
    return intern(std::uint64_t{left} << 32 | right, pairs_);
  }

  std::uint32_t intern(std::uint64_t content, IdTable& table) {
    if (content == 0) return 0;
    const std::uint32_t id = table.find_or_add(content, ids());
    if (id == ids()) contents_.push_back(content);
    return id;
  }

  unsigned height_ = 0;
  std::vector<std::uint64_t> contents_ = {0};  ///< by id: a word, or the ids of two halves
  IdTable words_;
  IdTable pairs_;
};

/// For every position the sets that begin or have just ended there.
struct Changes {
  std::vector<std::uint32_t> begins;
  std::vector<std::uint32_t> sets;
};

Changes changes_of(std::uint32_t positions, std::span<const Runs> sets) {
  Changes changes;
  changes.begins.assign(std::size_t{positions} + 2, 0);
  for (const Runs& runs : sets) {
    for (const Run& run : runs) {
      if (run.last < run.first || run.last >= positions) bug("a run past the end of its axis");
      ++changes.begins[run.first + 1];
      ++changes.begins[std::size_t{run.last} + 2];
    }
  }
  for (std::size_t i = 1; i < changes.begins.size(); ++i)
    changes.begins[i] += changes.begins[i - 1];

  changes.sets.resize(changes.begins.back());
  std::vector<std::uint32_t> next = changes.begins;
  for (std::uint32_t set = 0; set < sets.size(); ++set) {
    for (const Run& run : sets[set]) {
      changes.sets[next[run.first]++] = set;
      changes.sets[next[std::size_t{run.last} + 1]++] = set;
    }
  }
  return changes;
}

}  // namespace

void append(Runs& runs, const Run& run) {
  if (!runs.empty() && run.first == runs.back().last + 1) {
    runs.back().last = run.last;
  } else {
    runs.push_back(run);
  }
}

Atoms::Atoms(std::uint32_t positions, std::span<const Runs> sets) {
  const Changes changes = changes_of(positions, sets);
  SharedSets shared(sets.size());
  std::vector<std::uint32_t> memberships(positions);
  std::uint32_t here = 0;
  for (std::uint32_t position = 0; position < positions; ++position) {
    for (std::uint32_t i = changes.begins[position]; i < changes.begins[position + 1]; ++i) {
      here = shared.toggled(here, changes.sets[i]);
    }
    memberships[position] = here;
  }
  number(memberships, shared.ids());
}

void Atoms::number(const std::vector<std::uint32_t>& memberships, std::uint32_t kinds) {
  std::vector<std::uint32_t> atom_of_kind(kinds, IdTable::absent);
  std::vector<std::uint32_t> sizes;
  atom_of_.reserve(memberships.size());
  for (const std::uint32_t kind : memberships) {
    std::uint32_t& atom = atom_of_kind[kind];
    if (atom == IdTable::absent) {
      atom = static_cast<std::uint32_t>(sizes.size());
      sizes.push_back(0);
    }
    ++sizes[atom];
    atom_of_.push_back(atom);
  }

  begins_.assign(sizes.size() + 1, 0);
  for (std::size_t atom = 0; atom < sizes.size(); ++atom) {
    begins_[atom + 1] = begins_[atom] + sizes[atom];
  }
  members_.resize(atom_of_.size());
  std::vector<std::uint32_t> next = begins_;
  for (std::uint32_t position = 0; position < atom_of_.size(); ++position) {
    members_[next[atom_of_[position]]++] = position;
  }
}

Runs Atoms::of_positions(const Runs& positions) const {
  std::vector<std::uint32_t> atoms;
  for (const Run& run : positions) {
    atoms.insert(atoms.end(), atom_of_.begin() + run.first, atom_of_.begin() + run.last + 1);
  }
  std::sort(atoms.begin(), atoms.end());

  Runs runs;
  for (std::size_t i = 0; i < atoms.size();) {
    const std::uint32_t atom = atoms[i];
    const std::size_t size = begins_[atom + 1] - begins_[atom];
    // All positions of the atom or none: `size` equal entries, neither fewer nor more.
    if (atoms.size() - i < size || atoms[i + size - 1] != atom) {
      bug("a set of packets that its universe cannot tell apart");
    }
    append(runs, {atom, atom});
    i += size;
  }
  return runs;
}

Runs Atoms::positions(const Runs& atoms) const {
  std::vector<std::uint32_t> positions;
  for (const Run& run : atoms) {
    positions.insert(positions.end(), members_.begin() + begins_[run.first],
                     members_.begin() + begins_[run.last + 1]);
  }
  std::sort(positions.begin(), positions.end());
  Runs runs;
  for (const std::uint32_t position : positions) append(runs, {position, position});
  return runs;
}

}  // namespace hcipol::net
