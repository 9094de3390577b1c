// Service tags are resolved here and nowhere else, so that a device may keep them or expand them.
#include "backends/common/reading.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>

#include "support/text.h"

namespace hcipol::backends {

Unreadable::Unreadable(std::string_view file, std::size_t line, std::string_view what)
    : std::runtime_error(line == 0 ? fmt::format("{}: {}", file, what)
                                   : fmt::format("{}:{}: {}", file, line, what)) {}

namespace {

net::ServiceSet icmpv6_types(std::initializer_list<std::uint8_t> types) {
  net::ServiceSet out;
  for (const std::uint8_t type : types) {
    out = out | net::ServiceSet::icmp_type(net::protocol::icmpv6, type);
  }
  return out;
}

}  // namespace

net::ServiceSet neighbour_discovery() {
  return icmpv6_types({133, 134, 135, 136});
}

net::ServiceSet multicast_listeners() {
  return icmpv6_types({130, 131, 132, 143});
}

ReadContext::ReadContext(const flow::DevicePolicy& device) : device_(device) {
  const auto learn = [&](const std::vector<flow::Flow>& flows) {
    for (const flow::Flow& flow : flows) {
      for (const auto* sets : {&flow.from, &flow.to}) {
        for (const policy::NamedSet* set : *sets) {
          if (set->tag_addresses.empty()) continue;
          tags_.emplace(to_lower(set->tag), set->tag_addresses);
        }
      }
    }
  };
  learn(device.flows);
  for (const flow::HostFlows& host : device.hosts) {
    learn(host.inbound);
    learn(host.outbound);
  }
}

std::optional<net::AddressSet> ReadContext::machine() const {
  if (!device_.view->machine) return std::nullopt;
  return flow::peers(device_.view->machine->parts).addresses;
}

net::AddressSet ReadContext::guarded() const {
  if (const auto own = machine()) return *own;
  const policy::NamedSet* servers = device_.cluster->servers;
  return servers == nullptr ? net::AddressSet() : servers->set.addresses;
}

net::PeerSet ReadContext::tag(std::string_view tag) const {
  const std::string key = to_lower(tag);
  if (const auto known = tags_.find(key); known != tags_.end()) return {known->second, {}};
  return {{}, net::DomainSet(policy::NamedSet::tag_name(key))};
}

net::PeerSet ReadContext::meant(const net::PeerSet& set) const {
  if (set.names.is_all()) return {set.addresses, {}};
  const auto tagged = [](const net::DomainSet::Entry& entry) {
    return entry.pattern.name.starts_with(policy::NamedSet::tag_prefix);
  };
  const auto entries = set.names.entries();
  if (std::none_of(entries.begin(), entries.end(), tagged)) return set;
  std::vector<net::DomainSet::Entry> names;
  net::PeerSet tags;
  for (const net::DomainSet::Entry& entry : entries) {
    if (!tagged(entry)) {
      names.push_back(entry);
    } else if (entry.included) {
      tags = tags | tag(entry.pattern.name.substr(policy::NamedSet::tag_prefix.size()));
    }
  }
  const net::DomainSet rest = net::DomainSet::of(set.names.others(), std::move(names));
  return net::PeerSet{set.addresses, rest} | tags;
}

}  // namespace hcipol::backends
