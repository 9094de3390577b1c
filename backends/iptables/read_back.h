// The gateway as its files make it, read by the semantics of iptables, ipset and dnsmasq.
#pragma once

#include <span>

#include "backends/backend.h"

namespace hcipol::backends::iptables {

/// First match, with chains; a jump comes back and a goto does not. Sources: the manual pages of
/// iptables-restore, iptables-extensions, ipset 7.17 and dnsmasq 2.90, and measurements on Linux
/// 6.18 where those say nothing. For each family there are the connections that are new, what
/// belongs to those that were allowed (conntrack RELATED and ESTABLISHED), what conntrack calls
/// INVALID, and for IPv6 the neighbour discovery that a bridge forwards, which has no state.
DeviceReading read_back(std::span<const Artefact> artefacts, const ReadContext& context);

}  // namespace hcipol::backends::iptables
