// Microsoft's ServiceTags JSON: which prefixes a service tag stands for.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/address_set.h"

namespace hcipol::sema {

/// One file as Microsoft publishes it weekly ("Azure IP Ranges and Service Tags").
struct ServiceTags {
  std::string cloud;  ///< "Public", "AzureGovernment", "AzureChina"
  std::int64_t change_number = 0;
  std::map<std::string, net::AddressSet, std::less<>> tags;  ///< never empty sets
};

/// Nothing if the text is no such file, with the reason in `error`. Tags with an empty list are
/// left out: an empty list must never come to mean "any".
std::optional<ServiceTags> parse_service_tags(std::string_view text, std::string& error);

/// The `cloud` of the file that belongs to a cluster's cloud: "public" → "Public".
std::string_view tag_cloud(std::string_view cluster_cloud);

}  // namespace hcipol::sema
