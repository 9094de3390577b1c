// The figures that Azure refuses to exceed, checked before it has a chance to.
#pragma once

#include <vector>

#include "backends/azure_firewall/document.h"
#include "backends/backend.h"

namespace hcipol::backends::azure_firewall {

/// Reports E0613 with figures for every limit that the document exceeds, and a note for those that
/// are said to hurt only. Figures: azure-docs, includes/firewall-limits.md (2023-10-10) and
/// azure-resource-manager/templates/best-practices.md (2022-05-26).
void check_limits(const Document& document, EmitContext& context);

/// The limits of the files themselves: 4 MB each.
void check_sizes(const std::vector<Artefact>& artefacts, EmitContext& context);

}  // namespace hcipol::backends::azure_firewall
