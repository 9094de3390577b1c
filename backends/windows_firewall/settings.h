// What the target block says, checked; and the names that follow from it.
#pragma once

#include <string>
#include <string_view>

#include "backends/backend.h"
#include "backends/windows_firewall/peers.h"

namespace hcipol::backends::windows_firewall {

inline constexpr std::string_view title = "Windows Firewall";

struct Settings {
  NameMode names = NameMode::report;
  TagMode tags = TagMode::addresses;
  std::string group;        ///< "hcipolc:prod"
  std::string profile;      ///< "Any", "Domain, Private"
  bool proxy = true;        ///< the scripts set the servers' proxy
  bool lock_down = false;   ///< outbound traffic that no rule allows is blocked
  bool builtin = false;     ///< rules of Windows' own instead of equal ones of the policy
  std::string name_prefix;  ///< "hcipolc-prod-"
};

/// Reports options that are not valid and uses their defaults.
Settings settings(const flow::DevicePolicy& device, EmitContext& context);

/// A name that Windows' cmdlets take literally (no wildcards), different for different names.
std::string safe_name(std::string_view name);

}  // namespace hcipol::backends::windows_firewall
