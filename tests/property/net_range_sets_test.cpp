// Address and service sets against bit masks over a handful of blocks that cover their whole axis.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "net/address_set.h"
#include "net/service.h"

namespace hcipol::net {
namespace {

using Mask = std::uint64_t;

/// Every address, cut into at most 64 blocks: single addresses around the places where arithmetic
/// can go wrong, and what is between them.
std::vector<AddressRange> address_blocks() {
  const struct {
    const char* first;
    int count;
  } windows[] = {{"0.0.0.0", 4},
                 {"10.0.0.0", 8},
                 {"127.255.255.252", 8},
                 {"255.255.255.248", 8},
                 {"::", 4},
                 {"::ffff:ffff:ffff:fffc", 8},
                 {"2001:db8::", 8},
                 {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff8", 8}};
  std::vector<AddressRange> blocks;
  std::optional<Address> free;  // the first address of the family that is in no block yet
  for (const auto& window : windows) {
    std::optional<Address> at = parse_address(window.first);
    if (free && *free < *at) blocks.push_back({*free, *previous(*at)});
    for (int i = 0; i < window.count; ++i) {
      blocks.push_back({*at, *at});
      at = next(*at);
    }
    free = at;
  }
  return blocks;
}

std::vector<ServiceRange> service_blocks() {
  std::vector<ServiceRange> blocks;
  const std::vector<std::uint32_t> starts = {
      0,        1 << 16,  0x10001,  0x10100,  0x10800,  0x10900,  2 << 16,  3 << 16,  6 << 16,
      0x60001,  0x60050,  0x60051,  0x601bb,  0x6ffff,  7 << 16,  17 << 16, 0x110035, 0x110036,
      18 << 16, 47 << 16, 48 << 16, 58 << 16, 0x3a8000, 59 << 16, 255 << 16};
  for (std::size_t i = 0; i < starts.size(); ++i) {
    blocks.push_back({starts[i], i + 1 < starts.size() ? starts[i + 1] - 1 : 0x00ff'ffff});
  }
  return blocks;
}

/// The set of the blocks in a mask, given in an order that `salt` shuffles.
template <class Set, class Range>
Set set_of(const std::vector<Range>& blocks, Mask mask, Mask salt) {
  std::vector<Range> ranges;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const std::size_t k = static_cast<std::size_t>((i * (2 * salt + 1)) % blocks.size());
    if ((mask >> k & 1) != 0) ranges.push_back(blocks[k]);
    if ((mask >> i & 1) != 0) ranges.push_back(blocks[i]);
  }
  return Set::of(ranges);
}

Mask any_mask(std::size_t bits) {
  const Mask all = bits == 64 ? ~Mask{0} : (Mask{1} << bits) - 1;
  // Sparse, dense and even ones.
  const Mask a = *rc::gen::arbitrary<Mask>();
  const Mask b = *rc::gen::arbitrary<Mask>();
  const Mask pick[] = {a, a & b, a | b, 0, ~Mask{0}};
  return pick[*rc::gen::weightedElement<std::size_t>({{4, 0}, {4, 1}, {4, 2}, {1, 3}, {1, 4}})] &
         all;
}

template <class Set, class Range>
void check_algebra(const std::vector<Range>& blocks) {
  const Mask x = any_mask(blocks.size());
  const Mask y = any_mask(blocks.size());
  const Mask salt = *rc::gen::inRange<Mask>(0, 1000);
  const auto make = [&](Mask mask) { return set_of<Set>(blocks, mask, salt); };
  const Set a = make(x);
  const Set b = make(y);

  RC_ASSERT((a | b) == make(x | y));
  RC_ASSERT((a & b) == make(x & y));
  RC_ASSERT((a - b) == make(x & ~y));
  RC_ASSERT(a.contains(b) == ((y & ~x) == 0));
  RC_ASSERT(a.intersects(b) == ((x & y) != 0));
  RC_ASSERT((a == b) == (x == y));
  RC_ASSERT(a.empty() == (x == 0));

  // The ranges themselves, not through another operation: sorted, apart, and with these members.
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const auto ranges = a.ranges();
    const bool inside = std::any_of(ranges.begin(), ranges.end(), [&](const Range& range) {
      return range.first <= blocks[i].first && blocks[i].last <= range.last;
    });
    const bool touched = std::any_of(ranges.begin(), ranges.end(), [&](const Range& range) {
      return range.first <= blocks[i].last && blocks[i].first <= range.last;
    });
    RC_ASSERT(inside == ((x >> i & 1) != 0));
    RC_ASSERT(touched == inside);
  }
}

TEST(NetAddressSetProperty, BlocksCoverTheAxis) {
  const auto blocks = address_blocks();
  ASSERT_LE(blocks.size(), 64U);
  ASSERT_GE(blocks.size(), 50U);
  EXPECT_EQ(AddressSet::of(blocks), AddressSet::all());
  for (std::size_t i = 1; i < blocks.size(); ++i) {
    ASSERT_LT(blocks[i - 1].last, blocks[i].first);
  }
}

TEST(NetAddressSetProperty, AgreesWithMasks) {
  const auto blocks = address_blocks();
  EXPECT_TRUE(
      rc::check("address set algebra", [&] { check_algebra<AddressSet, AddressRange>(blocks); }));
}

TEST(NetAddressSetProperty, ContainsAgreesWithMasks) {
  const auto blocks = address_blocks();
  EXPECT_TRUE(rc::check("address membership", [&] {
    const Mask x = any_mask(blocks.size());
    const AddressSet a = set_of<AddressSet>(blocks, x, 0);
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      RC_ASSERT(a.contains(blocks[i].first) == ((x >> i & 1) != 0));
      RC_ASSERT(a.contains(blocks[i].last) == ((x >> i & 1) != 0));
    }
  }));
}

TEST(NetServiceSetProperty, AgreesWithMasks) {
  const auto blocks = service_blocks();
  EXPECT_EQ(ServiceSet::of(blocks), ServiceSet::any());
  EXPECT_TRUE(
      rc::check("service set algebra", [&] { check_algebra<ServiceSet, ServiceRange>(blocks); }));
}

/// The fewest prefixes for the addresses of a 64-address window whose bits are in the mask.
std::size_t fewest(Mask mask, unsigned size) {
  const Mask all = size == 64 ? ~Mask{0} : (Mask{1} << size) - 1;
  if ((mask & all) == 0) return 0;
  if ((mask & all) == all) return 1;
  return fewest(mask, size / 2) + fewest(mask >> (size / 2), size / 2);
}

TEST(NetAddressSetProperty, CidrsAreExactAndFewest) {
  EXPECT_TRUE(rc::check("prefix covers", [] {
    const Mask mask = any_mask(64);
    const Address base =
        parse_address(*rc::gen::element<std::string>("10.0.0.0", "255.255.255.192",
                                                     "2001:db8::", "::ffff:ffff:ffff:ffc0",
                                                     "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffc0"))
            .value();
    std::vector<AddressRange> ranges;
    for (unsigned i = 0; i < 64; ++i) {
      const Address at{base.family, base.high, base.low + i};
      if ((mask >> i & 1) != 0) ranges.push_back({at, at});
    }
    const AddressSet set = AddressSet::of(ranges);
    const std::vector<Cidr> cidrs = set.cidrs();

    Mask covered = 0;
    for (const Cidr& cidr : cidrs) {
      RC_ASSERT(first_of(cidr.network, cidr.length) == cidr.network);
      const unsigned free = width(base.family) - cidr.length;
      for (unsigned i = 0; i < 1U << free; ++i) {
        const auto bit = Mask{1} << (cidr.network.low - base.low + i);
        RC_ASSERT((covered & bit) == 0U);
        covered |= bit;
      }
    }
    RC_ASSERT(covered == mask);
    RC_ASSERT(std::is_sorted(cidrs.begin(), cidrs.end()));
    RC_ASSERT(cidrs.size() == fewest(mask, 64));
  }));
}

/// What the C library makes of a text.
std::optional<Address> read_by_libc(const std::string& text) {
  in_addr v4{};
  if (inet_pton(AF_INET, text.c_str(), &v4) == 1) {
    return Address{Family::ipv4, 0, ntohl(v4.s_addr)};
  }
  in6_addr v6{};
  if (inet_pton(AF_INET6, text.c_str(), &v6) != 1) return std::nullopt;
  Address address{Family::ipv6, 0, 0};
  for (std::size_t i = 0; i < 8; ++i) address.high = address.high << 8 | v6.s6_addr[i];
  for (std::size_t i = 8; i < 16; ++i) address.low = address.low << 8 | v6.s6_addr[i];
  return address;
}

TEST(NetAddressProperty, ReadsWhatTheCLibraryReads) {
  EXPECT_TRUE(rc::check("inet_pton", [] {
    // Texts that are nearly addresses: pieces in a row. Never with both separators: the C library
    // reads an IPv4 address embedded in an IPv6 one, and we do not.
    const bool ipv4 = *rc::gen::arbitrary<bool>();
    const std::vector<std::string> separators = ipv4
                                                    ? std::vector<std::string>{".", ".", ".", ".."}
                                                    : std::vector<std::string>{":", ":", ":", "::"};
    const auto pieces =
        *rc::gen::container<std::vector<std::string>>(rc::gen::weightedOneOf<std::string>(
            {{1, rc::gen::element<std::string>("0", "1", "00", "01", "a", "F", "ffff", "255", "256",
                                               "12345", "db8", "g")},
             {1, rc::gen::elementOf(separators)}}));
    std::string text;
    for (const std::string& piece : pieces) text += piece;
    RC_ASSERT(parse_address(text) == read_by_libc(text));
  }));
}

TEST(NetAddressProperty, ReadsWellFormedTextsAsTheCLibraryDoes) {
  EXPECT_TRUE(rc::check("well-formed texts", [] {
    std::string text;
    if (*rc::gen::arbitrary<bool>()) {
      for (int i = 0; i < 4; ++i) {
        text += (i > 0 ? "." : "") + std::to_string(*rc::gen::inRange(0, 260));
      }
    } else {
      const int gap = *rc::gen::inRange(-1, 9);
      const int groups = *rc::gen::inRange(gap < 0 ? 8 : 0, 9);
      for (int i = 0; i < groups; ++i) {
        if (i > 0 && i != gap) text += ':';
        if (i == gap) text += "::";
        text += *rc::gen::element<std::string>("0", "1", "a0", "F00d", "0000", "00ab");
      }
      if (gap >= groups) text += "::";
    }
    RC_ASSERT(parse_address(text) == read_by_libc(text));
  }));
}

TEST(NetAddressProperty, WritesIpv6AsTheCLibraryDoes) {
  EXPECT_TRUE(rc::check("inet_ntop", [] {
    in6_addr raw{};
    for (std::size_t i = 0; i < 8; ++i) {
      const unsigned group = *rc::gen::element(0U, 0U, 0U, 1U, 0xabU, 0x1000U, 0xffffU);
      raw.s6_addr[2 * i] = static_cast<std::uint8_t>(group >> 8);
      raw.s6_addr[2 * i + 1] = static_cast<std::uint8_t>(group);
    }
    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(AF_INET6, &raw, text.data(), text.size());
    // The C library writes ::a.b.c.d; RFC 5952 leaves it open, and we never do.
    RC_PRE(std::string(text.data()).find('.') == std::string::npos);
    const Address address = read_by_libc(text.data()).value();
    RC_ASSERT(to_string(address) == std::string(text.data()));
    RC_ASSERT(parse_address(to_string(address)) == address);
  }));
}

}  // namespace
}  // namespace hcipol::net
