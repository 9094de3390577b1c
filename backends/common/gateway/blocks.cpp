// A binary tree of prefixes that is never built: places in order, and where they part.
#include "backends/common/gateway/blocks.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <tuple>
#include <utility>

namespace hcipol::backends::gateway {

namespace {

using net::Family;

constexpr unsigned service_bits = 24;

bool bit(const net::Address& address, unsigned index) {
  if (address.family == Family::ipv4) return (address.low >> (31 - index) & 1) != 0;
  return ((index < 64 ? address.high >> (63 - index) : address.low >> (127 - index)) & 1) != 0;
}

/// How many bits of two addresses of a family are the same, from the first on.
unsigned common_bits(const net::Address& a, const net::Address& b) {
  if (a.family == Family::ipv4)
    return static_cast<unsigned>(std::countl_zero(static_cast<std::uint32_t>(a.low ^ b.low)));
  const int high = std::countl_zero(a.high ^ b.high);
  return static_cast<unsigned>(high < 64 ? high : 64 + std::countl_zero(a.low ^ b.low));
}

Block service_block(std::uint32_t point, unsigned length) {
  return {net::first_of({Family::ipv4, 0, std::uint64_t{point} << 8}, length), length};
}

class Cutter {
 public:
  Cutter(std::span<const Placed> placed, std::size_t items, std::size_t most, Axis axis)
      : placed_(placed.begin(), placed.end()),
        most_(most),
        axis_(axis),
        seen_(items),
        kept_(items) {}

  Blocks run() {
    std::sort(placed_.begin(), placed_.end(), [](const Placed& a, const Placed& b) {
      return std::tie(a.place, a.item) < std::tie(b.place, b.item);
    });
    split(0, placed_.size(), 0);
    Blocks out;
    // Who lies outside of a group as well stays outside with all of it.
    for (Group& group : groups_) {
      std::erase_if(group.items, [&](std::size_t item) { return kept_[item]; });
      if (!group.items.empty()) out.groups.push_back(std::move(group));
    }
    for (std::size_t item = 0; item < kept_.size(); ++item) {
      if (kept_[item]) out.rest.push_back(item);
    }
    return out;
  }

 private:
  /// Places `first` … `end` - 1, all of them in one block of that length.
  void split(std::size_t first, std::size_t end, unsigned length) {
    if (first == end) return;
    const net::Address& low = placed_[first].place.network;
    const Block block{net::first_of(low, length), length};
    const bool legal = axis_ == Axis::addresses || can_ask_for(block);
    if (legal && fits(first, end)) return take(first, end, block);
    const unsigned parts =
        std::min(common_bits(low, placed_[end - 1].place.network), placed_[first].place.length);
    if (parts > length) {
      // As short as can be, so that others may come between.
      const bool fits_below = !legal && fits(first, end);
      return split(first, end, fits_below ? length + 1 : parts);
    }
    std::size_t own = first;
    while (own < end && placed_[own].place.length == length) ++own;
    if (own == end) return take(first, end, block);
    for (; first < own; ++first) kept_[placed_[first].item] = true;
    const auto from = placed_.begin();
    const auto middle = std::partition_point(
        from + static_cast<std::ptrdiff_t>(first), from + static_cast<std::ptrdiff_t>(end),
        [&](const Placed& one) { return !bit(one.place.network, length); });
    const auto at = static_cast<std::size_t>(middle - from);
    split(first, at, length + 1);
    split(at, end, length + 1);
  }

  bool fits(std::size_t first, std::size_t end) {
    if (end - first <= most_) return true;
    ++round_;
    std::size_t count = 0;
    for (std::size_t i = first; i < end && count <= most_; ++i) {
      std::uint32_t& seen = seen_[placed_[i].item];
      if (seen != round_) ++count;
      seen = round_;
    }
    return count <= most_;
  }

  void take(std::size_t first, std::size_t end, const Block& block) {
    Group& group = groups_.emplace_back(Group{block, {}});
    for (std::size_t i = first; i < end; ++i) group.items.push_back(placed_[i].item);
    std::sort(group.items.begin(), group.items.end());
    group.items.erase(std::unique(group.items.begin(), group.items.end()), group.items.end());
  }

  std::vector<Placed> placed_;
  std::size_t most_;
  Axis axis_;
  std::vector<std::uint32_t> seen_;  ///< by item: in which round
  std::uint32_t round_ = 0;
  std::vector<bool> kept_;
  std::vector<Group> groups_;
};

/// Narrower than this, a list is about one place. Networks of companies are wider.
unsigned narrow(Family family) {
  return family == Family::ipv4 ? 16 : 44;
}

constexpr std::size_t most_covers = 8;

}  // namespace

bool can_ask_for(const Block& services) {
  return services.length == protocol_bits ||
         (services.length > protocol_bits && net::has_ports(protocol_of(services)));
}

std::vector<Block> blocks_of(std::uint8_t protocol, net::PortRange numbers) {
  const std::uint32_t base = std::uint32_t{protocol} << 16;
  if (!net::has_ports(protocol)) return {service_block(base, protocol_bits)};
  const unsigned size = numbers.last - numbers.first + 1U;
  const auto length = service_bits - static_cast<unsigned>(std::bit_width(size - 1));
  std::vector<Block> out{service_block(base + numbers.first, length)};
  const Block last = service_block(base + numbers.last, length);
  if (last != out.front()) out.push_back(last);
  return out;
}

std::uint8_t protocol_of(const Block& services) {
  return static_cast<std::uint8_t>(services.network.low >> 24);
}

net::PortRange ports_of(const Block& services) {
  const auto number = [](const net::Address& address) {
    return static_cast<std::uint16_t>(address.low >> 8);
  };
  return {number(services.network), number(net::last_of(services.network, services.length))};
}

std::string to_text(const Block& services) {
  const std::string protocol = net::protocol_name(protocol_of(services));
  if (services.length == protocol_bits) return protocol;
  const net::PortRange ports = ports_of(services);
  if (ports.first == ports.last) return fmt::format("{}.{}", protocol, ports.first);
  return fmt::format("{}.{}-{}", protocol, ports.first, ports.last);
}

std::vector<Block> cover(std::span<const net::Cidr> prefixes) {
  struct Piece {
    Block hull;
    std::span<const net::Cidr> members;
  };
  const auto piece = [](std::span<const net::Cidr> members) {
    const net::Cidr& first = members.front();
    const unsigned length =
        std::min(common_bits(first.network, members.back().network), first.length);
    return Piece{{net::first_of(first.network, length), length}, members};
  };
  std::vector<Piece> pieces{piece(prefixes)};
  const unsigned enough = narrow(prefixes.front().network.family);
  for (;;) {
    const auto widest = std::min_element(
        pieces.begin(), pieces.end(),
        [](const Piece& a, const Piece& b) { return a.hull.length < b.hull.length; });
    if (widest->hull.length >= enough || widest->members.size() == 1) break;
    // More places than are worth a line each: one that holds them all.
    if (pieces.size() == most_covers) return {piece(prefixes).hull};
    const auto members = widest->members;
    const auto middle = std::partition_point(
        members.begin(), members.end(),
        [&](const net::Cidr& one) { return !bit(one.network, widest->hull.length); });
    const auto at = static_cast<std::size_t>(middle - members.begin());
    *widest = piece(members.first(at));
    pieces.push_back(piece(members.subspan(at)));
  }
  std::vector<Block> out;
  for (const Piece& each : pieces) out.push_back(each.hull);
  std::sort(out.begin(), out.end());
  return out;
}

const Block* sole_place(std::span<const Placed> placed, std::size_t item) {
  const auto first = std::partition_point(placed.begin(), placed.end(),
                                          [&](const Placed& one) { return one.item < item; });
  if (first == placed.end() || first->item != item) return nullptr;
  const bool more = first + 1 != placed.end() && (first + 1)->item == item;
  return more ? nullptr : &first->place;
}

Blocks cut(std::span<const Placed> placed, std::size_t items, std::size_t most, Axis axis) {
  return Cutter(placed, items, most, axis).run();
}

}  // namespace hcipol::backends::gateway
