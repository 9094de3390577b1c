// Azure takes network rules before application rules, whatever their priorities; within a group,
// collections by priority. All collections here allow, so their order decides nothing but which one
// a log names. Priorities must be unique in the group, and enabling one more feature must not move
// the others: so a collection's priority follows from its name, not from its place. So does the
// group that it is in, where the rules of a kind are more than one group takes. Azure writes the
// groups one after the other, the last of them first: when a group is divided, the new one has its
// rules before the old one loses them.
#include "backends/azure_firewall/rule_groups.h"

#include <fmt/format.h>

#include <set>
#include <utility>
#include <vector>

#include "backends/azure_firewall/limits.h"
#include "backends/azure_firewall/split.h"
#include "backends/common/arm/naming.h"
#include "backends/common/names.h"

namespace hcipol::backends::azure_firewall {

namespace {

/// Exceptions come first, so that a log blames them for what they alone, or they too, allow.
constexpr arm::PriorityRange exception_priorities{100, 900};
/// With 50 features two names have the same in one of fifty policies, and one collection moves
/// then.
constexpr arm::PriorityRange allow_priorities{1'000, 64'000};

/// A collection that fills more than half a group is divided, so that groups can be filled evenly.
constexpr std::size_t most_collection_bytes = usable_group_bytes / 2;
constexpr std::size_t most_collection_parts = 16;

/// `.` between the parts, because no feature has one in its name: "allow-hci.arc-servers".
std::string collection_name(const std::string& kind, const std::string& module,
                            const std::string& feature) {
  return shortened(kind + "-" + arm::azure_name(module + "." + feature), arm::longest_name);
}

/// The portal's own groups have 100, 200 and 300.
int beside_the_portal(int priority) {
  const bool taken = priority == 100 || priority == 200 || priority == 300;
  return taken ? priority + priority_gap / 2 : priority;
}

std::vector<RuleCollection> parts_of(RuleCollection collection) {
  std::vector<Weighed> weights;
  if (stored_bytes(collection) > most_collection_bytes) {
    for (const Rule& rule : collection.rules) {
      weights.push_back({hash_of(rule.identity), stored_bytes(rule)});
    }
  }
  const std::size_t count = parts_for(weights, most_collection_bytes, most_collection_parts);
  std::vector<RuleCollection> out(count);
  if (count == 1) {
    out.front() = std::move(collection);
    return out;
  }
  for (std::size_t r = 0; r < collection.rules.size(); ++r) {
    out[weights[r].hash % count].rules.push_back(std::move(collection.rules[r]));
  }
  for (std::size_t part = 0; part < count; ++part) {
    const std::string ending = fmt::format("-{}of{}", part + 1, count);
    out[part].name = shortened(collection.name, arm::longest_name - ending.size()) + ending;
  }
  std::erase_if(out, [](const RuleCollection& part) { return part.rules.empty(); });
  return out;
}

}  // namespace

void RuleGroups::add(const flow::Flow& flow, Rule rule) {
  const bool allow = flow.kind == policy::Rule::Kind::allow;
  const policy::Origin& origin = flow.rule->origin;
  Collections& collections =
      std::holds_alternative<NetworkMatch>(rule.match) ? network_ : application_;
  collections[Key{allow, origin.module, origin.feature}].rules.push_back(std::move(rule));
}

std::vector<RuleCollection> RuleGroups::finished(Collections& collections) const {
  std::vector<RuleCollection> out;
  std::vector<arm::Claim> names;
  for (auto& [key, collection] : collections) {
    const auto& [allow, module, feature] = key;
    collection.name = collection_name(allow ? "allow" : "exception", module, feature);
    names.push_back({&collection.name, fmt::format("{}\n{}\n{}", allow, module, feature)});
  }
  arm::tell_apart(names);
  std::set<int> taken;
  for (auto& [key, collection] : collections) {
    const arm::PriorityRange& range = std::get<0>(key) ? allow_priorities : exception_priorities;
    for (RuleCollection& part : parts_of(std::move(collection))) {
      // With more collections than there are priorities, the limit of collections is exceeded.
      part.priority = arm::free_priority(part.name, range, taken).value_or(range.first);
      out.push_back(std::move(part));
    }
  }
  return out;
}

void RuleGroups::add_groups(Collections& collections, const char* kind, const char* comment,
                            int priority, Document& document) const {
  const std::string name =
      shortened(fmt::format("rcg-hci-{}-{}", cluster_part_, kind), arm::longest_name - 2);
  if (collections.empty()) {
    document.absent_groups.push_back(name);
    return;
  }
  std::vector<RuleCollection> finished = this->finished(collections);
  std::vector<Weighed> weights;
  for (const RuleCollection& collection : finished) {
    weights.push_back({hash_of(collection.name), stored_bytes(collection)});
  }
  const std::size_t count = parts_for(weights, usable_group_bytes, most_groups_of_a_kind);
  std::vector<RuleCollectionGroup> groups(count);
  for (std::size_t c = 0; c < finished.size(); ++c) {
    groups[weights[c].hash % count].collections.push_back(std::move(finished[c]));
  }
  for (std::size_t g = count; g-- > 0;) {
    if (groups[g].collections.empty()) continue;
    groups[g].name = g == 0 ? name : fmt::format("{}-{}", name, g + 1);
    groups[g].kind = g == 0 ? kind : fmt::format("{}-{}", kind, g + 1);
    groups[g].comment = comment;
    groups[g].priority = beside_the_portal(priority + static_cast<int>(g) * priority_gap);
    document.groups.push_back(std::move(groups[g]));
  }
}

void RuleGroups::finish(const Settings& settings, Document& document) {
  cluster_part_ = settings.cluster;
  std::vector<arm::Claim> names;
  for (Collections* collections : {&network_, &application_}) {
    for (auto& [key, collection] : *collections) {
      for (Rule& rule : collection.rules) names.push_back({&rule.name, rule.identity});
    }
  }
  arm::tell_apart(names);
  add_groups(network_, "network",
             "Layer 3 and 4. Azure tries these rules before every application rule of the policy.",
             settings.priority, document);
  add_groups(application_, "application", "Layer 7: matched by SNI (HTTPS) or Host header (HTTP).",
             settings.priority + priority_step, document);
}

}  // namespace hcipol::backends::azure_firewall
