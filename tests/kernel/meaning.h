// What a policy says of one packet, read rule by rule: no flows, no optimiser, no sets of packets.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "tests/support/gateway_lab.h"

namespace hcipol::test::kernel {

/// One address of each family for every name that packets are sent to.
class Directory {
 public:
  const net::Address& of(const std::string& name, net::Family family);
  /// The name that has this address, or the address.
  net::Endpoint endpoint(const net::Address& address) const;
  /// For each name, its addresses, as dnsmasq takes them.
  std::string host_records() const;
  const std::map<std::string, std::map<net::Family, net::Address>>& all() const { return names_; }

 private:
  std::map<std::string, std::map<net::Family, net::Address>> names_;
  std::map<net::Address, std::string> back_;
};

/// The share of a policy that a gateway has, or a machine's own firewall.
class Meaning {
 public:
  Meaning(const flow::DevicePolicy& device, const backends::Emission& emission);

  enum class Says { passes, denied, nothing };
  /// (allows \ denies) ∪ exceptions, of what the device sees.
  Says policy(const net::Packet& packet) const { return of(packet, nullptr); }
  /// The same with what the device is reported to do otherwise: its form of a rule knows the
  /// packet by its names and by the addresses of `probe`.
  Says device(const net::Packet& packet, const GatewayLab::Probe& probe) const {
    return of(packet, &probe);
  }
  /// What the gateway owes the packet then.
  Fate fate(Says says, const net::Packet& packet) const;

 private:
  Says of(const net::Packet& packet, const GatewayLab::Probe* probe) const;
  bool guards(const net::Endpoint& end) const { return net::contains({guarded_, {}}, end); }
  bool matches(const policy::Rule& rule, const net::Packet& packet,
               const GatewayLab::Probe* probe) const;

  const flow::DevicePolicy& device_;
  const backends::Emission& emission_;
  std::string rest_ = "reject";  ///< the option `default`
  bool alone_ = false;           ///< all is denied that nothing allows, whatever the device sees
  net::AddressSet guarded_;      ///< the servers' addresses, or the machine's
};

/// Packets at every end of every peer and service of the rules, and one beyond, each with the rest
/// of its rule around it; names get addresses from the directory.
std::vector<GatewayLab::Probe> edges(const policy::Cluster& cluster, Directory& names);

}  // namespace hcipol::test::kernel
