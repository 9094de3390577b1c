// The firewalls of servers as their scripts make them, read by the semantics of Windows.
#pragma once

#include <span>

#include "backends/backend.h"

namespace hcipol::backends::windows_firewall {

/// For each server and direction, block rules beat allow rules, in whatever order they stand, and
/// what no rule matches is left to the profile's default. Of a connection's first packet the port
/// that is asked for is the local one when it comes in and the remote one when it goes out. Rules
/// match a host name by a dynamic keyword, only outbound. Sources: [MS-FASP], New-NetFirewallRule
/// and New-NetFirewallDynamicKeywordAddress. The part of a script that is no table must be the
/// engine, to the byte.
DeviceReading read_back(std::span<const Artefact> artefacts, const ReadContext& context);

}  // namespace hcipol::backends::windows_firewall
