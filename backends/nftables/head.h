// What stands above the table, for people.
#pragma once

#include <string>

#include "backends/nftables/document.h"

namespace hcipol::backends::nftables {

/// The first lines of ruleset.nft, which begin with "#".
std::string head_of(const Document& document);

}  // namespace hcipol::backends::nftables
