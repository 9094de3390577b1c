// Writes a PAN-OS document as XML.
#pragma once

#include <string>

#include "backends/palo_alto/document.h"

namespace hcipol::backends::palo_alto {

/// Two blanks of indentation, one element a line (a list of one member is one too), objects sorted,
/// children in the schema's order.
std::string print(const Document& document);

}  // namespace hcipol::backends::palo_alto
