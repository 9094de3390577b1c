// Writes the scripts: the tables between fixed parts, head.ps1 and compare.ps1 with engine.ps1.
#pragma once

#include <vector>

#include "backends/backend.h"
#include "backends/windows_firewall/document.h"

namespace hcipol::backends::windows_firewall {

/// ASCII with LF; Windows PowerShell 5.1 and later.
std::vector<Artefact> print(Document document);

}  // namespace hcipol::backends::windows_firewall
