// Which service tags a network rule of Azure Firewall takes as a destination.
#pragma once

#include <string_view>

namespace hcipol::backends::azure_firewall {

enum class TagUse { yes, no, unknown };

/// "Virtual network service tags" has a column for Azure Firewall; the copies that say so are from
/// 2021/22, and one of their noes (AzureResourceManager) is a yes on Microsoft's newer page. What
/// no copy settles is unknown. A region ("Storage.WestEurope") is looked up by what precedes it.
TagUse tag_use(std::string_view tag);

}  // namespace hcipol::backends::azure_firewall
