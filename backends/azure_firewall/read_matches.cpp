// Whatever a list could mean besides what is known here, it is refused.
#include "backends/azure_firewall/read_matches.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "backends/common/read_text.h"

namespace hcipol::backends::azure_firewall {

namespace {

constexpr std::uint8_t icmp = 1;
constexpr std::uint8_t tcp = 6;
constexpr std::uint8_t udp = 17;
constexpr unsigned last_application_port = 64000;

/// "10.0.0.1", "10.0.0.0/24", "10.0.0.1-10.0.0.9".
std::optional<net::AddressRange> range_of(const std::string& entry) {
  const auto is_v4 = [](const auto& address) {
    return address && address->family == net::Family::ipv4;
  };
  if (const auto dash = entry.find('-'); dash != std::string::npos) {
    const auto first = net::parse_address(entry.substr(0, dash));
    const auto last = net::parse_address(entry.substr(dash + 1));
    if (!is_v4(first) || !is_v4(last) || !(*first < *last)) return std::nullopt;
    return net::AddressRange{*first, *last};
  }
  const auto cidr = net::parse_cidr(entry);
  // Whether Azure takes 0.0.0.0/0 is not documented.
  if (!cidr || cidr->network.family != net::Family::ipv4 || cidr->length == 0) return std::nullopt;
  return net::AddressRange{cidr->network, net::last_of(cidr->network, cidr->length)};
}

bool is_tag_name(const std::string& entry) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return letter(entry.front()) && std::all_of(entry.begin(), entry.end(), [&](char c) {
           return letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
         });
}

net::ServiceSet ports_of(std::uint8_t protocol, const std::vector<net::PortRange>& ranges) {
  std::vector<net::ServiceRange> out;
  for (const net::PortRange& range : ranges) {
    out.push_back({protocol * 65536u + range.first, protocol * 65536u + range.last});
  }
  return net::ServiceSet::of(std::move(out));
}

}  // namespace

void MatchReader::add_group(const std::string& id, arm::Members& properties) {
  std::vector<net::AddressRange> ranges;
  for (const std::string& entry : values_.texts(properties.need("ipAddresses"))) {
    const auto range = range_of(entry);
    if (!range) properties.fail("no address: " + entry);
    ranges.push_back(*range);
  }
  ip_groups_[id] = net::AddressSet::of(std::move(ranges));
}

const net::PeerSet* MatchReader::peers(arm::Members& rule, const std::string& side,
                                       const std::set<std::string>& depends_on, bool tags) {
  const arm::ReadJson* literals = rule.find((side + "Addresses").c_str());
  const arm::ReadJson* groups = rule.find((side + "IpGroups").c_str());
  if (literals == nullptr && groups == nullptr) return nullptr;
  std::vector<std::string> entries;
  std::vector<std::string> ids;
  if (literals != nullptr) entries = values_.texts(*literals);
  if (groups != nullptr) ids = values_.texts(*groups);
  for (const std::string& id : ids) {
    if (!depends_on.contains(id)) rule.fail("its group does not wait for " + id);
  }
  const auto key = fmt::format("{}\n{}\t{}", tags, fmt::join(entries, "\n"), fmt::join(ids, "\n"));
  const auto [place, fresh] = peers_.try_emplace(key, nullptr);
  if (!fresh) return place->second;
  std::vector<net::AddressRange> ranges;
  net::PeerSet out;
  for (const std::string& entry : entries) {
    if (entry == "*") {
      ranges.push_back(
          {net::first_address(net::Family::ipv4), net::last_address(net::Family::ipv4)});
    } else if (const auto range = range_of(entry)) {
      ranges.push_back(*range);
    } else if (tags && is_tag_name(entry)) {
      out = out | context_.tag(entry);
    } else {
      rule.fail("no address: " + entry);
    }
  }
  out.addresses = out.addresses | net::AddressSet::of(std::move(ranges));
  for (const std::string& id : ids) {
    const auto group = ip_groups_.find(id);
    if (group == ip_groups_.end()) rule.fail("there is no IP group " + id);
    out.addresses = out.addresses | group->second;
  }
  return place->second = out_.keep(std::move(out));
}

const net::PeerSet* MatchReader::names(arm::Members& rule, const char* key, bool patterns) {
  const arm::ReadJson* list = rule.find(key);
  if (list == nullptr) return nullptr;
  const std::vector<std::string> texts = values_.texts(*list);
  const auto known = fmt::format("names {} {}", patterns, fmt::join(texts, "\n"));
  const auto [place, fresh] = peers_.try_emplace(known, nullptr);
  if (!fresh) return place->second;
  std::vector<net::DomainPattern> out;
  for (const std::string& text : texts) {
    auto pattern = net::parse_pattern(text);
    if (!pattern || (pattern->wildcard && !patterns)) rule.fail("no host name: " + text);
    out.push_back(*std::move(pattern));
  }
  return place->second = out_.keep(net::PeerSet{{}, net::DomainSet::of(std::move(out))});
}

const net::ServiceSet* MatchReader::web(arm::Members& rule) {
  const arm::ReadJson& protocols = rule.need("protocols");
  if (!protocols.is_array() || protocols.empty()) rule.fail("no protocols");
  net::ServiceSet out;
  for (const arm::ReadJson& each : protocols) {
    arm::Members members(rule.file(), "protocols", each);
    const arm::ReadJson& type = members.need("protocolType");
    const arm::ReadJson& port = members.need("port");
    members.done();
    if (type != "Http" && type != "Https") members.fail("a protocol that is not known here");
    if (!port.is_number_unsigned() || port > last_application_port || port == 0) {
      members.fail("a port");
    }
    const auto number = port.get<std::uint16_t>();
    // The other way round, Azure would look for a Host header in TLS.
    if ((number == 443) != (type == "Https")) members.fail("a port of the other protocol");
    out = out | net::ServiceSet::ports(tcp, number, number);
  }
  return keep(std::move(out));
}

const net::ServiceSet* MatchReader::service(arm::Members& rule) {
  std::vector<net::PortRange> ranges;
  bool every_port = false;
  for (const std::string& text : values_.texts(rule.need("destinationPorts"))) {
    const std::string_view words = text;
    const auto dash = words.find('-');
    const bool single = dash == std::string_view::npos;
    const auto first = number_of(words.substr(0, dash), 65535);
    const auto last = single ? first : number_of(words.substr(dash + 1), 65535);
    if (text == "*") {
      every_port = true;
      ranges.push_back({0, 65535});
    } else if (!first || !last || *first == 0 || *first > *last) {
      rule.fail("no port: " + text);
    } else {
      ranges.push_back({static_cast<std::uint16_t>(*first), static_cast<std::uint16_t>(*last)});
    }
  }
  net::ServiceSet out;
  for (const std::string& protocol : values_.texts(rule.need("ipProtocols"))) {
    if (protocol == "TCP") {
      out = out | ports_of(tcp, ranges);
    } else if (protocol == "UDP") {
      out = out | ports_of(udp, ranges);
    } else if (!every_port) {
      rule.fail("ports of a protocol that has none");
    } else if (protocol == "ICMP") {
      out = out | net::ServiceSet::whole(icmp);
    } else if (protocol == "Any") {
      out = net::ServiceSet::any();
    } else {
      rule.fail("a protocol that is not known here: " + protocol);
    }
  }
  return keep(std::move(out));
}

const net::ServiceSet* MatchReader::keep(net::ServiceSet set) {
  const auto [place, fresh] = services_.try_emplace(std::move(set), nullptr);
  if (fresh) place->second = out_.keep(place->first);
  return place->second;
}

}  // namespace hcipol::backends::azure_firewall
