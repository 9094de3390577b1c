// Default deny, reduced to what the policy is about.
#include "backends/palo_alto/cleanup.h"

#include "backends/common/names.h"

namespace hcipol::backends::palo_alto {

namespace {

using net::AddressSet;
using sema::NamedSet;

AddressSet addresses_of(const sema::Peers& peers) {
  AddressSet out;
  for (const NamedSet* part : peers.parts) {
    out = out | (part->is_tag_only() ? part->tag_addresses : part->set.addresses);
  }
  return out;
}

class Scopes {
 public:
  Scopes(const policy::Cluster& cluster, std::deque<NamedSet>& owned)
      : cluster_(cluster), owned_(owned) {}

  void add(const AddressSet& from, const AddressSet& to, const net::ServiceSet& service) {
    const AddressSet& servers = cluster_.servers->set.addresses;
    add_one(from & servers, to, service);
    add_one(from, to & servers, service);
  }
  std::vector<Scope> take() { return std::move(scopes_); }

 private:
  void add_one(const AddressSet& from, const AddressSet& to, const net::ServiceSet& service) {
    const bool v4 = from.has(net::Family::ipv4) && to.has(net::Family::ipv4);
    const bool v6 = from.has(net::Family::ipv6) && to.has(net::Family::ipv6);
    if (!v4 && !v6) return;
    const auto within = [](const AddressSet& inner, const NamedSet* outer) {
      return outer->set.addresses.contains(inner);
    };
    for (const Scope& other : scopes_) {
      if (within(from, other.from) && within(to, other.to)) return;
    }
    std::erase_if(scopes_, [&](const Scope& other) {
      return from.contains(other.from->set.addresses) && to.contains(other.to->set.addresses);
    });
    scopes_.push_back({named(from), named(to), service});
  }

  // A set of the policy with just these addresses, else one of our own.
  const NamedSet* named(const AddressSet& addresses) {
    if (cluster_.servers->set.addresses == addresses) return cluster_.servers;
    for (const auto& [name, set] : cluster_.named) {
      if (set->set.addresses == addresses && set->set.names.empty()) return set;
    }
    for (const NamedSet& set : owned_) {
      if (set.set.addresses == addresses) return &set;
    }
    NamedSet& made = owned_.emplace_back();
    const bool all = addresses == AddressSet::all();
    made.kind = all ? NamedSet::Kind::any : NamedSet::Kind::literal;
    made.name = all ? "any" : "seen-" + content_hash(net::to_string(addresses), 6);
    made.set.addresses = addresses;
    return &made;
  }

  const policy::Cluster& cluster_;
  std::deque<NamedSet>& owned_;
  std::vector<Scope> scopes_;
};

}  // namespace

std::vector<Scope> default_deny(const flow::DevicePolicy& device, std::deque<NamedSet>& owned) {
  Scopes scopes(*device.cluster, owned);
  const std::optional<sema::Flow>& sees = device.view->sees;
  const AddressSet from = sees ? addresses_of(sees->from) : AddressSet::all();
  const AddressSet to = sees ? addresses_of(sees->to) : AddressSet::all();
  const net::ServiceSet service = sees ? sees->service : net::ServiceSet::any();
  scopes.add(from, to, service);
  if (sees && sees->both_ways) scopes.add(to, from, service);
  return scopes.take();
}

}  // namespace hcipol::backends::palo_alto
