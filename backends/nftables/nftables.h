// The Linux gateway with nftables: one file for nft, and a dnsmasq snippet.
#pragma once

#include "backends/backend.h"

namespace hcipol::backends::nftables {

/// A gateway that forwards the servers' traffic: a table of its own, hooked into forward.
Backend backend();

}  // namespace hcipol::backends::nftables
