// What a gateway with nftables does, read from its files.
#pragma once

#include "backends/backend.h"

namespace hcipol::backends::nftables {

/// As Backend::read_back.
DeviceReading read_back(std::span<const Artefact> artefacts, const ReadContext& context);

}  // namespace hcipol::backends::nftables
