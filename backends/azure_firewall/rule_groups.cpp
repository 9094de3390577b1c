// Azure takes network rules before application rules, whatever their priorities; within a group,
// collections by priority. All collections here allow, so their order decides nothing but which one
// a log names. Priorities must be unique in the group, and enabling one more feature must not move
// the others: so a collection's priority follows from its name, not from its place.
#include "backends/azure_firewall/rule_groups.h"

#include <fmt/format.h>

#include <set>
#include <utility>
#include <vector>

#include "backends/azure_firewall/naming.h"
#include "backends/common/names.h"

namespace hcipol::backends::azure_firewall {

namespace {

/// Exceptions come first, so that a log blames them for what they alone, or they too, allow.
struct PriorityRange {
  int first;
  int count;
};
constexpr PriorityRange exception_priorities{100, 900};
constexpr PriorityRange allow_priorities{1'000, 64'000};

/// The next free one if two names have the same: with 50 features that happens once in fifty
/// policies, and then moves one collection.
int free_priority(const std::string& name, const PriorityRange& range, std::set<int>& taken) {
  const auto hash = std::stoul(content_hash(name, 7), nullptr, 16);
  const auto start = static_cast<int>(hash % static_cast<unsigned long>(range.count));
  for (int step = 0; step < range.count; ++step) {
    const int priority = range.first + (start + step) % range.count;
    if (taken.insert(priority).second) return priority;
  }
  // More collections than check_limits() lets pass.
  return range.first;
}

/// `.` between the parts, because no feature has one in its name: "allow-hci.arc-servers".
std::string collection_name(const std::string& kind, const std::string& module,
                            const std::string& feature) {
  return shortened(kind + "-" + azure_name(module + "." + feature), longest_name);
}

}  // namespace

void RuleGroups::add(const flow::Flow& flow, Rule rule) {
  const bool allow = flow.kind == policy::Rule::Kind::allow;
  const policy::Origin& origin = flow.rule->origin;
  Collections& collections =
      std::holds_alternative<NetworkMatch>(rule.match) ? network_ : application_;
  collections[Key{allow, origin.module, origin.feature}].rules.push_back(std::move(rule));
}

RuleCollectionGroup RuleGroups::finished(Collections& collections) const {
  RuleCollectionGroup group;
  std::vector<Claim> names;
  for (auto& [key, collection] : collections) {
    const auto& [allow, module, feature] = key;
    collection.name = collection_name(allow ? "allow" : "exception", module, feature);
    names.push_back({&collection.name, fmt::format("{}\n{}\n{}", allow, module, feature)});
  }
  tell_apart(names);
  std::set<int> taken;
  for (auto& [key, collection] : collections) {
    const bool allow = std::get<0>(key);
    collection.priority =
        free_priority(collection.name, allow ? allow_priorities : exception_priorities, taken);
    group.collections.push_back(std::move(collection));
  }
  return group;
}

void RuleGroups::finish(const Settings& settings, Document& document) {
  const auto add_group = [&](Collections& collections, const char* kind, const char* comment,
                             int priority) {
    const std::string name =
        shortened(fmt::format("rcg-hci-{}-{}", settings.cluster, kind), longest_name);
    if (collections.empty()) {
      document.absent_groups.push_back(name);
      return;
    }
    RuleCollectionGroup group = finished(collections);
    group.name = name;
    group.comment = comment;
    group.priority = priority;
    document.groups.push_back(std::move(group));
  };
  add_group(network_, "network",
            "Layer 3 and 4. Azure tries these rules before every application rule of the policy.",
            settings.priority);
  add_group(application_, "application", "Layer 7: matched by SNI (HTTPS) or Host header (HTTP).",
            settings.priority + priority_step);
  std::vector<Claim> names;
  for (RuleCollectionGroup& group : document.groups) {
    for (RuleCollection& collection : group.collections) {
      for (Rule& rule : collection.rules) names.push_back({&rule.name, rule.identity});
    }
  }
  tell_apart(names);
}

}  // namespace hcipol::backends::azure_firewall
