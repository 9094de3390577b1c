// Boxes to diagrams: fixes the atoms, then builds every box from the bottom axis up.
#include "net/packet_universe.h"

#include <functional>
#include <utility>

#include "net/by_service.h"
#include "support/hash.h"

namespace hcipol::net {

std::size_t ContentHash::operator()(const PeerSet& set) const {
  std::uint64_t hash = set.names.others() ? 1 : 0;
  for (const AddressRange& range : set.addresses.ranges()) {
    mix(hash, range.first.high ^ static_cast<std::uint64_t>(range.first.family));
    mix(hash, range.first.low);
    mix(hash, range.last.high);
    mix(hash, range.last.low);
  }
  for (const auto& [pattern, included] : set.names.entries()) {
    mix(hash, std::hash<std::string>()(pattern.name));
    mix(hash, (pattern.wildcard ? 2U : 0U) | (included ? 1U : 0U));
  }
  return static_cast<std::size_t>(hash);
}

std::size_t ContentHash::operator()(const ServiceSet& set) const {
  return ServiceSetHash()(set);
}

PacketUniverse::Impl::Fields PacketUniverse::Impl::fields_of(std::span<const Box> boxes) {
  Fields fields;
  for (const Box& box : boxes) {
    fields.from.number(box.from);
    fields.to.number(box.to);
    fields.service.number(box.service);
  }
  return fields;
}

PacketUniverse::Impl::Impl(Fields known, std::size_t edge_limit)
    : fields(std::move(known)),
      from(fields.from.sets()),
      to(fields.to.sets()),
      service(fields.service.sets()),
      diagram(
          [this] {
            Codes counts{};
            counts[from_axis] = from.atoms();
            counts[to_axis] = to.atoms();
            counts[service_axis] = service.atoms();
            return counts;
          }(),
          edge_limit) {}

template <class Axis, class Set>
Diagram::Ref PacketUniverse::Impl::restrict(std::size_t axis, const Axis& atoms,
                                            DistinctSets<Set>& known, const Set& set,
                                            Diagram::Ref then) {
  const std::uint32_t number = known.number(set);
  const std::uint64_t key = std::uint64_t{number} << 32 | then;
  if (const std::uint32_t node = restricted_[axis].find(key); node != IdTable::absent) return node;

  if (atoms_[axis].size() <= number) atoms_[axis].resize(known.sets().size());
  std::optional<Runs>& runs = atoms_[axis][number];
  if (!runs) runs = atoms.atoms_of(set);
  const Diagram::Ref node = diagram.restrict(axis, *runs, then);
  restricted_[axis].add(key, node);
  return node;
}

Diagram::Ref PacketUniverse::Impl::of(const Box& box) {
  Diagram::Ref set = Diagram::all;
  for (std::size_t axis = axis_count; axis-- > 0;) {
    if (axis == from_axis) set = restrict(axis, from, fields.from, box.from, set);
    if (axis == to_axis) set = restrict(axis, to, fields.to, box.to, set);
    if (axis == service_axis) set = restrict(axis, service, fields.service, box.service, set);
  }
  return set;
}

Diagram::Ref PacketUniverse::Impl::of(std::span<const Box> boxes) {
  if (boxes.empty()) return Diagram::none;
  if (boxes.size() == 1) return of(boxes.front());
  // Halving keeps both operands small; adding one box at a time would walk the whole union each
  // time.
  const std::size_t half = boxes.size() / 2;
  const Diagram::Ref left = of(boxes.first(half));
  return diagram.unite(left, of(boxes.subspan(half)));
}

double PacketUniverse::Impl::size(const Box& box) {
  const auto along = [this](std::size_t axis, std::uint32_t number) {
    double atoms = 0;
    for (const Run& run : *atoms_[axis][number]) atoms += run.last - run.first + 1.0;
    return atoms;
  };
  return along(from_axis, fields.from.number(box.from)) * along(to_axis, fields.to.number(box.to)) *
         along(service_axis, fields.service.number(box.service));
}

Codes PacketUniverse::Impl::codes_of(const Packet& packet) const {
  Codes codes{};
  codes[from_axis] = from.atom_of(packet.from);
  codes[to_axis] = to.atom_of(packet.to);
  codes[service_axis] = service.atom_of(packet.service);
  return codes;
}

Packet PacketUniverse::Impl::example(const Codes& codes) const {
  return {from.example(codes[from_axis]), to.example(codes[to_axis]),
          service.example(codes[service_axis])};
}

PacketUniverse::PacketUniverse(std::span<const Box> boxes, std::size_t edge_limit)
    : impl_(std::make_unique<Impl>(Impl::fields_of(boxes), edge_limit)) {}
PacketUniverse::~PacketUniverse() = default;
PacketUniverse::PacketUniverse(PacketUniverse&&) noexcept = default;
PacketUniverse& PacketUniverse::operator=(PacketUniverse&&) noexcept = default;

PacketSet PacketUniverse::none() const {
  return {impl_.get(), Diagram::none};
}

PacketSet PacketUniverse::all() const {
  return {impl_.get(), Diagram::all};
}

PacketSet PacketUniverse::of(const Box& box) {
  return {impl_.get(), impl_->of(box)};
}

PacketSet PacketUniverse::of(std::span<const Box> boxes) {
  return {impl_.get(), impl_->of(boxes)};
}

std::size_t PacketUniverse::edges() const {
  return impl_->diagram.edges();
}

}  // namespace hcipol::net
