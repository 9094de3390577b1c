// Set algebra over the service axis, and services as the language writes them.
#include "net/service.h"

#include <algorithm>
#include <array>
#include <utility>

#include "net/ranges.h"
#include "support/bug.h"

namespace hcipol::net {
namespace {

constexpr std::uint32_t first_point(std::uint32_t protocol) {
  return protocol << 16;
}
constexpr std::uint32_t last_point(std::uint32_t protocol) {
  return protocol << 16 | 0xffff;
}
constexpr ServiceRange whole_range(std::uint8_t protocol) {
  return {first_point(protocol), last_point(protocol)};
}
constexpr std::uint8_t protocol_of(std::uint32_t point) {
  return static_cast<std::uint8_t>(point >> 16);
}
constexpr bool has_details(std::uint8_t protocol) {
  return has_ports(protocol) || has_types(protocol);
}

/// Whether `holds` of the protocol of each range; one with several ranges is asked about for each.
template <class Holds>
bool all_protocols(std::span<const ServiceRange> ranges, Holds holds) {
  for (const ServiceRange& range : ranges) {
    for (std::uint32_t number = range.first >> 16; number <= range.last >> 16; ++number) {
      if (!holds(static_cast<std::uint8_t>(number))) return false;
    }
  }
  return true;
}

struct PointAxis {
  using Range = ServiceRange;
  static std::optional<std::uint32_t> next(std::uint32_t point) {
    return point == last_service_point ? std::nullopt : std::optional(point + 1);
  }
  static std::optional<std::uint32_t> previous(std::uint32_t point) {
    return point == 0 ? std::nullopt : std::optional(point - 1);
  }
};

void check(const ServiceRange& range) {
  if (range.last < range.first || range.last > last_service_point) bug("bad service range");
  const bool split_first =
      range.first != first_point(range.first >> 16) && !has_details(protocol_of(range.first));
  const bool split_last =
      range.last != last_point(range.last >> 16) && !has_details(protocol_of(range.last));
  if (split_first || split_last) bug("part of a protocol without details");
}

struct Name {
  std::string_view text;
  std::uint8_t number;
};
constexpr std::array<Name, 4> names = {{{"icmp", protocol::icmp},
                                        {"tcp", protocol::tcp},
                                        {"udp", protocol::udp},
                                        {"icmpv6", protocol::icmpv6}}};

std::string run(std::uint32_t first, std::uint32_t last) {
  return first == last ? std::to_string(first) : std::to_string(first) + "-" + std::to_string(last);
}

void add(std::string& text, const std::string& member) {
  if (!text.empty()) text += ", ";
  text += member;
}

/// A run of type × 256 + code: up to three members, since its ends may cut a type.
void add_types(std::string& text, const std::string& protocol, std::uint32_t first,
               std::uint32_t last) {
  while (first <= last) {
    const std::uint32_t type = first >> 8;
    const std::uint32_t type_end = first | 0xff;
    if ((first & 0xff) != 0 || last < type_end) {
      const std::uint32_t end = std::min(last, type_end);
      add(text, protocol + "/" + std::to_string(type) + ":" + run(first & 0xff, end & 0xff));
      first = end + 1;
    } else {
      const std::uint32_t whole = (last + 1) >> 8;
      add(text, protocol + "/" + run(type, whole - 1));
      first = whole << 8;
    }
  }
}

/// The members of one protocol that has details.
void add_detailed(std::string& text, const ServiceSet& set, std::uint8_t protocol) {
  const std::string name = protocol_name(protocol);
  if (set.contains_whole(protocol)) {
    add(text, has_ports(protocol) ? name + "/any" : name);
    return;
  }
  for (const PortRange& range : set.ports(protocol)) {
    if (has_ports(protocol)) {
      add(text, name + "/" + run(range.first, range.last));
    } else {
      add_types(text, name, range.first, range.last);
    }
  }
}

}  // namespace

ServiceSet ServiceSet::any() {
  return of({{0, last_service_point}});
}

ServiceSet ServiceSet::of(std::vector<ServiceRange> ranges) {
  for (const ServiceRange& range : ranges) check(range);
  ServiceSet set;
  set.ranges_ = ranges::normalised<PointAxis>(std::move(ranges));
  return set;
}

ServiceSet ServiceSet::ports(std::uint8_t protocol, std::uint16_t first, std::uint16_t last) {
  return of({{first_point(protocol) + first, first_point(protocol) + last}});
}

ServiceSet ServiceSet::whole(std::uint8_t protocol) {
  return of({whole_range(protocol)});
}

ServiceSet ServiceSet::icmp_type(std::uint8_t protocol, std::uint8_t type) {
  const std::uint32_t first = first_point(protocol) + std::uint32_t{type} * 256;
  return of({{first, first + 255}});
}

ServiceSet ServiceSet::containing(std::uint32_t point) {
  const auto protocol = static_cast<std::uint8_t>(point >> 16);
  return has_ports(protocol) || has_types(protocol) ? of({{point, point}}) : whole(protocol);
}

bool ServiceSet::is_any() const {
  return ranges_.size() == 1 && ranges_.front() == ServiceRange{0, last_service_point};
}

std::vector<std::uint8_t> ServiceSet::protocols() const {
  std::vector<std::uint8_t> out;
  all_protocols(ranges(), [&](std::uint8_t number) {
    if (out.empty() || out.back() != number) out.push_back(number);
    return true;
  });
  return out;
}

bool ServiceSet::contains_whole(std::uint8_t protocol) const {
  const ServiceRange all = whole_range(protocol);
  return ranges::include(ranges(), std::span(&all, 1));
}

bool ServiceSet::is_within(std::uint8_t protocol) const {
  return all_protocols(ranges(), [&](std::uint8_t number) { return number == protocol; });
}

ServiceSet ServiceSet::only(std::uint8_t protocol) const {
  ServiceSet set;
  const std::uint32_t base = first_point(protocol);
  for_each_run(protocol, [&](const PortRange& run) {
    set.ranges_.push_back({base + run.first, base + run.last});
  });
  return set;
}

std::vector<PortRange> ServiceSet::ports(std::uint8_t protocol) const {
  std::vector<PortRange> out;
  for_each_run(protocol, [&](const PortRange& run) { out.push_back(run); });
  return out;
}

bool ServiceSet::contains(const ServiceSet& other) const {
  return ranges::include(ranges(), other.ranges());
}

bool ServiceSet::intersects(const ServiceSet& other) const {
  return ranges::meet(ranges(), other.ranges());
}

ServiceSet operator|(const ServiceSet& a, const ServiceSet& b) {
  ServiceSet set;
  set.ranges_ = ranges::unite<PointAxis>(a.ranges(), b.ranges());
  return set;
}

ServiceSet operator&(const ServiceSet& a, const ServiceSet& b) {
  ServiceSet set;
  set.ranges_ = ranges::intersect<PointAxis>(a.ranges(), b.ranges());
  return set;
}

ServiceSet operator-(const ServiceSet& a, const ServiceSet& b) {
  ServiceSet set;
  set.ranges_ = ranges::subtract<PointAxis>(a.ranges(), b.ranges());
  return set;
}

bool all_have_ports(const ServiceSet& set) {
  return all_protocols(set.ranges(), has_ports);
}

bool all_have_types(const ServiceSet& set) {
  return all_protocols(set.ranges(), has_types);
}

std::size_t port_count(const ServiceSet& set, std::uint8_t protocol) {
  std::size_t count = 0;
  set.for_each_run(protocol, [&](const PortRange& run) { count += run.last - run.first + 1u; });
  return count;
}

const ServiceSet& web_services() {
  static const ServiceSet services =
      ServiceSet::ports(protocol::tcp, 80, 80) | ServiceSet::ports(protocol::tcp, 443, 443);
  return services;
}

std::string protocol_name(std::uint8_t protocol) {
  for (const Name& name : names) {
    if (name.number == protocol) return std::string(name.text);
  }
  return std::to_string(protocol);
}

std::optional<std::uint8_t> protocol_number(std::string_view name) {
  for (const Name& known : names) {
    if (known.text == name) return known.number;
  }
  return std::nullopt;
}

std::string to_string(const ServiceSet& set) {
  if (set.empty()) return "none";
  if (set.is_any()) return "any";
  const std::vector<std::uint8_t> members = set.protocols();
  if (members.size() > 128) return "any except " + to_string(ServiceSet::any() - set);

  std::string text;
  for (std::size_t i = 0; i < members.size(); ++i) {
    const std::size_t begin = i;
    if (has_details(members[i])) {
      add_detailed(text, set, members[i]);
      continue;
    }
    while (i + 1 < members.size() && members[i + 1] == members[i] + 1 &&
           !has_details(members[i + 1])) {
      ++i;
    }
    add(text, "ip/" + run(members[begin], members[i]));
  }
  return text;
}

}  // namespace hcipol::net
