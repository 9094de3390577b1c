// From the document to the two JSON files. Decides nothing.
#pragma once

#include <vector>

#include "backends/azure_firewall/document.h"
#include "backends/backend.h"

namespace hcipol::backends::azure_firewall {

/// The template, in the order and with the indentation of Microsoft's own, and the parameter file;
/// of a template that is too large, its parts in the order in which they must be deployed.
/// Pure ASCII: whatever a shell takes a file without a byte order mark for, it reads the same.
std::vector<Artefact> print(const Document& document);

}  // namespace hcipol::backends::azure_firewall
