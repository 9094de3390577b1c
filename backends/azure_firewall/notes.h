// Collects what the engineer must know about the firewall as a whole, and says each thing once.
#pragma once

#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "backends/azure_firewall/document.h"
#include "backends/azure_firewall/peers.h"
#include "backends/azure_firewall/settings.h"
#include "backends/backend.h"

namespace hcipol::backends::azure_firewall {

class Notes {
 public:
  explicit Notes(const policy::Cluster& cluster);

  void lost_ipv6(const policy::Rule& rule) { ipv6_.push_back(&rule); }
  void network_names(const policy::Rule& rule) { network_names_.push_back(&rule); }
  void icmp_to_internet(const policy::Rule& rule) { icmp_.push_back(&rule); }
  void unknown_tag(const std::string& tag) { unknown_tags_.insert(tag); }
  void regional_arc(const std::string& tag) { regional_arc_.insert(tag); }
  void logged(const policy::Rule& rule) { logged_.push_back(&rule); }
  /// What is within one site, or within a cluster without sites, stays there as a rule.
  void addressed(const policy::Rule& rule, const net::AddressSet& from, const net::AddressSet& to);
  /// Sources of an application rule, and of a network rule with wide destinations on ports 80 or
  /// 443: where they meet, the network rule decides.
  void web_by_name(const std::vector<const Ipv4*>& from);
  void web_by_address(const policy::Rule& rule, const std::vector<const Ipv4*>& from);

  bool any_network_names() const { return !network_names_.empty(); }
  void report(const Document& document, const Settings& settings, EmitContext& context) const;

 private:
  using Rules = std::vector<const policy::Rule*>;

  void report_names(const Document& document, const Settings& settings, EmitContext& context) const;
  Rules deciding_instead() const;

  std::vector<const net::AddressSet*> zones_;
  Rules within_a_zone_;
  Rules ipv6_;
  Rules network_names_;
  Rules icmp_;
  Rules logged_;
  std::set<std::string> unknown_tags_;
  std::set<std::string> regional_arc_;
  std::unordered_set<const Ipv4*> by_name_;
  struct WideRule {
    const policy::Rule* rule;
    std::vector<const Ipv4*> from;
  };
  std::vector<WideRule> by_address_;
};

}  // namespace hcipol::backends::azure_firewall
