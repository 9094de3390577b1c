// Many rules of one verdict as few: a device says rule by rule what the policy says of whole sets,
// and packet sets are quick with large sets and slow with many.
#pragma once

#include <span>
#include <unordered_map>
#include <vector>

#include "backends/common/reading.h"
#include "net/packet_universe.h"

namespace hcipol::backends {

/// Sets as pointers that are equal if and only if the sets are. A null pointer is everything.
template <class Set>
class Interned {
 public:
  const Set* keep(Set set);
  /// The same set, if it came from elsewhere. Its owner must keep it where it is.
  const Set* known(const Set* set);
  /// The union of sets that are known here; `sets` is left in some order.
  const Set* united(std::vector<const Set*>& sets);

 private:
  struct ListHash {
    std::size_t operator()(const std::vector<const Set*>& list) const;
  };

  std::unordered_map<Set, const Set*, net::ContentHash> by_content_;
  std::unordered_map<const Set*, const Set*> from_elsewhere_;
  std::unordered_map<std::vector<const Set*>, const Set*, ListHash> unions_;
};

struct SetPool {
  Interned<net::PeerSet> peers;
  Interned<net::ServiceSet> services;
};

struct Grouped {
  const net::PeerSet* from = nullptr;
  const net::PeerSet* to = nullptr;
  const net::ServiceSet* service = nullptr;

  friend bool operator==(const Grouped&, const Grouped&) = default;
};

/// Together they match exactly what `rules` match, which must not depend on each other's order.
/// Rules that are equal in two fields become one, the destinations first, which are most often
/// split on devices; then services and sources.
std::vector<Grouped> regrouped(std::span<const ReadRule> rules, SetPool& pool);
std::vector<Grouped> regrouped(std::vector<Grouped> rules, SetPool& pool);

}  // namespace hcipol::backends
