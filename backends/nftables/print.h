// The document as files: ruleset.nft, dnsmasq.conf and dnsmasq-cache.conf.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "backends/backend.h"
#include "backends/nftables/document.h"

namespace hcipol::backends::nftables {

std::vector<Artefact> print(Document document);

/// Appends readable text in double quotes. nft has no way to write a quote within them, so it
/// becomes an apostrophe; `$` would be a variable in a log prefix and becomes `_`.
void put_comment(std::string& out, std::string_view text);
void put_prefix(std::string& out, std::string_view text);

}  // namespace hcipol::backends::nftables
