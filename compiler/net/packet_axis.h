// The axes of a packet universe: peers and services as numbers, and back.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "net/packet_atoms.h"
#include "net/packet_set.h"

namespace hcipol::net {

/// The positions of a peer axis are, in this order: the runs of addresses between the ends of all
/// ranges, IPv4 first; the names below no known name; and for every known name the name itself and
/// the names below it that are below no longer known name. Known names are sorted by suffix, so
/// that a wildcard is one run of positions (the names are a tree, and this is its Euler tour).
class PeerPositions {
 public:
  explicit PeerPositions(std::span<const PeerSet* const> sets);

  std::uint32_t count() const { return name_position(names_.size()); }
  /// A bug() if the set cuts a position.
  Runs of(const PeerSet& set) const;
  std::uint32_t of(const Endpoint& endpoint) const;
  PeerSet set_of(const Runs& positions) const;
  /// The lowest address of the position, or a name.
  Endpoint example(std::uint32_t position) const;

 private:
  std::uint32_t name_position(std::size_t name) const;
  std::size_t index_of(std::string_view name) const;
  void append_addresses(Runs& runs, const AddressSet& set) const;
  void append_names(Runs& runs, const DomainSet& set) const;
  std::uint32_t position_of(const Address& address) const;
  std::uint32_t position_of(const std::string& host) const;
  std::string fresh_name(std::uint32_t position) const;

  std::vector<Address> starts_;              ///< where each run of addresses starts
  std::vector<std::string> names_;           ///< every name or suffix of a pattern, by suffix
  std::vector<std::uint32_t> subtree_ends_;  ///< by name: the first one after it not below it
};

class PeerAxis {
 public:
  /// Besides `sets`, IPv4, IPv6 and names are always told apart, so that no atom mixes them.
  explicit PeerAxis(std::span<const PeerSet* const> sets);

  std::uint32_t atoms() const { return atoms_.count(); }
  /// A bug() if the set cuts an atom.
  Runs atoms_of(const PeerSet& set) const { return atoms_.of_positions(positions_.of(set)); }
  PeerSet set_of(const Runs& atoms) const { return positions_.set_of(atoms_.positions(atoms)); }
  std::uint32_t atom_of(const Endpoint& endpoint) const {
    return atoms_.of_position(positions_.of(endpoint));
  }
  /// The lowest address of the atom, or else its first name.
  Endpoint example(std::uint32_t atom) const {
    return positions_.example(atoms_.first_position(atom));
  }

 private:
  PeerPositions positions_;
  Atoms atoms_;
};

/// The positions are the runs of the service axis between the ends of all ranges.
class ServiceAxis {
 public:
  /// Besides `sets`, the protocols with details are always told apart.
  explicit ServiceAxis(std::span<const ServiceSet* const> sets);

  std::uint32_t atoms() const { return atoms_.count(); }
  /// A bug() if the set cuts an atom.
  Runs atoms_of(const ServiceSet& set) const;
  ServiceSet set_of(const Runs& atoms) const;
  std::uint32_t atom_of(std::uint32_t point) const;
  /// The lowest point of the atom.
  std::uint32_t example(std::uint32_t atom) const;

 private:
  Runs positions_of(const ServiceSet& set) const;
  std::uint32_t position_of(std::uint32_t point) const;

  std::vector<std::uint32_t> starts_;
  Atoms atoms_;
};

}  // namespace hcipol::net
