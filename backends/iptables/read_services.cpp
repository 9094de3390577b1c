// Protocol 0, ICMP type 255 and an empty list of ports would each mean "any": none is taken.
#include "backends/iptables/read_services.h"

#include <fmt/format.h>

#include <functional>
#include <map>
#include <vector>

#include "backends/common/read_text.h"

namespace hcipol::backends::iptables {

namespace {

constexpr unsigned multiport_slots = 15;

/// 0 for what is no protocol.
std::uint8_t protocol_of(std::string_view word) {
  static const std::map<std::string_view, std::uint8_t> names{
      {"icmp", 1}, {"tcp", 6}, {"udp", 17}, {"ipv6-icmp", 58}};
  if (const auto named = names.find(word); named != names.end()) return named->second;
  return static_cast<std::uint8_t>(number_of(word, 255).value_or(0));
}

net::ServiceSet type_of(std::uint8_t protocol, std::string_view word, std::string& fault) {
  const std::size_t slash = word.find('/');
  const auto type = number_of(word.substr(0, slash), 255);
  const auto code = slash == std::string_view::npos ? std::optional<std::uint32_t>(0)
                                                    : number_of(word.substr(slash + 1), 255);
  if (!type || !code || (protocol == 1 && *type == 255)) {
    fault = fmt::format("type `{}`", word);
    return {};
  }
  if (slash == std::string_view::npos) {
    return net::ServiceSet::icmp_type(protocol, static_cast<std::uint8_t>(*type));
  }
  const std::uint32_t point = protocol * 65536u + *type * 256 + *code;
  return net::ServiceSet::of({{point, point}});
}

net::ServiceSet ports_of(std::uint8_t protocol, std::string_view words, std::string& fault) {
  std::vector<net::ServiceRange> ranges;
  unsigned slots = 0;
  for (std::string_view rest = words;;) {
    const std::size_t comma = rest.find(',');
    const std::string_view part = rest.substr(0, comma);
    const std::size_t colon = part.find(':');
    const bool single = colon == std::string_view::npos;
    const auto first = number_of(part.substr(0, colon), 65535);
    const auto last = single ? first : number_of(part.substr(colon + 1), 65535);
    if (!first || !last || *first > *last) {
      fault = fmt::format("ports `{}`", words);
      return {};
    }
    slots += single ? 1 : 2;
    ranges.push_back({protocol * 65536u + *first, protocol * 65536u + *last});
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  if (slots > multiport_slots) fault = "more than 15 ports";
  return net::ServiceSet::of(std::move(ranges));
}

}  // namespace

std::size_t ServiceHash::operator()(const ServiceWords& words) const {
  const std::hash<std::string_view> hash;
  return ((hash(words.protocol) * 31 + hash(words.ports)) * 31 + hash(words.type)) * 2 +
         (words.negated ? 1 : 0);
}

net::ServiceSet service_of(const ServiceWords& words, std::string& fault) {
  const std::uint8_t protocol = protocol_of(words.protocol);
  if (protocol == 0) {
    fault = fmt::format("protocol `{}`", words.protocol);
    return {};
  }
  const bool details = !words.ports.empty() || !words.type.empty();
  if (words.negated) {
    if (details) fault = "ports or types of every other protocol";
    return net::ServiceSet::any() - net::ServiceSet::whole(protocol);
  }
  if (!details) return net::ServiceSet::whole(protocol);
  if (!words.type.empty()) {
    if (!words.ports.empty() || !net::has_types(protocol)) fault = "a type beside ports";
    return type_of(protocol, words.type, fault);
  }
  if (!net::has_ports(protocol)) {
    fault = "ports of a protocol that has none";
    return {};
  }
  return ports_of(protocol, words.ports, fault);
}

}  // namespace hcipol::backends::iptables
