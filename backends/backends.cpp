// The table of backends: adding one adds a row here and a folder beside this file.
#include <algorithm>
#include <array>

#include "backends/azure_firewall/azure_firewall.h"
#include "backends/azure_nsg/azure_nsg.h"
#include "backends/backend.h"
#include "backends/iptables/iptables.h"
#include "backends/nftables/nftables.h"
#include "backends/palo_alto/palo_alto.h"
#include "backends/windows_firewall/windows_firewall.h"

namespace hcipol::backends {

std::span<const Backend> all() {
  static const std::array rows{
      azure_firewall::backend(), azure_nsg::backend(), iptables::backend(),
      nftables::backend(),       palo_alto::backend(), windows_firewall::backend(),
  };
  return rows;
}

const Backend* find(std::string_view name) {
  const auto rows = all();
  const auto row = std::find_if(rows.begin(), rows.end(),
                                [&](const Backend& backend) { return backend.name == name; });
  return row == rows.end() ? nullptr : &*row;
}

}  // namespace hcipol::backends
