// A firewall policy as Azure Resource Manager has it: IP groups, rule collection groups, rules.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "policy/model.h"

namespace hcipol::backends::azure_firewall {

/// How people call the device.
inline constexpr std::string_view title = "Azure Firewall";

/// What the template makes: a policy, a policy below another one, or only rule collection groups
/// for a policy that exists.
enum class Mode { standalone, child, attach };

/// Every string below is meant literally; print() sees to it that none becomes an ARM expression.

/// Microsoft.Network/ipGroups. Its addresses are a parameter of the template.
struct IpGroup {
  std::string name;
  std::string parameter;
  std::string comment;
  std::vector<std::string> addresses;  ///< IPv4 addresses, prefixes and ranges; never empty
};

/// One side of a rule by address: either literals (`*` and, as destinations, service tags included)
/// or IP groups. Azure takes both at once, but no published template does so.
struct Addresses {
  std::vector<std::string> literals;
  std::vector<const IpGroup*> groups;

  bool empty() const { return literals.empty() && groups.empty(); }
};

struct ApplicationProtocol {
  std::string_view type;  ///< "Https", "Http"
  int port = 0;
};

/// Layer 7: the Host header or, for HTTPS, the SNI decides.
struct ApplicationMatch {
  std::vector<ApplicationProtocol> protocols;
  std::vector<std::string> fqdns;  ///< `*` only as the whole leftmost label
};

/// Layer 4. Exactly one of `to` and `fqdns` is in use.
struct NetworkMatch {
  std::vector<std::string_view> protocols;  ///< "TCP", "UDP", "ICMP", "Any"
  Addresses to;
  std::vector<std::string> fqdns;  ///< whole names; needs DNS proxy
  std::vector<std::string> ports;  ///< "443", "5000-5099", "*"
};

struct Rule {
  std::string name;
  std::string description;
  Addresses from;
  std::variant<ApplicationMatch, NetworkMatch> match;
  std::string identity;  ///< unique in the document; tells rules apart whose names would clash
  const policy::Rule* origin = nullptr;
};

/// A filter collection with action Allow: what nothing allows, Azure denies.
struct RuleCollection {
  std::string name;
  int priority = 0;
  std::vector<Rule> rules;
};

struct RuleCollectionGroup {
  std::string name;
  std::string comment;
  int priority = 0;
  std::vector<RuleCollection> collections;
};

struct Document {
  Mode mode = Mode::standalone;
  std::string cluster;  ///< as the policy writes it
  std::string file;     ///< path without ".json"
  std::string api_version;
  std::string policy;
  std::string base_policy;  ///< resource id, for Mode::child
  std::string tier;
  bool dns_proxy = false;
  std::vector<std::string> dns_servers;
  /// By the peer's name and its addresses; a std::map, so that rules can point into it.
  std::map<std::pair<std::string, std::vector<std::string>>, IpGroup> ip_groups;
  std::vector<RuleCollectionGroup> groups;  ///< network before application; none of them empty
  std::vector<std::string> absent_groups;   ///< names of those that would be empty
};

}  // namespace hcipol::backends::azure_firewall
