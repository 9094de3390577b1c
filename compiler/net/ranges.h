// The one algebra of sorted, disjoint, non-adjacent ranges, for addresses and for services.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

/// `Axis` says what a range is: `Axis::Range` with `first` and `last`, both included, and the
/// neighbours `Axis::next(point)` and `Axis::previous(point)`, which are nothing where the axis (or
/// a part of it that ranges do not cross) ends. All inputs and outputs but normalised()'s are in
/// the normal form; all but normalised() are linear.
namespace hcipol::net::ranges {

/// Adds a range that starts no earlier than the last one did.
template <class Axis, class Range = typename Axis::Range>
void append(std::vector<Range>& out, const Range& range) {
  if (out.empty()) {
    out.push_back(range);
    return;
  }
  Range& back = out.back();
  if (range.first <= back.last || Axis::next(back.last) == std::optional(range.first)) {
    back.last = std::max(back.last, range.last);
  } else {
    out.push_back(range);
  }
}

template <class Axis, class Range = typename Axis::Range>
std::vector<Range> normalised(std::vector<Range> input) {
  if (input.size() < 2) return input;
  std::sort(input.begin(), input.end());
  std::vector<Range> out;
  out.reserve(input.size());
  for (const Range& range : input) append<Axis>(out, range);
  return out;
}

template <class Axis, class Range = typename Axis::Range>
std::vector<Range> unite(std::span<const Range> a, std::span<const Range> b) {
  std::vector<Range> out;
  out.reserve(a.size() + b.size());
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.size() || j < b.size()) {
    const bool take_a = j == b.size() || (i < a.size() && a[i].first <= b[j].first);
    append<Axis>(out, take_a ? a[i++] : b[j++]);
  }
  return out;
}

template <class Axis, class Range = typename Axis::Range>
std::vector<Range> intersect(std::span<const Range> a, std::span<const Range> b) {
  std::vector<Range> out;
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.size() && j < b.size()) {
    const auto first = std::max(a[i].first, b[j].first);
    const auto last = std::min(a[i].last, b[j].last);
    if (first <= last) out.push_back({first, last});
    if (a[i].last < b[j].last) {
      ++i;
    } else {
      ++j;
    }
  }
  return out;
}

template <class Axis, class Range = typename Axis::Range>
std::vector<Range> subtract(std::span<const Range> a, std::span<const Range> b) {
  std::vector<Range> out;
  std::size_t j = 0;
  for (Range rest : a) {
    while (j < b.size() && b[j].last < rest.first) ++j;
    bool left = true;
    for (std::size_t k = j; left && k < b.size() && b[k].first <= rest.last; ++k) {
      if (b[k].first > rest.first) out.push_back({rest.first, *Axis::previous(b[k].first)});
      left = b[k].last < rest.last;
      if (left) rest.first = *Axis::next(b[k].last);
      j = k;
    }
    if (left) out.push_back(rest);
  }
  return out;
}

template <class Range>
bool meet(std::span<const Range> a, std::span<const Range> b) {
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.size() && j < b.size()) {
    if (a[i].last < b[j].first) {
      ++i;
    } else if (b[j].last < a[i].first) {
      ++j;
    } else {
      return true;
    }
  }
  return false;
}

/// Every range of `inner` lies in one range of `outer`; being normal, no two can share it.
template <class Range>
bool include(std::span<const Range> outer, std::span<const Range> inner) {
  std::size_t i = 0;
  for (const Range& range : inner) {
    while (i < outer.size() && outer[i].last < range.first) ++i;
    if (i == outer.size() || outer[i].first > range.first || outer[i].last < range.last) {
      return false;
    }
  }
  return true;
}

}  // namespace hcipol::net::ranges
