// From the document to the two JSON files. Decides nothing.
#pragma once

#include <vector>

#include "backends/azure_nsg/document.h"
#include "backends/backend.h"

namespace hcipol::backends::azure_nsg {

/// The template and its file of parameters.
std::vector<Artefact> print(const Document& document);

}  // namespace hcipol::backends::azure_nsg
