// The document as files: rules.v4, rules.v6, ipset, dnsmasq.conf and dnsmasq-cache.conf.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "backends/backend.h"
#include "backends/iptables/document.h"

namespace hcipol::backends::iptables {

std::vector<Artefact> print(Document document);

/// Appends readable text in double quotes, with a backslash before `"`, `'` and `\`, as
/// iptables-save 1.8.9 writes it. `"` is the only quote, and a line break would end the rule.
void put_quoted(std::string& out, std::string_view text);

}  // namespace hcipol::backends::iptables
