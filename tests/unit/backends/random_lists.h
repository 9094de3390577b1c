// Lists of rules for tests of what readers return, and a loop that walks one packet through them.
#pragma once

#include <random>
#include <vector>

#include "backends/common/reading.h"

namespace hcipol::backends::testing {

using Act = ReadRule::Act;

enum class Fate { allowed, denied, left, nothing };

/// What becomes of a packet in a list: it stops (`left`), or comes out at the end (`nothing`).
inline Fate walk(const std::vector<RuleList>& lists, std::uint32_t list,
                 const net::Packet& packet) {
  for (const ReadRule& rule : lists[list]) {
    const net::Box box{*rule.from, *rule.to, *rule.service};
    if (!net::contains(box, packet)) continue;
    if (rule.act == Act::allow) return Fate::allowed;
    if (rule.act == Act::deny) return Fate::denied;
    if (rule.act == Act::leave) return Fate::left;
    const Fate inner = walk(lists, rule.list, packet);
    if (inner == Fate::allowed || inner == Fate::denied) return inner;
    if (rule.act == Act::go) return Fate::left;
  }
  return Fate::nothing;
}

inline net::Address address(unsigned last) {
  return {net::Family::ipv4, 0, 0x0a00'0000U + last};
}

class RandomLists {
 public:
  explicit RandomLists(unsigned seed) : random_(seed) {
    for (std::uint32_t list = 0; list < 4; ++list) {
      RuleList& rules = lists.emplace_back();
      for (unsigned i = 0; i < 2 + pick(6); ++i) rules.push_back(rule(list));
    }
  }

  std::vector<RuleList> lists;

 private:
  unsigned pick(unsigned limit) { return static_cast<unsigned>(random_() % limit); }

  // Jumps lead to later lists only, as in circles they are refused.
  ReadRule rule(std::uint32_t list) {
    ReadRule out;
    out.act = static_cast<Act>(pick(list == 3 ? 3 : 5));
    if (list < 3) out.list = list + 1 + pick(3 - list);
    out.from = peers();
    out.to = peers();
    const auto port = static_cast<std::uint16_t>(pick(3));
    out.service =
        owner_.keep(net::ServiceSet::ports(6, port, static_cast<std::uint16_t>(port + pick(2))));
    return out;
  }
  const net::PeerSet* peers() {
    const unsigned first = pick(4);
    const net::AddressRange range{address(first), address(first + pick(3))};
    return owner_.keep(net::PeerSet{net::AddressSet(range), {}});
  }

  std::mt19937 random_;
  DeviceReading owner_;
};

}  // namespace hcipol::backends::testing
