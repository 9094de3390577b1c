// A template waits for nothing that another one makes, so each is deployed by itself; the names of
// what they make are the same as in one template.
#include "backends/azure_firewall/parts.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "backends/azure_firewall/split.h"

namespace hcipol::backends::azure_firewall {

namespace {

/// Of the text of a template, which has each entry on a line of its own: half of what it may have.
constexpr std::size_t most_ip_group_bytes = 2'000'000;
constexpr std::size_t bytes_around_an_entry = 16;
constexpr std::size_t most_ip_group_templates = 64;

class Divider {
 public:
  explicit Divider(const Document& document) : document_(document) {
    const std::string ending = ".azuredeploy";
    cluster_ = document.file.substr(0, document.file.size() - ending.size());
  }

  std::vector<Document> parts() {
    if (document_.mode != Mode::attach) {
      Document& policy = add(Part::policy, "");
      policy.mode = document_.mode;
      policy.absent_groups = document_.absent_groups;
    }
    add_ip_groups();
    for (const RuleCollectionGroup& group : document_.groups) {
      add(Part::group, "." + group.kind).groups.push_back(group);
    }
    return std::move(parts_);
  }

 private:
  Document& add(Part part, const std::string& name) {
    Document next;
    next.mode = Mode::attach;
    next.part = part;
    if (!parts_.empty()) next.after = parts_.back().file + ".json";
    next.cluster = document_.cluster;
    next.cloud = document_.cloud;
    next.file = cluster_ + name + ".azuredeploy";
    next.api_version = document_.api_version;
    next.policy = document_.policy;
    next.base_policy = document_.base_policy;
    next.tier = document_.tier;
    next.threat_intel = document_.threat_intel;
    next.dns_proxy = document_.dns_proxy;
    next.dns_servers = document_.dns_servers;
    parts_.push_back(std::move(next));
    return parts_.back();
  }

  void add_ip_groups() {
    std::vector<Weighed> weights;
    for (const auto& [key, group] : document_.ip_groups) {
      std::size_t bytes = 0;
      for (const std::string& address : group.addresses) {
        bytes += address.size() + bytes_around_an_entry;
      }
      weights.push_back({hash_of(group.name), bytes});
    }
    const std::size_t count = parts_for(weights, most_ip_group_bytes, most_ip_group_templates);
    for (std::size_t part = 0; part < count; ++part) {
      std::map<IpGroupKey, IpGroup> groups;
      std::size_t at = 0;
      for (const auto& entry : document_.ip_groups) {
        if (weights[at++].hash % count == part) groups.insert(entry);
      }
      if (groups.empty()) continue;
      const std::string ending = part == 0 ? "" : fmt::format("-{}", part + 1);
      add(Part::ip_groups, ".ip-groups" + ending).ip_groups = std::move(groups);
    }
  }

  const Document& document_;
  std::string cluster_;
  std::vector<Document> parts_;
};

}  // namespace

std::vector<Document> parts_of(const Document& document) {
  return Divider(document).parts();
}

}  // namespace hcipol::backends::azure_firewall
