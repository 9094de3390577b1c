// Names in Azure: what characters they may have, and how two that would be equal are told apart.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace hcipol::backends::azure_firewall {

/// "Naming rules and restrictions for Azure resources", Microsoft.Network/firewallPolicies: 1 to 80
/// of letters, digits, `.`, `_`, `-`; starts alphanumeric, ends alphanumeric or with `_`.
inline constexpr std::size_t longest_name = 80;
bool is_azure_name(std::string_view name);

/// `text` as part of a name: slug() without the ends that Azure refuses; a hash if nothing is left.
std::string azure_name(std::string_view text);
/// `name`, shortened if need be, `joint` and six digits of the hash of `identity`.
std::string with_hash(std::string_view name, std::string_view identity, char joint = '-');

/// "site.east" → "siteEastAddresses", "10.0.7.0/27" → "ip10_0_7_0_27Addresses".
std::string parameter_name(std::string_view peer);

/// A name and what it is the name of; identities differ where the named things do.
struct Claim {
  std::string* name = nullptr;
  std::string identity;
};
/// Azure's names do not tell upper from lower case. All claimants of one name get a hash of their
/// identities, so that who came first does not matter.
void tell_apart(const std::vector<Claim>& claims, char joint = '-');

}  // namespace hcipol::backends::azure_firewall
