// Sets are compared by pointer, so a million rules cost three passes over a hash table and nothing
// is united twice.
#include "backends/common/regroup.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace hcipol::backends {

namespace {

using net::union_of;

net::ServiceSet union_of(const std::vector<const net::ServiceSet*>& sets) {
  std::vector<net::ServiceRange> ranges;
  for (const net::ServiceSet* set : sets) {
    const auto more = set->ranges();
    ranges.insert(ranges.end(), more.begin(), more.end());
  }
  return net::ServiceSet::of(std::move(ranges));
}

struct PairHash {
  template <class A, class B>
  std::size_t operator()(const std::pair<A, B>& pair) const {
    const auto first = static_cast<std::uint64_t>(std::hash<A>()(pair.first));
    const auto second = static_cast<std::uint64_t>(std::hash<B>()(pair.second));
    return static_cast<std::size_t>(
        (first * 0x9e37'79b9'7f4a'7c15 ^ second) * 0xff51'afd7'ed55'8ccd >> 16);
  }
};

/// Rules that `key` cannot tell apart become one; `value` is the field in which they differ.
template <class Key, class Set>
void join(std::vector<Grouped>& rules, Key key, const Set* Grouped::*value, Interned<Set>& sets) {
  using Pair = decltype(key(rules.front()));
  std::unordered_map<Pair, std::uint32_t, PairHash> places;
  places.reserve(rules.size());
  std::vector<Grouped> out;
  std::vector<std::vector<const Set*>> values;
  for (const Grouped& rule : rules) {
    const auto [place, fresh] =
        places.try_emplace(key(rule), static_cast<std::uint32_t>(out.size()));
    if (fresh) {
      out.push_back(rule);
      values.emplace_back();
    }
    values[place->second].push_back(rule.*value);
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (values[i].size() > 1) out[i].*value = sets.united(values[i]);
  }
  rules = std::move(out);
}

}  // namespace

template <class Set>
std::size_t Interned<Set>::ListHash::operator()(const std::vector<const Set*>& list) const {
  std::size_t sum = list.size();
  for (const Set* set : list) sum = sum * 0x0100'0000'01b3 + std::hash<const Set*>()(set);
  return sum;
}

template <class Set>
const Set* Interned<Set>::keep(Set set) {
  const auto [place, fresh] = by_content_.try_emplace(std::move(set), nullptr);
  if (fresh) place->second = &place->first;
  return place->second;
}

template <class Set>
const Set* Interned<Set>::known(const Set* set) {
  if (set == nullptr) return nullptr;
  const auto [place, fresh] = from_elsewhere_.try_emplace(set, nullptr);
  if (fresh) place->second = keep(*set);
  return place->second;
}

template <class Set>
const Set* Interned<Set>::united(std::vector<const Set*>& sets) {
  std::sort(sets.begin(), sets.end(), std::less<>());
  sets.erase(std::unique(sets.begin(), sets.end()), sets.end());
  if (sets.front() == nullptr) return nullptr;
  if (sets.size() == 1) return sets.front();
  const auto [place, fresh] = unions_.try_emplace(sets, nullptr);
  if (fresh) place->second = keep(union_of(sets));
  return place->second;
}

template class Interned<net::PeerSet>;
template class Interned<net::ServiceSet>;

std::vector<Grouped> regrouped(std::span<const ReadRule> rules, SetPool& pool) {
  std::vector<Grouped> out;
  out.reserve(rules.size());
  for (const ReadRule& rule : rules) {
    out.push_back({pool.peers.known(rule.from), pool.peers.known(rule.to),
                   pool.services.known(rule.service)});
  }
  return regrouped(std::move(out), pool);
}

std::vector<Grouped> regrouped(std::vector<Grouped> rules, SetPool& pool) {
  if (rules.size() < 2) return rules;
  join(
      rules, [](const Grouped& rule) { return std::pair(rule.from, rule.service); }, &Grouped::to,
      pool.peers);
  join(
      rules, [](const Grouped& rule) { return std::pair(rule.from, rule.to); }, &Grouped::service,
      pool.services);
  join(
      rules, [](const Grouped& rule) { return std::pair(rule.to, rule.service); }, &Grouped::from,
      pool.peers);
  return rules;
}

}  // namespace hcipol::backends
