// Host names, wildcard patterns, and the set algebra over them.
#include "net/domain_set.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "net/address.h"
#include "support/bug.h"
#include "support/text.h"

namespace hcipol::net {
namespace {

bool entry_before(const DomainSet::Entry& a, const DomainSet::Entry& b) {
  return by_suffix(a.pattern, b.pattern) < 0;
}

/// The entry of exactly this pattern, or nothing.
const DomainSet::Entry* find(std::span<const DomainSet::Entry> entries,
                             const DomainPattern& pattern) {
  const auto at = std::lower_bound(entries.begin(), entries.end(), pattern,
                                   [](const DomainSet::Entry& e, const DomainPattern& p) {
                                     return by_suffix(e.pattern, p) < 0;
                                   });
  return at != entries.end() && at->pattern == pattern ? &*at : nullptr;
}

/// Of two times eight characters, by which bits differ: how many at the end are the same.
std::size_t same_at_end(std::uint64_t difference) {
  const bool last_is_highest = std::endian::native == std::endian::little;
  const int bits = last_is_highest ? std::countl_zero(difference) : std::countr_zero(difference);
  return static_cast<std::size_t>(bits) / 8;
}

bool is_label_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

std::optional<std::string> label_fault(std::string_view label) {
  if (label.empty()) return "a label is empty";
  if (label.size() > 63) return "a label is longer than 63 characters";
  if (label.find('*') != std::string_view::npos) {
    return "a `*` can only stand alone in the leftmost label";
  }
  if (!std::all_of(label.begin(), label.end(), is_label_character)) {
    return "a label has a character other than letters, digits, `-` and `_`";
  }
  if (label.front() == '-' || label.back() == '-') return "a label starts or ends with `-`";
  return std::nullopt;
}

/// A wildcard that covers what the walk is at, and what each of the three sets says below it.
struct Enclosing {
  const std::string* suffix;
  bool in_a;
  bool in_b;
  bool in_result;
};

/// " except x and y": what is taken out of what encloses it, from entry `i` to the first that is
/// not below `suffix`; no suffix encloses everything. `entries[i]` is the first entry below.
std::string exceptions(std::span<const DomainSet::Entry> entries, std::size_t i,
                       const std::string* suffix) {
  std::string text;
  while (i < entries.size() && (!suffix || is_below(entries[i].pattern.name, *suffix))) {
    const DomainPattern& outer = entries[i].pattern;
    text += (text.empty() ? " except " : " and ") + to_string(outer);
    // What is let in again below an exception is listed on its own.
    ++i;
    while (i < entries.size() && covers(outer, entries[i].pattern)) ++i;
  }
  return text;
}

}  // namespace

std::optional<std::string> pattern_fault(std::string_view text) {
  if (text.empty()) return "it is empty";
  if (text.size() > 253) return "it is longer than 253 characters";
  if (parse_address(text)) return "it is an address";
  const std::vector<std::string_view> labels = split(text, '.');
  if (labels.back().empty() && labels.size() > 1) return "it ends with a dot";
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (i == 0 && labels[i] == "*") continue;
    if (auto fault = label_fault(labels[i])) return fault;
  }
  if (labels.size() < 2) return "it has only one label";
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (std::all_of(labels.back().begin(), labels.back().end(), is_digit)) {
    return "its last label is a number, as in an address";
  }
  return std::nullopt;
}

std::optional<DomainPattern> parse_pattern(std::string_view text) {
  return pattern_fault(text) ? std::nullopt : std::optional(pattern_of(text));
}

DomainPattern pattern_of(std::string_view text) {
  const bool wildcard = text.starts_with("*.");
  return {to_lower(wildcard ? text.substr(2) : text), wildcard};
}

std::string to_string(const DomainPattern& pattern) {
  return pattern.wildcard ? "*." + pattern.name : pattern.name;
}

bool covers(const DomainPattern& outer, const DomainPattern& inner) {
  return outer == inner || (outer.wildcard && is_below(inner.name, outer.name));
}

bool is_below(std::string_view name, std::string_view suffix) {
  return name.size() > suffix.size() && name.ends_with(suffix) &&
         name[name.size() - suffix.size() - 1] == '.';
}

/// From the last character to the first. A dot sorts before every other character, so that all
/// names below a suffix come right after it.
std::strong_ordering by_suffix(std::string_view a, std::string_view b) {
  const std::size_t common = std::min(a.size(), b.size());
  std::size_t same = 0;  // characters at the end
  // Most names share a long suffix, so eight characters at once.
  constexpr std::size_t step = sizeof(std::uint64_t);
  const auto eight_of = [&](std::string_view text) {
    std::uint64_t out = 0;
    std::memcpy(&out, text.data() + text.size() - same - step, step);
    return out;
  };
  while (same + step <= common) {
    const std::uint64_t difference = eight_of(a) ^ eight_of(b);
    same += same_at_end(difference);
    if (difference != 0) break;
  }
  while (same < common && a[a.size() - same - 1] == b[b.size() - same - 1]) ++same;
  if (same < common) {
    const char x = a[a.size() - same - 1];
    const char y = b[b.size() - same - 1];
    if (x == '.') return std::strong_ordering::less;
    if (y == '.') return std::strong_ordering::greater;
    return static_cast<unsigned char>(x) <=> static_cast<unsigned char>(y);
  }
  return a.size() <=> b.size();
}

std::strong_ordering by_suffix(const DomainPattern& a, const DomainPattern& b) {
  const auto order = by_suffix(a.name, b.name);
  return order != 0 ? order : a.wildcard <=> b.wildcard;
}

/// Walks the patterns of both sets in by_suffix order, knowing at each what encloses it, and keeps
/// those where `keep` of the two memberships differs from what the result says around them.
template <class Keep>
DomainSet DomainSet::combined(const DomainSet& a, const DomainSet& b, Keep keep) {
  DomainSet result;
  result.others_ = keep(a.others_, b.others_);
  std::vector<Enclosing> enclosing = {{nullptr, a.others_, b.others_, result.others_}};

  // An intersection mostly keeps far less than either has.
  result.entries_.reserve((keep(true, false) ? a.entries_.size() : 0) +
                          (keep(false, true) ? b.entries_.size() : 0));
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.entries_.size() || j < b.entries_.size()) {
    const Entry* x = i < a.entries_.size() ? &a.entries_[i] : nullptr;
    const Entry* y = j < b.entries_.size() ? &b.entries_[j] : nullptr;
    if (x && y) {
      const auto order = by_suffix(x->pattern, y->pattern);
      if (order < 0) y = nullptr;
      if (order > 0) x = nullptr;
    }
    i += x != nullptr;
    j += y != nullptr;

    const DomainPattern& pattern = x ? x->pattern : y->pattern;
    while (enclosing.back().suffix && !is_below(pattern.name, *enclosing.back().suffix)) {
      enclosing.pop_back();
    }
    const Enclosing around = enclosing.back();
    const bool in_a = x ? x->included : around.in_a;
    const bool in_b = y ? y->included : around.in_b;
    const bool in_result = keep(in_a, in_b);
    if (in_result != around.in_result) result.entries_.push_back({pattern, in_result});
    if (pattern.wildcard) enclosing.push_back({&pattern.name, in_a, in_b, in_result});
  }
  return result;
}

DomainSet::DomainSet(DomainPattern pattern) : entries_{{std::move(pattern), true}} {}

DomainSet DomainSet::of(std::vector<DomainPattern> patterns) {
  std::vector<Entry> entries;
  entries.reserve(patterns.size());
  for (DomainPattern& pattern : patterns) entries.push_back({std::move(pattern), true});
  return of(false, std::move(entries));
}

DomainSet DomainSet::of(bool others, std::vector<Entry> entries) {
  std::sort(entries.begin(), entries.end(), entry_before);
  entries.erase(std::unique(entries.begin(), entries.end()), entries.end());
  const auto same_pattern = [](const Entry& a, const Entry& b) { return a.pattern == b.pattern; };
  if (std::adjacent_find(entries.begin(), entries.end(), same_pattern) != entries.end()) {
    bug("a pattern both in and out of a set of names");
  }
  DomainSet set;
  set.others_ = others;
  set.entries_ = std::move(entries);
  // The walk leaves out the entries that change nothing.
  return combined(set, DomainSet(), [](bool in_a, bool) { return in_a; });
}

DomainSet DomainSet::all() {
  DomainSet set;
  set.others_ = true;
  return set;
}

bool DomainSet::is_union() const {
  return !others_ && std::all_of(entries_.begin(), entries_.end(),
                                 [](const Entry& entry) { return entry.included; });
}

std::vector<DomainPattern> DomainSet::patterns() const {
  std::vector<DomainPattern> out;
  for (const Entry& entry : entries_) {
    if (entry.included) out.push_back(entry.pattern);
  }
  std::sort(out.begin(), out.end());
  return out;
}

bool DomainSet::contains(std::string_view host) const {
  DomainPattern pattern{std::string(host), false};
  if (const Entry* entry = find(entries_, pattern)) return entry->included;
  pattern.wildcard = true;
  for (;;) {
    const std::size_t dot = pattern.name.find('.');
    if (dot == std::string::npos) return others_;
    pattern.name.erase(0, dot + 1);
    if (const Entry* entry = find(entries_, pattern)) return entry->included;
  }
}

// Most sets of peers have no names at all, or every one; those need no walk.

bool DomainSet::contains(const DomainSet& other) const {
  return is_all() || other.empty() || (other - *this).empty();
}

bool DomainSet::intersects(const DomainSet& other) const {
  if (is_all() || other.is_all()) return !empty() && !other.empty();
  return !(*this & other).empty();
}

DomainSet operator|(const DomainSet& a, const DomainSet& b) {
  if (a.empty() || b.is_all()) return b;
  if (b.empty() || a.is_all()) return a;
  return DomainSet::combined(a, b, [](bool in_a, bool in_b) { return in_a || in_b; });
}

DomainSet operator&(const DomainSet& a, const DomainSet& b) {
  if (a.empty() || b.is_all()) return a;
  if (b.empty() || a.is_all()) return b;
  return DomainSet::combined(a, b, [](bool in_a, bool in_b) { return in_a && in_b; });
}

DomainSet operator-(const DomainSet& a, const DomainSet& b) {
  if (a.empty() || b.empty()) return a;
  return DomainSet::combined(a, b, [](bool in_a, bool in_b) { return in_a && !in_b; });
}

std::string to_string(const DomainSet& set) {
  if (set.empty()) return "none";
  std::string text;
  const auto entries = set.entries();
  if (set.others()) text = "any name" + exceptions(entries, 0, nullptr);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto& [pattern, included] = entries[i];
    if (!included) continue;
    if (!text.empty()) text += text.find(" except ") == std::string::npos ? ", " : "; ";
    text += to_string(pattern);
    if (pattern.wildcard) text += exceptions(entries, i + 1, &pattern.name);
  }
  return text;
}

}  // namespace hcipol::net
