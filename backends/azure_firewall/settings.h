// The options of an azure-firewall target, checked and with defaults filled in.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backends/azure_firewall/document.h"
#include "backends/backend.h"

namespace hcipol::backends::azure_firewall {

struct Settings {
  Mode mode = Mode::standalone;
  Format format = Format::arm;  ///< with rcg_json, `mode` is attach
  std::string cluster;          ///< the cluster's name as part of Azure names
  std::string policy;
  std::string base_policy;
  int priority = 1000;
  std::string tier = "Standard";
  std::string threat_intel = "Alert";
  std::optional<bool> dns_proxy;  ///< nothing: as the rules need it
  std::vector<std::string> dns_servers;
  bool ip_groups = true;
  bool several_templates = false;  ///< also where one would do
  std::string api_version;

  bool basic() const { return tier == "Basic"; }
};

/// How far apart the priorities of network and application groups are, and those of the groups of
/// one kind: others find room between.
inline constexpr int priority_step = 100;
inline constexpr int priority_gap = 10;
/// As many as fit between the priorities of the two kinds; a template has no room for more.
inline constexpr int most_groups_of_a_kind = 8;
static_assert(most_groups_of_a_kind * priority_gap <= priority_step);

/// Reports E0611 for each option that Azure would refuse and goes on with its default.
Settings read_settings(const flow::DevicePolicy& device, EmitContext& context);

}  // namespace hcipol::backends::azure_firewall
