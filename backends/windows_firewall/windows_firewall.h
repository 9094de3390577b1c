// Windows Firewall on each server: a PowerShell script that verifies, applies or removes its rules.
#pragma once

#include "backends/backend.h"

namespace hcipol::backends::windows_firewall {

Backend backend();

}  // namespace hcipol::backends::windows_firewall
