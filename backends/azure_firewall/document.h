// A firewall policy as Azure Resource Manager has it: IP groups, rule collection groups, rules.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
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

/// A template with its file of parameters, or a bare array of rule collection groups for modules
/// that make the policy themselves (Azure Verified Modules, `loadJsonContent`).
enum class Format { arm, rcg_json };

/// What of a document a template makes: all of it or, where that is more than a template may have,
/// the policy, some of the IP groups, or a rule collection group.
enum class Part { whole, policy, ip_groups, group };

/// Every string below is meant literally; print() sees to it that none becomes an ARM expression.

/// Microsoft.Network/ipGroups. Its addresses are a parameter of the template. More addresses than
/// one may have are several IP groups.
struct IpGroup {
  std::string name;
  std::string parameter;
  std::string comment;
  std::vector<std::string> addresses;  ///< IPv4 addresses, prefixes and ranges; never empty
  std::size_t parts = 1;               ///< how many IP groups there are of these addresses
};

/// What an IP group is made of: the peer's name, all of its addresses, and which part of them.
using IpGroupKey = std::tuple<std::string, std::vector<std::string>, std::size_t>;

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
  std::string kind;  ///< "network", "application-2": what tells it from the others of the cluster
  std::string comment;
  int priority = 0;
  std::vector<RuleCollection> collections;
};

struct Document {
  Mode mode = Mode::standalone;
  Format format = Format::arm;
  bool several_templates = false;  ///< also where one would do
  Part part = Part::whole;
  std::string after;    ///< of a part, the template that must be deployed before it, or ""
  std::string cluster;  ///< as the policy writes it
  std::string cloud;    ///< of the cluster: "public", "usgov", "china"
  std::string file;     ///< path without ".json"
  std::string api_version;
  std::string policy;       ///< empty if `format` is rcg_json and nobody has said it
  std::string base_policy;  ///< resource id, for Mode::child
  std::string tier;
  std::string threat_intel;
  bool dns_proxy = false;
  std::vector<std::string> dns_servers;
  std::map<IpGroupKey, IpGroup> ip_groups;  ///< a std::map, so that rules can point into it
  /// Network before application; none of them empty. In the order in which Azure shall write them.
  std::vector<RuleCollectionGroup> groups;
  std::vector<std::string> absent_groups;  ///< names of those that would be empty
  std::deque<policy::Rule> parts;          ///< owner of origins that are not the policy's
};

}  // namespace hcipol::backends::azure_firewall
