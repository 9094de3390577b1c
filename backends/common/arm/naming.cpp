// Everything here follows from the text alone: names in Azure are a contract, since a template can
// neither rename nor delete a rule collection group.
#include "backends/common/arm/naming.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "backends/common/names.h"
#include "support/text.h"

namespace hcipol::backends::arm {

namespace {

constexpr std::size_t longest_deployment_name = 64;

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

void trim_end(std::string& name) {
  while (!name.empty() && !is_alphanumeric(name.back()) && name.back() != '_') name.pop_back();
}

std::string part_of(const std::string& cluster, bool others_alike) {
  std::string part = azure_name(cluster);
  if (others_alike) part = with_hash(part, cluster);
  return shortened(part, 40);
}

}  // namespace

bool is_azure_name(std::string_view name) {
  const auto allowed = [](char c) {
    return is_alphanumeric(c) || c == '.' || c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= longest_name && is_alphanumeric(name.front()) &&
         (is_alphanumeric(name.back()) || name.back() == '_') &&
         std::all_of(name.begin(), name.end(), allowed);
}

std::string azure_name(std::string_view text) {
  std::string name = slug(text);
  const auto start = std::find_if(name.begin(), name.end(), is_alphanumeric);
  name.erase(name.begin(), start);
  trim_end(name);
  return name.empty() ? content_hash(text, 6) : name;
}

std::string with_hash(std::string_view name, std::string_view identity, char joint) {
  return shortened(std::string(name), longest_name - 7) + joint + content_hash(identity, 6);
}

std::string cluster_part(const policy::Policy& policy, const std::string& cluster) {
  const std::string lower = to_lower(azure_name(cluster));
  const auto alike = [&](const policy::Cluster& other) {
    return other.name != cluster && to_lower(azure_name(other.name)) == lower;
  };
  return part_of(cluster, std::any_of(policy.clusters.begin(), policy.clusters.end(), alike));
}

std::vector<std::string> cluster_parts(const policy::Policy& policy) {
  std::vector<std::string> lower;
  std::unordered_map<std::string, std::set<std::string_view>> alike;
  for (const policy::Cluster& cluster : policy.clusters) {
    lower.push_back(to_lower(azure_name(cluster.name)));
    alike[lower.back()].insert(cluster.name);
  }
  std::vector<std::string> out;
  for (const policy::Cluster& cluster : policy.clusters) {
    out.push_back(part_of(cluster.name, alike.at(lower[out.size()]).size() > 1));
  }
  return out;
}

bool begins_another(const policy::Policy& policy, const std::string& cluster) {
  const std::string own = to_lower(cluster_part(policy, cluster));
  const std::vector<std::string> parts = cluster_parts(policy);
  for (std::size_t c = 0; c < parts.size(); ++c) {
    if (policy.clusters[c].name != cluster && begin_alike(own, to_lower(parts[c]), "-"))
      return true;
  }
  return false;
}

bool is_network_version(std::string_view version) {
  return std::find(network_versions.begin(), network_versions.end(), version) !=
         network_versions.end();
}

std::string_view usual_network_version(std::string_view cloud) {
  return cloud == "usgov" || cloud == "china" ? "2023-11-01" : "2025-05-01";
}

bool is_tag(std::string_view tag) {
  return !tag.empty() && std::count(tag.begin(), tag.end(), '.') <= 1 &&
         std::all_of(tag.begin(), tag.end(),
                     [](char c) { return is_alphanumeric(c) || c == '.' || c == '_' || c == '-'; });
}

std::string parameter_name(std::string_view peer) {
  std::string out;
  bool word_starts = false;
  for (const char c : shortened(azure_name(peer), 60)) {
    if (!is_alphanumeric(c)) {
      word_starts = true;
      continue;
    }
    if (out.empty() && is_digit(c)) out = "ip";
    const bool digits_meet = word_starts && !out.empty() && is_digit(out.back()) && is_digit(c);
    if (digits_meet) out += '_';
    const bool raise = word_starts && !out.empty() && c >= 'a' && c <= 'z';
    out += raise ? static_cast<char>(c - 'a' + 'A') : c;
    word_starts = false;
  }
  return out + "Addresses";
}

std::string deploy_command(std::string_view name, std::string_view file) {
  // 1 to 64 letters, digits, `-`, `_`, `.` and brackets (Microsoft.Resources/deployments).
  return fmt::format(
      "az deployment group create --resource-group <resource-group> --name {0} --template-file "
      "{1}.json --parameters {1}.parameters.json",
      shortened(std::string(name), longest_deployment_name), file);
}

std::string cloud_command(std::string_view cloud) {
  if (cloud == "usgov") return "az cloud set --name AzureUSGovernment";
  if (cloud == "china") return "az cloud set --name AzureChinaCloud";
  return {};
}

std::optional<int> free_priority(const std::string& name, const PriorityRange& range,
                                 std::set<int>& taken) {
  const auto hash = std::stoul(content_hash(name, 7), nullptr, 16);
  const auto start = static_cast<int>(hash % static_cast<unsigned long>(range.count));
  for (int step = 0; step < range.count; ++step) {
    const int priority = range.first + (start + step) % range.count;
    if (taken.insert(priority).second) return priority;
  }
  return std::nullopt;
}

void tell_apart(const std::vector<Claim>& claims, char joint) {
  std::unordered_map<std::string, std::size_t> claimants;
  claimants.reserve(claims.size());
  for (const Claim& claim : claims) ++claimants[to_lower(*claim.name)];
  if (claimants.size() == claims.size()) return;
  for (const Claim& claim : claims) {
    if (claimants.find(to_lower(*claim.name))->second == 1) continue;
    *claim.name = with_hash(*claim.name, claim.identity, joint);
  }
}

}  // namespace hcipol::backends::arm
