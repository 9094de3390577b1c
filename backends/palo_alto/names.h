// Names and texts that PAN-OS accepts.
#pragma once

#include <string>
#include <string_view>

#include "backends/palo_alto/document.h"
#include "net/address.h"

namespace hcipol::backends::palo_alto {

/// Of every object, since a load would write into an object that the device has under its name.
inline constexpr std::string_view object_prefix = "hci-";

/// An object that is named by what it holds, so that the files of several clusters can be loaded
/// into one device: "hci-host-10.1.0.11", "hci-net-10.0.7.0_27", "hci-range-10.0.0.1-10.0.0.9".
/// IPv6 has `-` for `:`, which no name may hold: "hci-host-fd00-10-1--11".
struct NamedAddress {
  std::string name;
  Address address;
};
NamedAddress named(const net::Cidr& cidr);
/// A range that is a single prefix is an object of that.
NamedAddress named(const net::AddressRange& range);

/// `name` behind the prefix, shortened.
std::string object_name(std::string_view name, std::size_t limit = name_limit);

/// The name of a URL category, within its 31 characters. What is cut is cut out of the middle: sets
/// of one feature differ at the end.
std::string category_name(std::string_view name);

/// What stands for the cluster in names: its slug, and a hash if the slug is not all of its name.
std::string cluster_key(std::string_view cluster);

/// `text` as one line of at most `bytes` (as one_line() does it), without what XML 1.0 forbids.
std::string plain_text(std::string_view text, std::size_t bytes);
std::string plain_text(std::string&& text, std::size_t bytes);

}  // namespace hcipol::backends::palo_alto
