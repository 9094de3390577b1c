// Sets of one member, and services of one range, are most of all: they have a table of their own.
#include "flow/shapes.h"

#include <algorithm>
#include <tuple>

namespace hcipol::flow {

namespace {

template <class Value, class Map>
Number number_of(const Value& value, Map& known, std::deque<Value>& values) {
  const auto [place, fresh] = known.try_emplace(value, static_cast<Number>(values.size()));
  if (fresh) values.push_back(value);
  return place->second;
}

/// By a key that is all of the value.
template <class Value>
Number number_of(std::uint64_t key, const Value& value, net::IdTable& known,
                 std::deque<Value>& values) {
  const Number number = known.find_or_add(key, static_cast<Number>(values.size()));
  if (number == values.size()) values.push_back(value);
  return number;
}

}  // namespace

Sets as_set(Sets sets) {
  if (sets.size() < 2) return sets;
  std::sort(sets.begin(), sets.end(), [](const NamedSet* a, const NamedSet* b) {
    return std::tie(a->name, a->span) < std::tie(b->name, b->span);
  });
  sets.erase(std::unique(sets.begin(), sets.end()), sets.end());
  return sets;
}

Pairs::Found Pairs::of(Number a, Number b) {
  const Number number = table_.find_or_add(std::uint64_t{a} << 32 | b, count_);
  if (number != count_) return {number, false};
  return {count_++, true};
}

Number Numbers::of(const Sets& sets) {
  if (sets.size() != 1) return number_of(as_set(sets), lists_, sets_);
  const auto key = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(sets.front()));
  return number_of(key, sets, singles_, sets_);
}

Number Numbers::of(const net::ServiceSet& service) {
  const auto ranges = service.ranges();
  if (ranges.size() != 1) return number_of(service, range_lists_, services_);
  const std::uint64_t key = std::uint64_t{ranges[0].first} << 32 | ranges[0].last;
  return number_of(key, service, ranges_, services_);
}

}  // namespace hcipol::flow
