// Address arithmetic and the two text forms, strict on the way in and canonical on the way out.
#include "net/address.h"

#include <array>
#include <charconv>
#include <cstddef>

#include "support/bug.h"

namespace hcipol::net {
namespace {

constexpr std::uint64_t ones = ~std::uint64_t{0};

/// `count` one bits at the top of a 64-bit word.
std::uint64_t top_mask(unsigned count) {
  if (count == 0) return 0;
  return count >= 64 ? ones : ones << (64 - count);
}

/// The bits that a prefix of `length` leaves free, as an address.
Address host_mask(Family family, unsigned length) {
  if (length > width(family)) bug("prefix length out of range");
  if (family == Family::ipv4) return {family, 0, (std::uint64_t{1} << (32 - length)) - 1};
  if (length >= 64) return {family, 0, ~top_mask(length - 64)};
  return {family, ~top_mask(length), ones};
}

std::optional<Address> parse_ipv4(std::string_view text) {
  std::uint64_t value = 0;
  for (int octet = 0; octet < 4; ++octet) {
    if (octet > 0) {
      if (text.empty() || text.front() != '.') return std::nullopt;
      text.remove_prefix(1);
    }
    unsigned part = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), part);
    const auto length = static_cast<std::size_t>(end - text.data());
    if (error != std::errc{} || part > 255) return std::nullopt;
    if (length > 1 && text.front() == '0') return std::nullopt;
    text.remove_prefix(length);
    value = value << 8 | part;
  }
  if (!text.empty()) return std::nullopt;
  return Address{Family::ipv4, 0, value};
}

using Groups = std::array<std::uint16_t, 8>;

/// Reads "a:b:c" into `groups` from `count` on; false unless all of `text` is groups.
bool parse_groups(std::string_view text, Groups& groups, std::size_t& count) {
  if (text.empty()) return true;
  for (;;) {
    const std::size_t colon = text.find(':');
    const std::string_view group = text.substr(0, colon);
    if (group.empty() || group.size() > 4 || count == groups.size()) return false;
    const char* end = group.data() + group.size();
    const auto [stop, error] = std::from_chars(group.data(), end, groups[count], 16);
    if (error != std::errc{} || stop != end) return false;
    ++count;
    if (colon == std::string_view::npos) return true;
    text.remove_prefix(colon + 1);
  }
}

std::optional<Address> parse_ipv6(std::string_view text) {
  Groups head{};
  Groups tail{};
  std::size_t head_count = 0;
  std::size_t tail_count = 0;

  const std::size_t gap = text.find("::");
  if (!parse_groups(text.substr(0, gap), head, head_count)) return std::nullopt;
  if (gap == std::string_view::npos) {
    if (head_count != head.size()) return std::nullopt;
  } else {
    // A second "::" leaves an empty group in the tail, which parse_groups refuses.
    if (!parse_groups(text.substr(gap + 2), tail, tail_count)) return std::nullopt;
    // "::" stands for one group or more.
    if (head_count + tail_count >= head.size()) return std::nullopt;
  }

  for (std::size_t i = 0; i < tail_count; ++i) head[head.size() - tail_count + i] = tail[i];
  Address address{Family::ipv6, 0, 0};
  for (std::size_t i = 0; i < 4; ++i) address.high = address.high << 16 | head[i];
  for (std::size_t i = 4; i < 8; ++i) address.low = address.low << 16 | head[i];
  return address;
}

std::string ipv4_text(std::uint64_t value) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) {
    if (!text.empty()) text += '.';
    text += std::to_string(value >> shift & 255);
  }
  return text;
}

void append_hex(std::string& text, std::uint16_t group) {
  std::array<char, 4> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), group, 16).ptr;
  text.append(digits.data(), end);
}

/// RFC 5952: the longest run of two or more zero groups becomes "::", the first one of equals.
std::string ipv6_text(const Address& address) {
  Groups groups{};
  for (std::size_t i = 0; i < 8; ++i) {
    const std::uint64_t half = i < 4 ? address.high : address.low;
    groups[i] = static_cast<std::uint16_t>(half >> (48 - 16 * (i % 4)));
  }

  std::size_t gap = 8;
  std::size_t gap_length = 1;
  for (std::size_t i = 0; i < 8; ++i) {
    std::size_t end = i;
    while (end < 8 && groups[end] == 0) ++end;
    if (end - i > gap_length) {
      gap = i;
      gap_length = end - i;
    }
    if (end > i) i = end - 1;
  }

  std::string text;
  for (std::size_t i = 0; i < 8; ++i) {
    if (i == gap) {
      text += "::";
      i += gap_length - 1;
      continue;
    }
    if (!text.empty() && text.back() != ':') text += ':';
    append_hex(text, groups[i]);
  }
  return text;
}

}  // namespace

Address first_address(Family family) {
  return {family, 0, 0};
}

Address last_address(Family family) {
  return host_mask(family, 0);
}

std::optional<Address> next(const Address& address) {
  if (address == last_address(address.family)) return std::nullopt;
  Address result = address;
  if (++result.low == 0) ++result.high;
  return result;
}

std::optional<Address> previous(const Address& address) {
  if (address == first_address(address.family)) return std::nullopt;
  Address result = address;
  if (result.low-- == 0) --result.high;
  return result;
}

std::optional<Address> parse_address(std::string_view text) {
  return text.find(':') == std::string_view::npos ? parse_ipv4(text) : parse_ipv6(text);
}

std::string to_string(const Address& address) {
  return address.family == Family::ipv4 ? ipv4_text(address.low) : ipv6_text(address);
}

Address first_of(const Address& address, unsigned length) {
  const Address mask = host_mask(address.family, length);
  return {address.family, address.high & ~mask.high, address.low & ~mask.low};
}

Address last_of(const Address& address, unsigned length) {
  const Address mask = host_mask(address.family, length);
  return {address.family, address.high | mask.high, address.low | mask.low};
}

std::optional<Cidr> parse_cidr(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = parse_address(text.substr(0, slash));
  if (!address) return std::nullopt;
  if (slash == std::string_view::npos) return Cidr{*address, width(address->family)};
  const std::string_view digits = text.substr(slash + 1);
  unsigned length = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  const bool whole = error == std::errc() && end == digits.data() + digits.size();
  if (!whole || length > width(address->family)) return std::nullopt;
  if (first_of(*address, length) != *address) return std::nullopt;
  return Cidr{*address, length};
}

std::string to_string(const Cidr& cidr) {
  return to_string(cidr.network) + "/" + std::to_string(cidr.length);
}

std::string to_short_string(const Cidr& cidr) {
  return cidr.length == width(cidr.network.family) ? to_string(cidr.network) : to_string(cidr);
}

}  // namespace hcipol::net
