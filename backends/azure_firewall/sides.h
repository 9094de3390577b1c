// The two sides of a flow, sorted by how Azure can match them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backends/azure_firewall/notes.h"
#include "backends/azure_firewall/peers.h"
#include "backends/backend.h"

namespace hcipol::backends::azure_firewall {

struct AddressPart {
  const policy::NamedSet* set;
  Ipv4* ipv4;
};

/// Destinations by how Azure can match them.
struct Destinations {
  std::vector<AddressPart> addresses;
  std::vector<std::string> tags;
  std::vector<Peer*> named;
  bool ipv6 = false;

  bool empty() const { return addresses.empty() && tags.empty() && named.empty(); }
};

struct Sources {
  std::vector<AddressPart> parts;
  std::vector<const Ipv4*> ipv4;  ///< of the parts
  bool ipv6 = false;
};

/// The entries of one set, or of the union of several: no list has an address twice.
std::vector<std::string> literals(const std::vector<AddressPart>& parts);
bool holds_everything(const std::vector<AddressPart>& parts);
std::vector<const IpGroup*> groups_of(const std::vector<AddressPart>& parts, PeerTable& peers);

std::uint64_t size_of(const net::AddressSet& ipv4);
net::AddressSet addresses_of(const std::vector<const Ipv4*>& parts);

class SideReader {
 public:
  SideReader(PeerTable& peers, Notes& notes, EmitContext& context)
      : peers_(peers), notes_(notes), context_(context) {}

  /// Nothing if a set cannot be a source or a destination; that has been reported then.
  std::optional<Sources> sources_of(const flow::Flow& flow);
  std::optional<Destinations> destinations_of(const flow::Flow& flow);
  /// The tag, or the addresses behind it if no rule can have the tag itself.
  bool add_tag(const flow::Flow& flow, Peer& peer, const std::string& tag, Destinations& out);

 private:
  bool add_source(const flow::Flow& flow, const policy::NamedSet& set, Sources& out);
  bool add_destination(const flow::Flow& flow, const policy::NamedSet& set, Destinations& out);

  PeerTable& peers_;
  Notes& notes_;
  EmitContext& context_;
};

}  // namespace hcipol::backends::azure_firewall
