// What rules of Azure Firewall match: sources, destinations, protocols and ports.
#pragma once

#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "backends/common/arm/read_template.h"
#include "backends/common/reading.h"
#include "net/by_service.h"

namespace hcipol::backends::azure_firewall {

/// Lists are understood once, however many rules have them. Throws Unreadable.
class MatchReader {
 public:
  MatchReader(const arm::Values& values, const ReadContext& context, DeviceReading& out)
      : values_(values), context_(context), out_(out) {}

  /// Remembers `ipAddresses` under the id of an IP group.
  void add_group(const std::string& id, arm::Members& properties);

  /// `<side>Addresses` and `<side>IpGroups` together; null if the rule has neither. IP groups must
  /// be among those that the rule's resource waits for.
  const net::PeerSet* peers(arm::Members& rule, const std::string& side,
                            const std::set<std::string>& depends_on, bool tags);
  /// A list of host names; null if there is none.
  const net::PeerSet* names(arm::Members& rule, const char* key, bool patterns);
  /// `protocols` of an application rule.
  const net::ServiceSet* web(arm::Members& rule);
  /// `ipProtocols` and `destinationPorts` of a network rule.
  const net::ServiceSet* service(arm::Members& rule);

 private:
  const net::ServiceSet* keep(net::ServiceSet set);

  const arm::Values& values_;
  const ReadContext& context_;
  DeviceReading& out_;
  std::map<std::string, net::AddressSet> ip_groups_;
  std::unordered_map<std::string, const net::PeerSet*> peers_;
  net::ByService<const net::ServiceSet*> services_;
};

}  // namespace hcipol::backends::azure_firewall
