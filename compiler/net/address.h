// IPv4 and IPv6 addresses, prefixes and ranges: values, text forms, order.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hcipol::net {

enum class Family : std::uint8_t { ipv4, ipv6 };

/// Bits of an address of the family: 32 or 128.
constexpr unsigned width(Family family) {
  return family == Family::ipv4 ? 32 : 128;
}

/// An address as a number. IPv4 addresses sort before IPv6 ones; `high` is 0 for IPv4.
struct Address {
  Family family = Family::ipv4;
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  friend auto operator<=>(const Address&, const Address&) = default;
};

/// A whole family's first and last address.
Address first_address(Family family);
Address last_address(Family family);
/// The neighbours within the family; nothing past its ends.
std::optional<Address> next(const Address& address);
std::optional<Address> previous(const Address& address);

/// Dotted decimal with exactly four octets and no leading zeros, or RFC 4291 text (`::` once, no
/// zone, no embedded IPv4). Nothing for anything else.
std::optional<Address> parse_address(std::string_view text);
/// Canonical: dotted decimal, or RFC 5952.
std::string to_string(const Address& address);

/// A prefix; host bits are zero.
struct Cidr {
  Address network;
  unsigned length = 0;  ///< 0 … width(family)

  friend auto operator<=>(const Cidr&, const Cidr&) = default;
};

/// `address` with the bits after `length` cleared or set.
Address first_of(const Address& address, unsigned length);
Address last_of(const Address& address, unsigned length);
/// "10.0.0.0/28", or an address alone for its /32 or /128. Nothing for anything else, as
/// a length past the family's width or host bits that are set.
std::optional<Cidr> parse_cidr(std::string_view text);
/// Always with the length: "10.0.0.1/32".
std::string to_string(const Cidr& cidr);
/// Without the length when it is a single address: "10.0.0.1", "10.0.0.0/28".
std::string to_short_string(const Cidr& cidr);

/// Addresses first … last, both included, of one family.
struct AddressRange {
  Address first;
  Address last;

  friend auto operator<=>(const AddressRange&, const AddressRange&) = default;
};

}  // namespace hcipol::net
