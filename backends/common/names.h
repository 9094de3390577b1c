// Names for devices: derived from the policy's names and nothing else, so they never depend on
// order.
#pragma once

#include <string>
#include <string_view>

namespace hcipol::backends {

/// `text` with every run of other characters than letters, digits, `.`, `_` and `-` turned into one
/// `-`, and none at the ends: "hci/failover-clustering.rpc" → "hci-failover-clustering.rpc".
std::string slug(std::string_view text);

/// Adds slug(text).
void append_slug(std::string& out, std::string_view text);

/// The first `digits` (at most 64) hexadecimal digits of SHA-256 of the text.
std::string content_hash(std::string_view text, std::size_t digits);

/// `name` itself if it fits in `limit` bytes, else its beginning, `-` and six digits of its hash.
std::string shortened(std::string name, std::size_t limit);

/// Whether two clusters' parts of names are one, or one begins the other up to one of `joints`:
/// what `prod` calls "prod-" and more, `prod-east` may call so as well.
bool begin_alike(std::string_view one, std::string_view other, std::string_view joints);

}  // namespace hcipol::backends
