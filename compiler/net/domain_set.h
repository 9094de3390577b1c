// Host names and one-star patterns as sets of names.
#pragma once

#include <compare>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hcipol::net {

/// A host name, or `*.suffix`: every name with one label or more before the suffix, and not the
/// suffix itself. Lower case, no trailing dot. The family of patterns is laminar: two patterns are
/// disjoint or one covers the other.
struct DomainPattern {
  std::string name;  ///< the host, or the suffix of a wildcard
  bool wildcard = false;

  friend auto operator<=>(const DomainPattern&, const DomainPattern&) = default;
};

/// Why a text is no pattern, as the rest of a sentence: "a label is longer than 63 characters".
/// Labels are letters, digits, `-` and `_`, 1 … 63 long, not starting or ending with `-`; at least
/// two labels, 253 characters in all; at most one `*`, alone in the leftmost label; not an address.
std::optional<std::string> pattern_fault(std::string_view text);
/// Nothing if pattern_fault(text) finds one. Upper case becomes lower case.
std::optional<DomainPattern> parse_pattern(std::string_view text);
/// The same of a text in which pattern_fault() finds nothing.
DomainPattern pattern_of(std::string_view text);
std::string to_string(const DomainPattern& pattern);

/// Every name of `inner` is one of `outer`.
bool covers(const DomainPattern& outer, const DomainPattern& inner);

/// The order in which a suffix comes right before the names below it: "a.example", "*.a.example",
/// "x.a.example", "b.example". What a wildcard covers follows it without a gap.
std::strong_ordering by_suffix(const DomainPattern& a, const DomainPattern& b);
/// The same of two names.
std::strong_ordering by_suffix(std::string_view a, std::string_view b);
/// One label or more and then `suffix`.
bool is_below(std::string_view name, std::string_view suffix);

/// Any set that patterns can build by union, intersection and difference: of the entries that match
/// a name the most specific decides, and where none does, `others()`. Entries are in by_suffix
/// order, and each differs from what would hold without it, so equal sets are equal values.
/// Operations are linear in the number of entries.
class DomainSet {
 public:
  struct Entry {
    DomainPattern pattern;
    bool included = true;

    friend auto operator<=>(const Entry&, const Entry&) = default;
  };

  DomainSet() = default;
  explicit DomainSet(DomainPattern pattern);
  static DomainSet of(std::vector<DomainPattern> patterns);
  static DomainSet all();
  /// The set that the entries describe, in any order and not necessarily all needed.
  static DomainSet of(bool others, std::vector<Entry> entries);

  bool empty() const { return !others_ && entries_.empty(); }
  bool is_all() const { return others_ && entries_.empty(); }
  /// Whether names that no entry matches are members.
  bool others() const { return others_; }
  std::span<const Entry> entries() const { return entries_; }
  /// True if the set is a union of patterns: nothing is taken out again, and it is not "all but".
  bool is_union() const;
  /// The included patterns, sorted by name; all there is to know when is_union().
  std::vector<DomainPattern> patterns() const;

  /// `host` is a name, not a pattern.
  bool contains(std::string_view host) const;
  bool contains(const DomainSet& other) const;
  bool intersects(const DomainSet& other) const;

  friend DomainSet operator|(const DomainSet& a, const DomainSet& b);
  friend DomainSet operator&(const DomainSet& a, const DomainSet& b);
  friend DomainSet operator-(const DomainSet& a, const DomainSet& b);
  friend bool operator==(const DomainSet&, const DomainSet&) = default;
  friend auto operator<=>(const DomainSet&, const DomainSet&) = default;

 private:
  template <class Keep>
  static DomainSet combined(const DomainSet& a, const DomainSet& b, Keep keep);

  bool others_ = false;
  std::vector<Entry> entries_;
};

/// "a.example, *.b.example", "any name except *.c.example", "*.b.example except x.b.example and
/// y.b.example"; "none" for the empty set. After an `except`, members are separated by "; ".
std::string to_string(const DomainSet& set);

}  // namespace hcipol::net
