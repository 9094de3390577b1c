// What an engineer must know about the scripts as a whole.
#pragma once

#include "backends/backend.h"
#include "backends/windows_firewall/document.h"

namespace hcipol::backends::windows_firewall {

/// Notes on a finished document (W0615). `allows_out`: it has outbound allow rules; `logs`: a rule
/// of the policy asks for logging.
void add_notes(const Document& document, bool allows_out, bool logs, EmitContext& context);

}  // namespace hcipol::backends::windows_firewall
