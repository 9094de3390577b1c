// What Azure refuses, or takes and then does otherwise, and no published schema says.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "backends/backend.h"

namespace hcipol::backends::azure_firewall {

/// One rule that a file breaks.
struct Finding {
  /// N names, P priorities, D dependencies, C collections, R what a rule must have, A addresses,
  /// Q ports, F host names, T tiers and DNS, L limits, X JSON: "R2".
  std::string check;
  std::string what;
  /// Nobody knows for certain that Azure refuses it.
  bool doubt = false;
};

/// Looks at the bytes of a template with its parameters, or of a bare array of groups. It knows
/// nothing of the printer; what is not a doubt is a fault of ours.
std::vector<Finding> validate(std::span<const Artefact> artefacts);

}  // namespace hcipol::backends::azure_firewall
