// Where a file's entries stand, in words; what stays there, and what others must not have there.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "backends/backend.h"
#include "backends/palo_alto/document.h"
#include "backends/palo_alto/settings.h"

namespace hcipol::backends::palo_alto {

/// "the virtual system vsys1", "the device group HCI", "what all device groups of Panorama share".
std::string place_of_rules(const Location& location);
/// The same, and of which kind of device.
std::string device_of(const Location& location);

/// What stays on the device when a later build puts the rules or objects elsewhere, or no longer
/// has the target.
std::vector<Made> made_by(const Document& document, std::string_view cluster);

/// The names that are the cluster's own, where the policy has clusters whose names could be the
/// same: `prod` with its role `east-servers`, and `prod-east` with its `servers`.
std::vector<OwnName> own_names(const Document& document, const flow::DevicePolicy& device);

/// Notes what else of this policy goes to the same place: other targets of the cluster, whose rules
/// have the same names, and other clusters, whose rules stand above or below these.
void note_neighbours(const flow::DevicePolicy& device, const Settings& settings,
                     EmitContext& context);

}  // namespace hcipol::backends::palo_alto
