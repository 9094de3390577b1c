// The rules that a configuration gives a firewall, read by the semantics of PAN-OS.
#pragma once

#include <span>

#include "backends/backend.h"

namespace hcipol::backends::palo_alto {

/// First match, the pre-rulebase before the post-rulebase; what no rule matches is left to the
/// device's other rules. A packet's zones follow from its addresses, as the target's `zones` say;
/// names are in the zone outside them. If that is unknown, there is a reading in which such packets
/// are in whatever zone an allow asks for and in none that a deny does, and one the other way
/// round. A rule matches if all of its fields do; intrazone rules only within one zone, interzone
/// rules only between two. URL categories are known for HTTP and TLS, on their usual ports.
/// Sources: PAN-OS 10.0 administrator's guide and schema, and what was gathered from field reports
/// about custom categories and applications.
DeviceReading read_back(std::span<const Artefact> artefacts, const ReadContext& context);

}  // namespace hcipol::backends::palo_alto
