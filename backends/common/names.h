// Names for devices: derived from the policy's names and nothing else, so they never depend on
// order.
#pragma once

#include <string>
#include <string_view>

namespace hcipol::backends {

/// `text` with every run of other characters than letters, digits, `.`, `_` and `-` turned into one
/// `-`, and none at the ends: "hci/failover-clustering.rpc" → "hci-failover-clustering.rpc".
std::string slug(std::string_view text);

/// The first `digits` (at most 64) hexadecimal digits of SHA-256 of the text.
std::string content_hash(std::string_view text, std::size_t digits);

/// `name` itself if it fits in `limit` bytes, else its beginning, `-` and six digits of its hash.
std::string shortened(std::string_view name, std::size_t limit);

}  // namespace hcipol::backends
