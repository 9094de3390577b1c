// The semantic engine: exact sets of packets, with union, intersection, difference, inclusion,
// equality, a witness, and boxes.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "net/peer_set.h"
#include "net/service.h"

namespace hcipol::net {

/// All packets from one peer set to another asking for a service.
struct Box {
  PeerSet from;
  PeerSet to;
  ServiceSet service;

  friend bool operator==(const Box&, const Box&) = default;
  friend auto operator<=>(const Box&, const Box&) = default;
};

/// The same of sets that others own.
struct BoxView {
  const PeerSet* from = nullptr;
  const PeerSet* to = nullptr;
  const ServiceSet* service = nullptr;

  BoxView(const PeerSet& source, const PeerSet& destination, const ServiceSet& asked)
      : from(&source), to(&destination), service(&asked) {}
  explicit BoxView(const Box& box) : BoxView(box.from, box.to, box.service) {}
};

bool is_empty(const Box& box);
bool intersects(const Box& a, const Box& b);
bool contains(const Box& outer, const Box& inner);
/// What belongs to both; empty fields if nothing does.
Box operator&(const Box& a, const Box& b);
/// The smallest box with both.
Box hull(const Box& a, const Box& b);

/// An address, or a name that is not a pattern.
using Endpoint = std::variant<Address, std::string>;

struct Packet {
  Endpoint from;
  Endpoint to;
  std::uint32_t service = 0;  ///< a point of the service axis

  friend bool operator==(const Packet&, const Packet&) = default;
};

bool contains(const PeerSet& set, const Endpoint& endpoint);
bool contains(const Box& box, const Packet& packet);

/// Thrown when a diagram would grow over the limit of its universe.
struct NodeLimitExceeded : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class PacketSet;

/// What a set of boxes can tell apart. Built once from every box that will ever be asked about (its
/// atoms are fixed then); all PacketSets of one universe share its diagrams and must not outlive
/// it. IPv4, IPv6, names and the protocols with details are told apart even if no box does. Not
/// thread-safe: a universe belongs to one thread.
class PacketUniverse {
 public:
  /// `edge_limit` bounds the diagram edges of all sets together, 5 bytes each. The operation that
  /// would pass it throws; all sets made before stay good.
  explicit PacketUniverse(std::span<const Box> boxes, std::size_t edge_limit = 30'000'000);
  ~PacketUniverse();
  PacketUniverse(PacketUniverse&&) noexcept;
  PacketUniverse& operator=(PacketUniverse&&) noexcept;

  PacketSet none() const;
  PacketSet all() const;
  /// The box must be a union of atoms: built from sets that the universe was built from by union,
  /// intersection or difference, each field from the same field. bug() otherwise.
  PacketSet of(const Box& box);
  /// Balanced union of many boxes.
  PacketSet of(std::span<const Box> boxes);

  std::size_t edges() const;

 private:
  friend class PacketSet;
  friend std::optional<std::vector<std::size_t>> cover(PacketUniverse& universe, const Box& box,
                                                       std::span<const Box> by);
  friend std::vector<std::vector<std::size_t>> covers(PacketUniverse& universe,
                                                      std::span<const Box> boxes);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// A set of packets of one universe. A small value; equality is one comparison because diagrams are
/// canonical. Mixing universes is a bug().
class PacketSet {
 public:
  bool empty() const;
  bool contains(const PacketSet& other) const;
  bool contains(const Packet& packet) const;
  bool intersects(const PacketSet& other) const;
  /// The lowest member, comparing `from`, then `to`, then `service`; addresses come before names. A
  /// name is one of the boxes' own or, below a wildcard that needs one, made up: "host.b.example",
  /// "host.invalid". Nothing for the empty set.
  std::optional<Packet> witness() const;
  /// Disjoint boxes that make up the set exactly, sorted; two that are equal in all fields but one
  /// are merged. At most `limit` of them: when there are more, `complete` becomes false.
  std::vector<Box> boxes(std::size_t limit = SIZE_MAX, bool* complete = nullptr) const;

  friend PacketSet operator|(const PacketSet& a, const PacketSet& b);
  friend PacketSet operator&(const PacketSet& a, const PacketSet& b);
  friend PacketSet operator-(const PacketSet& a, const PacketSet& b);
  friend bool operator==(const PacketSet& a, const PacketSet& b);

 private:
  friend class PacketUniverse;
  PacketSet(PacketUniverse::Impl* universe, std::uint32_t root)
      : universe_(universe), root_(root) {}
  PacketUniverse::Impl* universe_ = nullptr;
  std::uint32_t root_ = 0;
};

}  // namespace hcipol::net
