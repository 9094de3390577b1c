// Services as Windows takes them: one match for each protocol.
#pragma once

#include <vector>

#include "backends/windows_firewall/document.h"
#include "net/service.h"

namespace hcipol::backends::windows_firewall {

/// In order of protocol number. A protocol with all its ports or types has no list; a set of every
/// service is one match, "Any". Only 1, 6, 17 and 58 may have ports or types ([MS-FASP]).
std::vector<Match> matches(const net::ServiceSet& service);

/// What a rule of Windows' own is for.
net::ServiceSet service_of(const BuiltinRule& builtin);

}  // namespace hcipol::backends::windows_firewall
