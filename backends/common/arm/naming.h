// Names in Azure: what characters they may have, and how two that would be equal are told apart.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "policy/model.h"

namespace hcipol::backends::arm {

/// "Naming rules and restrictions for Azure resources", Microsoft.Network/firewallPolicies: 1 to 80
/// of letters, digits, `.`, `_`, `-`; starts alphanumeric, ends alphanumeric or with `_`.
inline constexpr std::size_t longest_name = 80;
bool is_azure_name(std::string_view name);
/// The same as a sentence.
inline constexpr std::string_view name_rule =
    "a name has 1 to 80 letters, digits, `.`, `_` and `-`, starts with a letter or digit and ends "
    "with a letter, digit or `_`";

/// `text` as part of a name: slug() without the ends that Azure refuses; a hash if nothing is left.
std::string azure_name(std::string_view text);
/// `name`, shortened if need be, `joint` and six digits of the hash of `identity`.
std::string with_hash(std::string_view name, std::string_view identity, char joint = '-');

/// A cluster's name as part of names, at most 40 bytes. Two clusters may share a resource group and
/// even a policy, so their parts differ.
std::string cluster_part(const policy::Policy& policy, const std::string& cluster);
/// The same of every cluster, in the policy's order, in the time that one takes.
std::vector<std::string> cluster_parts(const policy::Policy& policy);
/// Whether that part is, but for its case, the beginning of another cluster's up to a `-`, or the
/// other way round: `prod` and `prod-east`. What one calls `prod-` and more can be the other's
/// name.
bool begins_another(const policy::Policy& policy, const std::string& cluster);

/// The versions of Microsoft.Network from the first in which every property that is written here
/// has its present name (2022-11-01) to the last whose JSON schema was published when this was
/// written.
inline constexpr std::array<std::string_view, 16> network_versions{
    "2022-11-01", "2023-02-01", "2023-04-01", "2023-05-01", "2023-06-01", "2023-09-01",
    "2023-11-01", "2024-01-01", "2024-03-01", "2024-05-01", "2024-07-01", "2024-10-01",
    "2025-01-01", "2025-03-01", "2025-05-01", "2025-07-01"};
bool is_network_version(std::string_view version);
/// Without the option. Sovereign clouds have new versions later (azure-powershell #27549:
/// 2024-05-01 was refused in usgovvirginia), so theirs is one that was taken there.
std::string_view usual_network_version(std::string_view cloud);
/// The same for the list of options.
inline constexpr std::string_view usual_network_versions =
    "\"2025-05-01\", in usgov and china \"2023-11-01\"";

/// Letters, digits, `_` and `-`, and at most one `.` before a region or a part of the service: more
/// dots have only host names, which Azure refuses among addresses.
bool is_tag(std::string_view tag);

/// "site.east" → "siteEastAddresses", "10.0.7.0/27" → "ip10_0_7_0_27Addresses".
std::string parameter_name(std::string_view peer);

/// The command that deploys a template of that file (without ".json") as the deployment `name`, for
/// a shell of any kind: in PowerShell a bare `@` in front of a file is an error, and Azure's CLI
/// takes its path as well.
std::string deploy_command(std::string_view name, std::string_view file);
/// Outside of the public cloud, the command that turns the CLI to the cluster's ("az cloud list");
/// else "". It stands alone, since Windows PowerShell has no `&&`.
std::string cloud_command(std::string_view cloud);

struct PriorityRange {
  int first = 0;
  int count = 0;
};
/// A priority that follows from the name, so that one more rule moves no other; the next free one
/// if two names have the same. Nothing if all of them are taken.
std::optional<int> free_priority(const std::string& name, const PriorityRange& range,
                                 std::set<int>& taken);

/// A name and what it is the name of; identities differ where the named things do.
struct Claim {
  std::string* name = nullptr;
  std::string identity;
};
/// Azure's names do not tell upper from lower case. All claimants of one name get a hash of their
/// identities, so that who came first does not matter.
void tell_apart(const std::vector<Claim>& claims, char joint = '-');

}  // namespace hcipol::backends::arm
