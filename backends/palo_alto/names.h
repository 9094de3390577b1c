// Names and texts that PAN-OS accepts.
#pragma once

#include <string>
#include <string_view>

#include "net/address.h"

namespace hcipol::backends::palo_alto {

/// Objects that are named by what they hold, so that the files of several clusters can be loaded
/// into one device: "host-10.1.0.11", "net-10.0.7.0_27", "range-10.0.0.1-10.0.0.9". IPv6 has `-`
/// for
/// `:`, which no name may hold: "host-fd00-10-1--11".
std::string name_of(const net::Cidr& cidr);
std::string name_of(const net::AddressRange& range);

/// What stands for the cluster in names: its slug, and a hash if the slug is not all of its name.
std::string cluster_key(std::string_view cluster);

/// `text` as one line of at most `bytes` (as one_line() does it), without what XML 1.0 forbids.
std::string plain_text(std::string_view text, std::size_t bytes);

}  // namespace hcipol::backends::palo_alto
