// What a packet asks for: protocol with port, ICMP type and code, or any; and sets of it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hcipol::net {

/// IANA protocol numbers that have a name in the language.
namespace protocol {
inline constexpr std::uint8_t icmp = 1;
inline constexpr std::uint8_t tcp = 6;
inline constexpr std::uint8_t udp = 17;
inline constexpr std::uint8_t icmpv6 = 58;
}  // namespace protocol

constexpr bool has_ports(std::uint8_t protocol) {
  return protocol == protocol::tcp || protocol == protocol::udp;
}
constexpr bool has_types(std::uint8_t protocol) {
  return protocol == protocol::icmp || protocol == protocol::icmpv6;
}

/// The last point of the service axis: 256 protocols of 65,536 points each.
constexpr std::uint32_t last_service_point = 0x00ff'ffff;

/// A run of the service axis, both ends included. A point of the axis is protocol × 65536 + detail;
/// the detail is the destination port (TCP, UDP), type × 256 + code (ICMP, ICMPv6), or, for every
/// other protocol, without meaning: such protocols are always in a set whole.
struct ServiceRange {
  std::uint32_t first = 0;
  std::uint32_t last = 0;

  friend auto operator<=>(const ServiceRange&, const ServiceRange&) = default;
};

/// Ports first … last of a protocol, both included; 0 … 65535 is every port.
struct PortRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;

  friend auto operator<=>(const PortRange&, const PortRange&) = default;
};

/// A set of services. The protocol is part of every member, so tcp/53 can never be meant by "tcp
/// and udp, 53 and 443". Ranges are sorted, disjoint and not adjacent across the whole axis.
class ServiceSet {
 public:
  ServiceSet() = default;
  static ServiceSet any();
  /// Any order, overlaps welcome. Part of a protocol without details is a bug().
  static ServiceSet of(std::vector<ServiceRange> ranges);
  static ServiceSet ports(std::uint8_t protocol, std::uint16_t first, std::uint16_t last);
  static ServiceSet whole(std::uint8_t protocol);
  /// The smallest set with this point of the axis: one port, one ICMP type and code, or, for other
  /// protocols, the protocol.
  static ServiceSet containing(std::uint32_t point);
  /// Every code of an ICMP or ICMPv6 type.
  static ServiceSet icmp_type(std::uint8_t protocol, std::uint8_t type);

  bool empty() const { return ranges_.empty(); }
  bool is_any() const;
  std::span<const ServiceRange> ranges() const { return ranges_; }
  /// Protocols with at least one member, ascending.
  std::vector<std::uint8_t> protocols() const;
  bool contains_whole(std::uint8_t protocol) const;
  /// Every member is of this protocol.
  bool is_within(std::uint8_t protocol) const;
  /// The members of one protocol.
  ServiceSet only(std::uint8_t protocol) const;
  /// Ports of TCP or UDP, sorted; for ICMP the raw type × 256 + code runs.
  std::vector<PortRange> ports(std::uint8_t protocol) const;
  /// The same without a list: `take(PortRange)` for each.
  template <class Take>
  void for_each_run(std::uint8_t protocol, Take take) const {
    const std::uint32_t first = std::uint32_t{protocol} << 16, last = first | 0xffff;
    for (const ServiceRange& range : ranges_) {
      if (range.last < first || range.first > last) continue;
      take(PortRange{static_cast<std::uint16_t>(std::max(range.first, first)),
                     static_cast<std::uint16_t>(std::min(range.last, last))});
    }
  }
  bool contains(const ServiceSet& other) const;
  bool intersects(const ServiceSet& other) const;

  friend ServiceSet operator|(const ServiceSet& a, const ServiceSet& b);
  friend ServiceSet operator&(const ServiceSet& a, const ServiceSet& b);
  friend ServiceSet operator-(const ServiceSet& a, const ServiceSet& b);
  friend bool operator==(const ServiceSet&, const ServiceSet&) = default;
  friend auto operator<=>(const ServiceSet&, const ServiceSet&) = default;

 private:
  std::vector<ServiceRange> ranges_;
};

/// Whether each member is of TCP or UDP, or each of ICMP or ICMPv6.
bool all_have_ports(const ServiceSet& set);
bool all_have_types(const ServiceSet& set);
/// How many ports of TCP or UDP are members.
std::size_t port_count(const ServiceSet& set, std::uint8_t protocol);

/// tcp/80 and tcp/443: where HTTP and TLS show the name that a client asks for.
const ServiceSet& web_services();

/// "tcp", "icmpv6", or the number.
std::string protocol_name(std::uint8_t protocol);
/// The protocol of a name in the language (tcp, udp, icmp, icmpv6); nothing for others.
std::optional<std::uint8_t> protocol_number(std::string_view name);

/// As the language writes it: "tcp/445", "tcp/5000-5099", "icmp/8", "tcp/any", "icmp", "ip/47",
/// "any", members separated by ", "; "none" for the empty set. What the language cannot write: an
/// ICMP code
/// ("icmp/3:4"), runs ("icmp/3-5", "icmp/3:0-4", "ip/2-5"), and, for sets with most of the
/// protocols whole, "any except tcp/445".
std::string to_string(const ServiceSet& set);

}  // namespace hcipol::net
