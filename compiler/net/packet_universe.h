// What is inside a PacketUniverse: three axes, one diagram, and the sets seen so far.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "net/id_table.h"
#include "net/packet_axis.h"
#include "net/packet_diagram.h"
#include "net/packet_set.h"

namespace hcipol::net {

/// The axes of the diagram, top to bottom. Measured on 45 000 product-shaped boxes (rules of many
/// clusters that share modules): this order makes the fewest edges, 1.3 M, and the fewest boxes;
/// service first makes 3.0 M, `to` first 3.4 M and takes four times as long.
enum AxisOrder : std::size_t { from_axis = 0, to_axis = 1, service_axis = 2 };

struct ContentHash {
  std::size_t operator()(const PeerSet& set) const;
  std::size_t operator()(const ServiceSet& set) const;
};

/// The distinct values of one field of many boxes, numbered as they come.
template <class Set>
class DistinctSets {
 public:
  DistinctSets() = default;
  // Moving keeps the elements of a map where they are, copying does not.
  DistinctSets(DistinctSets&&) = default;
  DistinctSets& operator=(DistinctSets&&) = default;

  std::uint32_t number(const Set& set) {
    const auto [at, is_new] = numbers_.try_emplace(set, static_cast<std::uint32_t>(sets_.size()));
    if (is_new) sets_.push_back(&at->first);
    return at->second;
  }
  const std::vector<const Set*>& sets() const { return sets_; }

 private:
  std::unordered_map<Set, std::uint32_t, ContentHash> numbers_;
  std::vector<const Set*> sets_;
};

struct PacketUniverse::Impl {
  struct Fields {
    DistinctSets<PeerSet> from;
    DistinctSets<PeerSet> to;
    DistinctSets<ServiceSet> service;
  };
  static Fields fields_of(std::span<const Box> boxes);

  Impl(Fields known, std::size_t edge_limit);

  Diagram::Ref of(const Box& box);
  Diagram::Ref of(std::span<const Box> boxes);
  /// The number of codes in a box that of() was asked for.
  double size(const Box& box);
  Codes codes_of(const Packet& packet) const;
  Packet example(const Codes& codes) const;

  Fields fields;
  PeerAxis from;
  PeerAxis to;
  ServiceAxis service;
  Diagram diagram;

 private:
  template <class Axis, class Set>
  Diagram::Ref restrict(std::size_t axis, const Axis& atoms, DistinctSets<Set>& known,
                        const Set& set, Diagram::Ref then);

  /// By axis: the atoms of a set by its number, made when first needed.
  std::array<std::vector<std::optional<Runs>>, axis_count> atoms_;
  /// By axis: (number of the set, what holds below) → the node.
  std::array<IdTable, axis_count> restricted_;
};

}  // namespace hcipol::net
