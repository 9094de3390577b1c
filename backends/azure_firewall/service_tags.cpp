// The table of service tags; kept small: the tags that hosts of Azure Stack HCI have to do with.
#include "backends/azure_firewall/service_tags.h"

#include <algorithm>
#include <array>

#include "support/text.h"

namespace hcipol::backends::azure_firewall {

namespace {

struct Row {
  std::string_view tag;  ///< lower case
  TagUse use;
};

constexpr std::array rows{
    Row{"azureactivedirectory", TagUse::yes},
    Row{"azurearcinfrastructure", TagUse::yes},
    Row{"azurebackup", TagUse::yes},
    Row{"azurecloud", TagUse::yes},
    Row{"azurecontainerregistry", TagUse::yes},
    Row{"azurekeyvault", TagUse::yes},
    Row{"azuremonitor", TagUse::yes},
    Row{"azureresourcemanager", TagUse::yes},
    Row{"azuretrafficmanager", TagUse::yes},
    Row{"eventhub", TagUse::yes},
    Row{"guestandhybridmanagement", TagUse::yes},
    Row{"microsoftcontainerregistry", TagUse::yes},
    Row{"servicebus", TagUse::yes},
    Row{"storage", TagUse::yes},
    // These name something of a virtual network and mean nothing to a firewall policy.
    Row{"azureloadbalancer", TagUse::no},
    Row{"internet", TagUse::no},
    Row{"virtualnetwork", TagUse::no},
};

}  // namespace

TagUse tag_use(std::string_view tag) {
  const std::string service = to_lower(tag.substr(0, tag.find('.')));
  const auto row = std::find_if(rows.begin(), rows.end(),
                                [&](const Row& candidate) { return candidate.tag == service; });
  return row == rows.end() ? TagUse::unknown : row->use;
}

}  // namespace hcipol::backends::azure_firewall
