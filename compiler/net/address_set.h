// Sets of addresses: disjoint sorted ranges, with exact set algebra and the fewest prefixes.
#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "net/address.h"

namespace hcipol::net {

/// Ranges are sorted, disjoint and not adjacent (within a family), so equal sets have equal ranges.
/// Operations are linear in the number of ranges.
class AddressSet {
 public:
  AddressSet() = default;
  explicit AddressSet(const Address& address);
  explicit AddressSet(const Cidr& cidr);
  explicit AddressSet(const AddressRange& range);
  /// Any order, overlaps welcome: O(n log n).
  static AddressSet of(std::vector<AddressRange> ranges);
  /// Every address of both families / of one.
  static AddressSet all();
  static AddressSet all(Family family);

  bool empty() const { return ranges_.empty(); }
  std::span<const AddressRange> ranges() const { return ranges_; }
  bool contains(const Address& address) const;
  bool contains(const AddressSet& other) const;
  bool intersects(const AddressSet& other) const;
  bool has(Family family) const;
  /// Every address of the family is a member.
  bool has_whole(Family family) const;
  /// The members of one family.
  AddressSet only(Family family) const;
  /// The fewest prefixes with exactly these members, sorted.
  std::vector<Cidr> cidrs() const;

  friend AddressSet operator|(const AddressSet& a, const AddressSet& b);
  friend AddressSet operator&(const AddressSet& a, const AddressSet& b);
  friend AddressSet operator-(const AddressSet& a, const AddressSet& b);
  friend bool operator==(const AddressSet&, const AddressSet&) = default;
  friend auto operator<=>(const AddressSet&, const AddressSet&) = default;

 private:
  std::vector<AddressRange> ranges_;
};

/// How many addresses: for orders and proportions, since large numbers are rounded.
double size(const AddressSet& set);
/// Every IPv4 address, or every IPv6 address, is a member.
bool has_whole_family(const AddressSet& set);

/// RFC 1918, RFC 4193 (fc00::/7) and link-local (169.254.0.0/16, fe80::/10): the
/// language's `private`.
const AddressSet& private_addresses();
/// What is neither private nor special-purpose without global reach (loopback, multicast,
/// unspecified, shared 100.64.0.0/10, benchmarking, reserved: the IANA special-purpose registries,
/// RFC 6890): the addresses of the language's `internet`. The documentation blocks (203.0.113.0/24,
/// 2001:db8::/32 and so on) belong to it: policies write them where they mean the Internet.
const AddressSet& internet_addresses();

/// The prefix that is exactly this range, if there is one.
std::optional<Cidr> as_prefix(const AddressRange& range);
/// "10.0.0.0/28", "10.0.0.20-10.0.0.22" for what is no prefix; an address alone for one.
std::string to_string(const AddressRange& range);
/// "10.0.0.0/28, 10.0.0.20-10.0.0.22": ranges that are no single prefix are written as ranges.
/// "none" for the empty set.
std::string to_string(const AddressSet& set);

}  // namespace hcipol::net
