// Rule collection groups, in a template or in a bare array, as rules in Azure's order.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "backends/azure_firewall/read_matches.h"
#include "backends/common/arm/read_template.h"
#include "backends/common/reading.h"

namespace hcipol::backends::azure_firewall {

/// Order is Azure's and not the file's: all rules are collected first and sorted then. Throws
/// Unreadable.
class GroupReader {
 public:
  GroupReader(std::string_view file, const arm::Values& values, const ReadContext& context,
              DeviceReading& out)
      : first_(file), file_(file), values_(values), matches_(values, context, out), out_(out) {}

  MatchReader& matches() { return matches_; }
  /// Goes on in another file of the same device.
  void next_file(std::string_view file) { file_ = file; }

  /// `priority` and `ruleCollections`; IP groups must be among `depends_on`.
  void group(const std::string& name, arm::Members& properties,
             const std::set<std::string>& depends_on);
  bool names_in_network_rules() const { return names_in_network_rules_; }
  /// The groups that there were, as the reading of one device.
  void finish();

 private:
  /// A rule with its place in Azure's order.
  struct Ordered {
    std::tuple<bool, std::uint32_t, std::uint32_t> order;  ///< application, group, collection
    ReadRule rule;
  };
  struct Collection {
    std::uint32_t group = 0;
    std::uint32_t priority = 0;
    bool allow = false;
    const std::set<std::string>* depends_on = nullptr;
  };

  void read_collection(arm::Members& members, Collection collection);
  void read_rule(arm::Members& members, const std::string& kind, const Collection& collection);

  std::string_view first_;
  std::string_view file_;
  const arm::Values& values_;
  MatchReader matches_;
  DeviceReading& out_;
  bool names_in_network_rules_ = false;
  std::set<std::pair<std::uint32_t, std::uint32_t>> priorities_;  ///< group (or 0), priority
  std::vector<Ordered> rules_;
};

}  // namespace hcipol::backends::azure_firewall
