// The document as files: rules.v4, rules.v6, ipset, dnsmasq.conf and dnsmasq-cache.conf.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "backends/backend.h"
#include "backends/iptables/document.h"

namespace hcipol::backends::iptables {

std::vector<Artefact> print(Document document);

}  // namespace hcipol::backends::iptables
