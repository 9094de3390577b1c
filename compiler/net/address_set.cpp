// Set algebra over address ranges, prefix covers, and the two built-in address sets.
#include "net/address_set.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "net/ranges.h"
#include "support/bug.h"

namespace hcipol::net {
namespace {

struct AddressAxis {
  using Range = AddressRange;
  static std::optional<Address> next(const Address& address) { return net::next(address); }
  static std::optional<Address> previous(const Address& address) { return net::previous(address); }
};

void check(const AddressRange& range) {
  if (range.first.family != range.last.family || range.last < range.first) bug("bad address range");
}

unsigned trailing_zeros(const Address& address) {
  const unsigned bits = address.low != 0
                            ? static_cast<unsigned>(std::countr_zero(address.low))
                            : 64 + static_cast<unsigned>(std::countr_zero(address.high));
  return std::min(bits, width(address.family));
}

/// The length of the largest prefix that starts here and does not pass the end.
unsigned widest_at(const Address& from, const Address& end) {
  unsigned length = width(from.family) - trailing_zeros(from);
  while (last_of(from, length) > end) ++length;
  return length;
}

/// Greedy from below: at each step the largest prefix that starts here and does not pass the end.
/// That is the minimum, because every prefix cover must have a prefix starting here.
void append_cidrs(std::vector<Cidr>& out, const AddressRange& range) {
  std::optional<Address> from = range.first;
  while (from && *from <= range.last) {
    const unsigned length = widest_at(*from, range.last);
    out.push_back({*from, length});
    from = next(last_of(*from, length));
  }
}

AddressSet of_texts(std::span<const std::string_view> texts) {
  std::vector<AddressRange> ranges;
  for (const std::string_view text : texts) {
    const auto prefix = parse_cidr(text);
    if (!prefix) bug("bad built-in prefix");
    ranges.push_back({prefix->network, last_of(prefix->network, prefix->length)});
  }
  return AddressSet::of(std::move(ranges));
}

/// Blocks that a packet on the Internet can have neither as its source nor as its destination: the
/// IANA special-purpose registries (RFC 6890 and later) where "globally reachable" is false, and
/// multicast. Two kinds are absent on purpose and so count as the Internet, the careful reading
/// because it makes more rules reach it:
/// - The documentation blocks (192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24, 2001:db8::/32,
///   3fff::/20). Policies use them as stand-ins for the Internet, and a rule that allows one must
///   be judged as a rule that allows the Internet.
/// - Blocks that were global and are deprecated (192.88.99.0/24), that embed global addresses (6to4
///   2002::/16, Teredo 2001::/32, NAT64 64:ff9b::/96), or that the registry calls global within
///   2001::/23.
constexpr std::array<std::string_view, 16> special_blocks = {
    "0.0.0.0/8",       // this network, RFC 791
    "100.64.0.0/10",   // shared address space, RFC 6598
    "127.0.0.0/8",     // loopback, RFC 1122
    "192.0.0.0/24",    // IETF protocol assignments, RFC 6890
    "198.18.0.0/15",   // benchmarking, RFC 2544
    "224.0.0.0/4",     // multicast, RFC 5771
    "240.0.0.0/4",     // reserved and limited broadcast, RFC 1112 and RFC 919
    "::/127",          // unspecified and loopback, RFC 4291
    "::ffff:0:0/96",   // IPv4-mapped, RFC 4291
    "64:ff9b:1::/48",  // local-use translation, RFC 8215
    "100::/64",        // discard-only, RFC 6666
    "100:0:0:1::/64",  // dummy prefix, RFC 9780
    "2001:2::/48",     // benchmarking, RFC 5180
    "5f00::/16",       // segment routing SIDs, RFC 9602
    "fec0::/10",       // site-local, deprecated by RFC 3879 but never global
    "ff00::/8",        // multicast, RFC 4291
};

/// The two anycast services within 192.0.0.0/24 that are global (RFC 7723, RFC 8155).
constexpr std::array<std::string_view, 2> global_exceptions = {"192.0.0.9/32", "192.0.0.10/32"};

constexpr std::array<std::string_view, 6> private_blocks = {
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10",
};

}  // namespace

AddressSet::AddressSet(const Address& address) : ranges_{{address, address}} {}

AddressSet::AddressSet(const Cidr& cidr)
    : ranges_{{first_of(cidr.network, cidr.length), last_of(cidr.network, cidr.length)}} {}

AddressSet::AddressSet(const AddressRange& range) : ranges_{range} {
  check(range);
}

AddressSet AddressSet::of(std::vector<AddressRange> ranges) {
  for (const AddressRange& range : ranges) check(range);
  AddressSet set;
  set.ranges_ = ranges::normalised<AddressAxis>(std::move(ranges));
  return set;
}

AddressSet AddressSet::all() {
  return all(Family::ipv4) | all(Family::ipv6);
}

AddressSet AddressSet::all(Family family) {
  return AddressSet(AddressRange{first_address(family), last_address(family)});
}

bool AddressSet::contains(const Address& address) const {
  const auto after = std::upper_bound(
      ranges_.begin(), ranges_.end(), address,
      [](const Address& value, const AddressRange& range) { return value < range.first; });
  return after != ranges_.begin() && address <= std::prev(after)->last;
}

bool AddressSet::contains(const AddressSet& other) const {
  return ranges::include(ranges(), other.ranges());
}

bool AddressSet::intersects(const AddressSet& other) const {
  return ranges::meet(ranges(), other.ranges());
}

bool AddressSet::has(Family family) const {
  if (ranges_.empty()) return false;
  // IPv4 sorts first, so one end of the list tells.
  return (family == Family::ipv4 ? ranges_.front() : ranges_.back()).first.family == family;
}

bool AddressSet::has_whole(Family family) const {
  const AddressRange all{first_address(family), last_address(family)};
  return std::find(ranges_.begin(), ranges_.end(), all) != ranges_.end();
}

AddressSet AddressSet::only(Family family) const {
  AddressSet set;
  for (const AddressRange& range : ranges_) {
    if (range.first.family == family) set.ranges_.push_back(range);
  }
  return set;
}

std::vector<Cidr> AddressSet::cidrs() const {
  std::vector<Cidr> out;
  for (const AddressRange& range : ranges_) append_cidrs(out, range);
  return out;
}

AddressSet operator|(const AddressSet& a, const AddressSet& b) {
  AddressSet set;
  set.ranges_ = ranges::unite<AddressAxis>(a.ranges(), b.ranges());
  return set;
}

AddressSet operator&(const AddressSet& a, const AddressSet& b) {
  AddressSet set;
  set.ranges_ = ranges::intersect<AddressAxis>(a.ranges(), b.ranges());
  return set;
}

AddressSet operator-(const AddressSet& a, const AddressSet& b) {
  AddressSet set;
  set.ranges_ = ranges::subtract<AddressAxis>(a.ranges(), b.ranges());
  return set;
}

const AddressSet& private_addresses() {
  static const AddressSet set = of_texts(private_blocks);
  return set;
}

const AddressSet& internet_addresses() {
  static const AddressSet set = AddressSet::all() - private_addresses() -
                                (of_texts(special_blocks) - of_texts(global_exceptions));
  return set;
}

double size(const AddressSet& set) {
  double size = 0;
  for (const Cidr& cidr : set.cidrs()) {
    size += std::ldexp(1.0, static_cast<int>(width(cidr.network.family) - cidr.length));
  }
  return size;
}

bool has_whole_family(const AddressSet& set) {
  return set.has_whole(Family::ipv4) || set.has_whole(Family::ipv6);
}

std::optional<Cidr> as_prefix(const AddressRange& range) {
  const unsigned length = widest_at(range.first, range.last);
  if (last_of(range.first, length) != range.last) return std::nullopt;
  return Cidr{range.first, length};
}

std::string to_string(const AddressRange& range) {
  if (const auto prefix = as_prefix(range)) return to_short_string(*prefix);
  return to_string(range.first) + "-" + to_string(range.last);
}

std::string to_string(const AddressSet& set) {
  if (set.empty()) return "none";
  std::string text;
  for (const AddressRange& range : set.ranges()) {
    if (!text.empty()) text += ", ";
    text += to_string(range);
  }
  return text;
}

}  // namespace hcipol::net
