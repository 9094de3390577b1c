// Sets are few and rules are many, so addresses and names become text once per set.
#include "backends/azure_firewall/peers.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "backends/azure_firewall/limits.h"
#include "backends/azure_firewall/split.h"
#include "backends/common/arm/naming.h"
#include "backends/common/names.h"
#include "support/text.h"

namespace hcipol::backends::azure_firewall {

namespace {

/// Up to this many neighbours are rather single hosts than a prefix or a range.
constexpr std::uint64_t few = 3;
/// More than all the IP groups that a firewall may have.
constexpr std::size_t most_ip_group_parts = 256;

/// Few addresses one by one; else a single prefix or "first-last". Azure takes ranges wherever it
/// takes prefixes, and they are fewer: a set with holes is mostly pieces of many prefixes each.
void add_entries(std::vector<std::string>& out, const net::AddressRange& range) {
  if (range.last.low - range.first.low < few) {
    for (net::Address address = range.first; address <= range.last; ++address.low) {
      out.push_back(net::to_string(address));
    }
    return;
  }
  out.push_back(net::to_string(range));
}

std::vector<std::string> entries_of(const net::AddressSet& ipv4) {
  if (ipv4.empty()) return {};
  // Whether 0.0.0.0/0 is accepted is not documented; `*` is.
  if (ipv4 == net::AddressSet::all(net::Family::ipv4)) return {"*"};
  std::vector<std::string> out;
  out.reserve(ipv4.ranges().size());
  for (const net::AddressRange& range : ipv4.ranges()) add_entries(out, range);
  return out;
}

}  // namespace

Ipv4::Ipv4(const net::AddressSet& any_family)
    : addresses(any_family.only(net::Family::ipv4)), entries(entries_of(addresses)) {}

Peer::Peer(const policy::NamedSet& named)
    : set(&named),
      ipv4(named.set.addresses),
      ipv6(named.set.addresses.has(net::Family::ipv6)),
      names_with_exceptions(!named.set.names.is_union() && !named.set.names.is_all()),
      instead(named.addresses.has(net::Family::ipv4) ? named.addresses : named.tag_addresses),
      instead_is_tag(!named.addresses.has(net::Family::ipv4)) {
  if (named.set.names.others()) return;
  constexpr std::string_view tag_mark = policy::NamedSet::tag_prefix;
  for (const net::DomainPattern& pattern : named.set.names.patterns()) {
    if (pattern.name.starts_with(tag_mark)) {
      tags.push_back(pattern.name.substr(tag_mark.size()));
      continue;
    }
    names.push_back(net::to_string(pattern));
    has_wildcards = has_wildcards || pattern.wildcard;
  }
}

Peer& PeerTable::of(const policy::NamedSet& set) {
  return peers_.try_emplace(&set, set).first->second;
}

std::vector<std::string> merged_names(const std::vector<Peer*>& named) {
  if (named.size() == 1) return named.front()->names;
  std::vector<std::string> out;
  for (const Peer* peer : named) out.insert(out.end(), peer->names.begin(), peer->names.end());
  // Nothing but a pattern covers others.
  if (std::none_of(named.begin(), named.end(),
                   [](const Peer* peer) { return peer->has_wildcards; })) {
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
  }
  std::vector<net::DomainPattern> patterns;
  for (const std::string& name : out) patterns.push_back(*net::parse_pattern(name));
  out.clear();
  for (const net::DomainPattern& pattern : net::DomainSet::of(std::move(patterns)).patterns()) {
    out.push_back(net::to_string(pattern));
  }
  return out;
}

const std::vector<const IpGroup*>& PeerTable::groups(const policy::NamedSet& set, Ipv4& ipv4) {
  if (!ipv4.groups.empty()) return ipv4.groups;
  std::vector<Weighed> entries;
  if (ipv4.entries.size() > most_ip_group_entries) {
    for (const std::string& entry : ipv4.entries) entries.push_back({hash_of(entry), 1});
  }
  const std::size_t parts = parts_for(entries, most_ip_group_entries, most_ip_group_parts);
  for (std::size_t part = 0; part < parts; ++part) {
    IpGroup& group = document_.ip_groups[{set.name, ipv4.entries, part}];
    group.addresses.clear();
    for (std::size_t i = 0; i < ipv4.entries.size(); ++i) {
      if (parts == 1 || entries[i].hash % parts == part) group.addresses.push_back(ipv4.entries[i]);
    }
    group.parts = parts;
    ipv4.groups.push_back(&group);
  }
  return ipv4.groups;
}

void PeerTable::name_groups(const std::string& cluster) {
  std::vector<arm::Claim> names;
  std::vector<arm::Claim> parameters;
  std::map<std::string, int> namesakes;
  for (const auto& [key, group] : document_.ip_groups) namesakes[std::get<0>(key)] += 1;
  for (auto& [key, group] : document_.ip_groups) {
    const auto& [peer, addresses, part] = key;
    std::string ending;
    std::string about;
    if (group.parts > 1) {
      ending = fmt::format("-{}of{}", part + 1, group.parts);
      about = fmt::format(", part {} of {}", part + 1, group.parts);
    }
    group.name = shortened("ipg-" + cluster + "-" + arm::azure_name(peer),
                           arm::longest_name - ending.size()) +
                 ending;
    group.parameter = arm::parameter_name(peer + ending);
    group.comment = fmt::format("IPv4 addresses of `{}` in cluster `{}`{}", one_line(peer, 120),
                                one_line(document_.cluster, 80), about);
    // Two sets of one name (a role, and what a device sees of it) differ in their addresses only.
    std::string identity = peer + ending;
    if (namesakes[peer] > static_cast<int>(group.parts)) {
      identity += fmt::format("\n{}", fmt::join(addresses, "\n"));
    }
    names.push_back({&group.name, identity});
    parameters.push_back({&group.parameter, std::move(identity)});
  }
  arm::tell_apart(names);
  arm::tell_apart(parameters, '_');
}

}  // namespace hcipol::backends::azure_firewall
