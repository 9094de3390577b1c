// Sets are few and rules are many, so addresses and names become text once per set.
#include "backends/azure_firewall/peers.h"

#include <fmt/format.h>

#include <map>

#include "backends/azure_firewall/naming.h"
#include "backends/common/names.h"
#include "support/text.h"

namespace hcipol::backends::azure_firewall {

namespace {

/// Up to this many neighbours are rather single hosts than a prefix or a range.
constexpr std::uint64_t few = 3;

/// Few addresses one by one; else a single prefix or "first-last". Azure takes ranges wherever it
/// takes prefixes, and they are fewer: a set with holes is mostly pieces of many prefixes each.
void add_entries(std::vector<std::string>& out, const net::AddressRange& range) {
  if (range.last.low - range.first.low < few) {
    for (net::Address address = range.first; address <= range.last; ++address.low) {
      out.push_back(net::to_string(address));
    }
    return;
  }
  const std::vector<net::Cidr> prefixes = net::AddressSet(range).cidrs();
  out.push_back(prefixes.size() == 1
                    ? net::to_short_string(prefixes.front())
                    : net::to_string(range.first) + "-" + net::to_string(range.last));
}

std::vector<std::string> entries_of(const net::AddressSet& ipv4) {
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
  const std::string tag_mark = policy::NamedSet::tag_name("").name;
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
  const auto found = peers_.find(&set);
  if (found != peers_.end()) return found->second;
  return peers_.emplace(&set, Peer(set)).first->second;
}

const IpGroup* PeerTable::group(const policy::NamedSet& set, Ipv4& ipv4) {
  if (ipv4.group != nullptr) return ipv4.group;
  IpGroup& group = document_.ip_groups[{set.name, ipv4.entries}];
  group.addresses = ipv4.entries;
  ipv4.group = &group;
  return ipv4.group;
}

void PeerTable::name_groups(const std::string& cluster) {
  std::vector<Claim> names;
  std::vector<Claim> parameters;
  std::map<std::string, int> namesakes;
  for (const auto& [key, group] : document_.ip_groups) ++namesakes[key.first];
  for (auto& [key, group] : document_.ip_groups) {
    const std::string& peer = key.first;
    group.name = shortened("ipg-" + cluster + "-" + azure_name(peer), longest_name);
    group.parameter = parameter_name(peer);
    group.comment = fmt::format("IPv4 addresses of `{}` in cluster `{}`", one_line(peer, 120),
                                one_line(document_.cluster, 80));
    // Two sets of one name (a role, and what a device sees of it) differ in their addresses only.
    std::string identity = peer;
    if (namesakes[peer] > 1) identity += fmt::format("\n{}", fmt::join(group.addresses, "\n"));
    names.push_back({&group.name, identity});
    parameters.push_back({&group.parameter, std::move(identity)});
  }
  tell_apart(names);
  tell_apart(parameters, '_');
}

}  // namespace hcipol::backends::azure_firewall
