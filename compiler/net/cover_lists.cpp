// Of a long list only the boxes that may meet others are looked at. Short lists: single packets
// decide nearly all, and a universe is made for the rest alone.
#include <algorithm>
#include <optional>

#include "net/cover.h"
#include "net/islands.h"
#include "net/random.h"
#include "support/bug.h"

namespace hcipol::net {
namespace {

/// From here on, n² comparisons cost more than the unions of all boxes.
constexpr std::size_t short_list = 1000;
/// Packets of a box that are tried before it goes to a universe.
constexpr int tries = 12;

using Numbers = std::vector<std::size_t>;

template <class T>
const T& pick(std::span<const T> list, std::uint64_t& random) {
  return list[draw(random, static_cast<std::uint32_t>(list.size()))];
}

Address pick(const AddressRange& range, std::uint64_t& random) {
  const std::uint64_t width = range.last.low - range.first.low;
  switch (draw(random, 3)) {
    case 0: return range.first;
    case 1: return range.last;
    default: break;
  }
  if (range.first.high != range.last.high || width >= 0xffff'ffff) return range.first;
  Address inside = range.first;
  inside.low += draw(random, static_cast<std::uint32_t>(width) + 1);
  return inside;
}

/// Not always a member: a longer pattern can take out again what a wildcard has.
Endpoint pick(const PeerSet& set, std::uint64_t& random) {
  const auto ranges = set.addresses.ranges();
  const auto entries = set.names.entries();
  const bool named = ranges.empty() || (!set.names.empty() && draw(random, 4) == 0);
  if (!named) return pick(pick(ranges, random), random);
  if (entries.empty()) return std::string("host.invalid");
  const DomainPattern& pattern = pick(entries, random).pattern;
  return pattern.wildcard ? "host." + pattern.name : pattern.name;
}

std::optional<Packet> pick(const Box& box, std::uint64_t& random) {
  const ServiceRange& range = pick(box.service.ranges(), random);
  const std::uint32_t service = range.first + draw(random, range.last - range.first + 1);
  Packet packet{pick(box.from, random), pick(box.to, random), service};
  if (!contains(box, packet)) return std::nullopt;
  return packet;
}

class ShortList {
 public:
  explicit ShortList(std::span<const Box> boxes)
      : boxes_(boxes),
        answers_(boxes.size()),
        containers_(boxes.size()),
        neighbours_(boxes.size()) {
    for (const Box& box : boxes) {
      if (is_empty(box)) bug("an empty box in a list");
    }
  }

  std::vector<Numbers> run() {
    relate();
    Numbers doubtful;
    for (std::size_t i = 0; i < boxes_.size(); ++i) {
      if (containers_[i].empty() && !proved_needed(i)) doubtful.push_back(i);
    }
    if (!doubtful.empty()) decide(doubtful);
    for (std::size_t i = 0; i < boxes_.size(); ++i) {
      if (!containers_[i].empty()) answers_[i] = blockers(i);
    }
    return std::move(answers_);
  }

 private:
  void relate() {
    for (std::size_t i = 0; i < boxes_.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (!intersects(boxes_[i], boxes_[j])) continue;
        neighbours_[i].push_back(j);
        neighbours_[j].push_back(i);
        if (contains(boxes_[j], boxes_[i])) {
          containers_[i].push_back(j);
        } else if (contains(boxes_[i], boxes_[j])) {
          containers_[j].push_back(i);
        }
      }
    }
  }

  bool proved_needed(std::size_t number) {
    const Numbers& others = neighbours_[number];
    if (others.empty()) return true;
    for (int i = 0; i < tries; ++i) {
      const std::optional<Packet> packet = pick(boxes_[number], random_);
      if (packet && std::none_of(others.begin(), others.end(), [&](std::size_t other) {
            return containers_[other].empty() && contains(boxes_[other], *packet);
          })) {
        return true;
      }
    }
    return false;
  }

  /// Of boxes that no single one contains, by a universe of them and of what they meet.
  void decide(const Numbers& doubtful) {
    Numbers numbers = doubtful;
    for (const std::size_t number : doubtful) {
      for (const std::size_t other : neighbours_[number]) {
        if (containers_[other].empty()) numbers.push_back(other);
      }
    }
    std::sort(numbers.begin(), numbers.end());
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
    const std::vector<Box> boxes = boxes_of(numbers);
    PacketUniverse universe(boxes);
    const std::vector<Numbers> found = covers(universe, boxes);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      for (const std::size_t other : found[i]) answers_[numbers[i]].push_back(numbers[other]);
    }
  }

  /// Of a box that others contain: the first of them that is kept. If none is, what covers one of
  /// them, or as much of it as it takes.
  Numbers blockers(std::size_t number) const {
    const Numbers* instead = nullptr;
    for (const std::size_t other : containers_[number]) {
      if (!containers_[other].empty()) continue;  // then what contains it is here as well
      if (answers_[other].empty()) return {other};
      if (instead == nullptr) instead = &answers_[other];
    }
    std::vector<Box> boxes = boxes_of(*instead);
    boxes.push_back(boxes_[number]);
    PacketUniverse universe(boxes);
    const auto by = std::span(boxes).first(instead->size());
    const auto found = cover(universe, boxes.back(), by);
    if (!found) bug("a covered box that the others do not cover");
    Numbers out;
    for (const std::size_t other : *found) out.push_back((*instead)[other]);
    return out;
  }

  std::vector<Box> boxes_of(const Numbers& numbers) const {
    std::vector<Box> boxes;
    for (const std::size_t number : numbers) boxes.push_back(boxes_[number]);
    return boxes;
  }

  std::span<const Box> boxes_;
  std::vector<Numbers> answers_;
  /// By box, ascending: the others that contain it, and of equal boxes the earlier ones.
  std::vector<Numbers> containers_;
  std::vector<Numbers> neighbours_;  ///< by box: the others that share packets with it
  std::uint64_t random_ = 0;         ///< always the same: answers must not change from run to run
};

}  // namespace

std::vector<std::vector<std::size_t>> covers(std::span<const Box> boxes) {
  if (boxes.size() <= short_list) return ShortList(boxes).run();
  if (std::any_of(boxes.begin(), boxes.end(), is_empty)) bug("an empty box in a list");
  const Numbers numbers = not_alone(boxes);
  std::vector<Box> near;
  near.reserve(numbers.size());
  for (const std::size_t number : numbers) near.push_back(boxes[number]);
  std::vector<Numbers> found;
  if (near.size() <= short_list) {
    found = ShortList(near).run();
  } else {
    PacketUniverse universe(near);
    found = covers(universe, near);
  }
  std::vector<Numbers> out(boxes.size());
  for (std::size_t i = 0; i < near.size(); ++i) {
    for (const std::size_t other : found[i]) out[numbers[i]].push_back(numbers[other]);
  }
  return out;
}

}  // namespace hcipol::net
