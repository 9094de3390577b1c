// A network security group as Azure Resource Manager has it.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "policy/model.h"

namespace hcipol::backends::azure_nsg {

/// How people call the device.
inline constexpr std::string_view title = "Azure network security groups";

enum class Direction { inbound, outbound };

/// One side of a rule: `*` or a service tag alone, or prefixes of one address family.
using Prefixes = std::vector<std::string>;

/// Every string is meant literally; print() sees to it that none becomes an ARM expression.
struct SecurityRule {
  std::string name;
  std::string description;  ///< at most 140 bytes
  Direction direction = Direction::inbound;
  bool allow = true;
  int priority = 0;
  std::string_view protocol;  ///< "Tcp", "Udp", "Icmp", "Esp", "Ah", "*"
  Prefixes from;
  Prefixes to;
  std::vector<std::string> ports;  ///< of the destination: "443", "5000-5099", "*"
  std::string identity;            ///< unique in the document; tells rules apart that would clash
  const policy::Rule* origin = nullptr;  ///< null of what denies the rest
};

struct Document {
  std::string cluster;  ///< as the policy writes it
  std::string cloud;    ///< of the cluster: "public", "usgov", "china"
  std::string file;     ///< path without ".json"
  std::string api_version;
  std::string group;
  std::vector<SecurityRule> rules;  ///< inbound before outbound, each by priority
  std::deque<policy::Rule> parts;   ///< owner of origins that are not the policy's
};

}  // namespace hcipol::backends::azure_nsg
