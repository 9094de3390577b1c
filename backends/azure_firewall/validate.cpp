// The frame: resources, their names, priorities and order, and the settings of the policy.
#include "backends/azure_firewall/validate.h"

#include <fmt/format.h>

#include <deque>
#include <map>
#include <set>
#include <utility>

#include "backends/azure_firewall/validate_limits.h"
#include "backends/azure_firewall/validate_rules.h"
#include "backends/common/arm/naming.h"
#include "backends/common/arm/read_template.h"
#include "support/text.h"

namespace hcipol::backends::azure_firewall {

namespace {

using Json = arm::ReadJson;

constexpr std::string_view ip_group_type = "Microsoft.Network/ipGroups";
constexpr std::string_view policy_type = "Microsoft.Network/firewallPolicies";
constexpr std::string_view group_type = "Microsoft.Network/firewallPolicies/ruleCollectionGroups";

class FileChecks {
 public:
  FileChecks(std::string_view file, arm::Values::Texts texts, std::vector<Finding>& out)
      : values_(file, texts), rules_(values_, out) {}

  /// One template after the other, in the order in which they are deployed.
  void of_template(std::string_view file, const Json& json, std::string_view values_file,
                   const Json& given) {
    values_ = arm::Values(file);
    values_.read(member(json, "parameters"), values_file, member(given, "parameters"));
    check_template(json, rules_);
    const Json& resources = member(json, "resources");
    // What a rule may be depends on the policy, and may stand before it.
    for (const Json& each : resources) {
      if (member(each, "type") == policy_type) policy(each);
    }
    for (const Json& each : resources) resource(each);
    dependencies(resources);
  }
  void finish() {
    check_groups(groups_, values_, rules_);
    names_need_proxy();
  }

  void of_array(const Json& json) {
    for (const Json& each : json) {
      const std::string name = text_of(member(each, "name"));
      group_name(name);
      rules_.expect(taken_names_.insert(to_lower(name)).second, "N3", "two groups " + name);
      group(name, each);
    }
  }

 private:
  std::string name_of(const Json& resource) const { return values_.text(member(resource, "name")); }
  std::string id_of(const Json& resource) const {
    return text_of(member(resource, "type")) + "|" + name_of(resource);
  }
  std::set<std::string> upstream(const Json& resource) const {
    const Json& list = member(resource, "dependsOn");
    if (list.is_null()) return {};
    const std::vector<std::string> ids = values_.texts(list);
    return {ids.begin(), ids.end()};
  }

  void group_name(const std::string& name) {
    rules_.expect(arm::is_azure_name(name), "N1", "`" + name + "` as a name");
  }

  void resource(const Json& resource) {
    const std::string type = text_of(member(resource, "type"));
    const std::string name = name_of(resource);
    rules_.expect(taken_names_.insert(to_lower(id_of(resource))).second, "N3",
                  "two resources " + name);
    const auto parts = split(name, '/');
    const std::size_t segments = type == group_type ? 2 : 1;
    rules_.expect(parts.size() == segments, "N1", "`" + name + "`: its segments");
    for (const std::string_view part : parts) group_name(std::string(part));
    const Json& properties = member(resource, "properties");
    if (type == group_type) {
      group(name, properties);
      used_[id_of(resource)] = rules_.ip_groups();
    }
    if (type == ip_group_type) {
      rules_.addresses(member(properties, "ipAddresses"), name, false);
      const Json entries = values_.value(member(properties, "ipAddresses"));
      rules_.expect(entries.size() <= 5'000, "L1", name + ": its entries");
    }
  }

  void group(const std::string& name, const Json& properties) {
    rules_.priority(properties, "P1", name, priorities_);
    const Json& priority = member(properties, "priority");
    rules_.expect(priority != 100 && priority != 200 && priority != 300, "P3",
                  name + " has the priority of a group of the portal");
    rules_.group(name, properties);
    groups_.push_back(&properties);
  }

  void policy(const Json& resource) {
    const Json& properties = member(resource, "properties");
    has_policy_ = true;
    const std::string tier = text_of(member(member(properties, "sku"), "tier"));
    rules_.tier = tier;
    rules_.expect(tier == "Basic" || tier == "Standard" || tier == "Premium", "T1", "the tier");
    const bool basic = tier == "Basic";
    const Json& dns = member(properties, "dnsSettings");
    proxy_ = member(dns, "enableProxy") == true;
    rules_.expect(!basic || dns.is_null(), "T1", "DNS settings in tier Basic");
    rules_.expect(!basic || member(properties, "threatIntelMode") == "Alert", "T1",
                  "threat intelligence in tier Basic");
    const bool premium_only = !member(properties, "intrusionDetection").is_null() ||
                              !member(properties, "transportSecurity").is_null();
    rules_.expect(!premium_only || tier == "Premium", "T1", "inspection below tier Premium");
    const bool child = !member(properties, "basePolicy").is_null();
    rules_.expect(!child || basic || !dns.is_null(), "T3",
                  "a child policy without DNS settings of its own, which it does not inherit");
  }

  void names_need_proxy() {
    rules_.expect(!has_policy_ || proxy_ || !rules_.names_in_network_rules(), "T2",
                  "host names in network rules without the DNS proxy");
  }

  /// Azure writes what does not depend on each other at once, and fails then.
  void dependencies(const Json& resources) {
    std::set<std::string> ids;
    std::string policy_id;
    for (const Json& each : resources) {
      ids.insert(id_of(each));
      if (member(each, "type") == policy_type) policy_id = id_of(each);
    }
    std::map<std::string, std::string> before;
    for (const Json& each : resources) {
      const std::set<std::string> waits = upstream(each);
      for (const std::string& id : waits) {
        rules_.expect(ids.contains(id) && id != id_of(each), "D2", "it depends on " + id);
      }
      const std::string type = text_of(member(each, "type"));
      if (type == group_type) {
        rules_.expect(policy_id.empty() || waits.contains(policy_id), "D1",
                      name_of(each) + " does not wait for its policy");
        for (const std::string& used : used_[id_of(each)]) {
          rules_.expect(waits.contains(used) || before_.contains(used), "D1",
                        name_of(each) + " does not wait for " + used);
        }
      }
      if (type != group_type && type != ip_group_type) continue;
      std::string& last = before[type];
      rules_.expect(last.empty() || waits.contains(last), "D1",
                    name_of(each) + " does not wait for " + last);
      last = id_of(each);
    }
    before_.insert(ids.begin(), ids.end());
  }

  arm::Values values_;
  RuleChecks rules_;
  std::set<std::string> taken_names_;
  std::set<std::int64_t> priorities_;
  std::vector<const Json*> groups_;
  std::map<std::string, std::set<std::string>> used_;  ///< IP groups by id of a group
  std::set<std::string> before_;                       ///< ids in the templates before
  bool has_policy_ = false;
  bool proxy_ = false;
};

void validate_files(std::span<const Artefact> artefacts, std::vector<Finding>& out) {
  if (artefacts.empty()) return;
  const Artefact& file = artefacts.front();
  if (artefacts.size() == 1) {
    FileChecks checks(file.path, arm::Values::Texts::verbatim, out);
    const Json json = arm::parse_array(file.path, file.text);
    checks.of_array(json);
    checks.finish();
    return;
  }
  for (const Artefact& each : artefacts) {
    if (each.text.size() > 4'000'000) out.push_back({"L1", each.path + " is too big"});
  }
  FileChecks checks(file.path, arm::Values::Texts::evaluated, out);
  std::deque<Json> templates;  // the checks look into them until the end
  for (std::size_t i = 0; i + 1 < artefacts.size(); i += 2) {
    const Artefact& values = artefacts[i + 1];
    templates.push_back(arm::parse_json(artefacts[i].path, artefacts[i].text));
    checks.of_template(artefacts[i].path, templates.back(), values.path,
                       arm::parse_json(values.path, values.text));
  }
  checks.finish();
}

}  // namespace

std::vector<Finding> validate(std::span<const Artefact> artefacts) {
  std::vector<Finding> out;
  try {
    validate_files(artefacts, out);
  } catch (const Unreadable& error) {
    out.push_back({"X1", error.what()});
  }
  return out;
}

}  // namespace hcipol::backends::azure_firewall
