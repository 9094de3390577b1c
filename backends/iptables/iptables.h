// The Linux gateway: rules for iptables-restore and ip6tables-restore, ipset files, a dnsmasq
// snippet.
#pragma once

#include "backends/backend.h"

namespace hcipol::backends::iptables {

/// A gateway that forwards the servers' traffic: chains of its own, hooked into FORWARD.
Backend backend();

}  // namespace hcipol::backends::iptables
