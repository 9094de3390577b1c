// What Azure can say of a named set, worked out once per set; and the IP groups made from them.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "backends/azure_firewall/document.h"
#include "net/address_set.h"
#include "net/domain_set.h"

namespace hcipol::backends::azure_firewall {

/// IPv4 addresses as the entries of a rule or an IP group.
struct Ipv4 {
  net::AddressSet addresses;
  /// `*` for all of IPv4 (alone), else addresses, prefixes and "first-last".
  std::vector<std::string> entries;
  std::vector<const IpGroup*> groups;  ///< once a rule has asked for them

  explicit Ipv4(const net::AddressSet& any_family);
  bool empty() const { return entries.empty(); }
  bool everything() const { return entries.size() == 1 && entries.front() == "*"; }
};

/// A named set as the rules of Azure Firewall can have it.
struct Peer {
  const policy::NamedSet* set;
  Ipv4 ipv4;
  bool ipv6;  ///< it has IPv6 addresses, too
  /// The names are every name but some, or some pattern but some names of it.
  bool names_with_exceptions;
  /// Host names and patterns ("*.suffix") that a rule must match as such, sorted.
  std::vector<std::string> names;
  bool has_wildcards = false;
  std::vector<std::string> tags;  ///< service tags that stand for themselves
  /// An endpoint by addresses, for where its names are of no use: the addresses that it says, else
  /// those behind its service tag.
  Ipv4 instead;
  bool instead_is_tag;

  explicit Peer(const policy::NamedSet& named);
};

/// The names of all of them, without those that a pattern among them covers.
std::vector<std::string> merged_names(const std::vector<Peer*>& named);

class PeerTable {
 public:
  explicit PeerTable(Document& document) : document_(document) {}

  Peer& of(const policy::NamedSet& set);
  /// The IP groups of the set's addresses, made at the first call: one, unless the addresses are
  /// more than it may have. Their names follow in name_groups().
  const std::vector<const IpGroup*>& groups(const policy::NamedSet& set, Ipv4& ipv4);
  /// Names all IP groups and their parameters.
  void name_groups(const std::string& cluster);

 private:
  Document& document_;
  std::unordered_map<const policy::NamedSet*, Peer> peers_;
};

}  // namespace hcipol::backends::azure_firewall
