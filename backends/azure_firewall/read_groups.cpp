// What Azure tries first is not what stands first: see finish().
#include "backends/azure_firewall/read_groups.h"

#include <fmt/format.h>

#include <algorithm>

namespace hcipol::backends::azure_firewall {

namespace {

using ReadAct = ReadRule::Act;
using Json = arm::ReadJson;

std::uint32_t priority_of(arm::Members& members) {
  const Json& value = members.need("priority");
  if (!value.is_number_unsigned()) members.fail("a priority");
  const auto priority = value.get<std::uint64_t>();
  if (priority < 100 || priority > 65000) members.fail("a priority");
  return static_cast<std::uint32_t>(priority);
}

const Json& list_of(arm::Members& members, const char* key) {
  const Json& value = members.need(key);
  if (!value.is_array() || value.empty()) members.fail(fmt::format("`{}` is empty", key));
  return value;
}

}  // namespace

void GroupReader::group(const std::string& name, arm::Members& properties,
                        const std::set<std::string>& depends_on) {
  Collection collection;
  collection.depends_on = &depends_on;
  collection.group = priority_of(properties);
  if (!priorities_.insert({0, collection.group}).second) properties.fail("a priority twice");
  for (const Json& each : list_of(properties, "ruleCollections")) {
    arm::Members one(file_, name, each);
    read_collection(one, collection);
    one.done();
  }
}

void GroupReader::read_collection(arm::Members& members, Collection collection) {
  if (members.need("ruleCollectionType") != "FirewallPolicyFilterRuleCollection") {
    members.fail("a type of collection that is not known here");
  }
  members.skip_text("name");
  collection.priority = priority_of(members);
  if (!priorities_.insert({collection.group, collection.priority}).second) {
    members.fail("a priority twice");
  }
  arm::Members action(file_, members.place(), members.need("action"));
  const Json& type = action.need("type");
  action.done();
  if (type != "Allow" && type != "Deny") action.fail("an action that is not known here");
  collection.allow = type == "Allow";
  std::string kind;
  for (const Json& each : list_of(members, "rules")) {
    arm::Members rule(file_, members.place(), each);
    const Json& rule_type = rule.need("ruleType");
    if (!kind.empty() && rule_type != kind) rule.fail("two types of rules in one collection");
    kind = values_.text(rule_type);
    read_rule(rule, kind, collection);
    rule.done();
  }
}

void GroupReader::read_rule(arm::Members& members, const std::string& kind,
                            const Collection& collection) {
  const bool application = kind == "ApplicationRule";
  if (!application && kind != "NetworkRule") members.fail("a type of rule that is not known here");
  members.skip_text("name");
  members.skip_text("description");
  Ordered out;
  out.order = {application, collection.group, collection.priority};
  out.rule.act = collection.allow ? ReadAct::allow : ReadAct::deny;
  out.rule.from = matches_.peers(members, "source", *collection.depends_on, false);
  if (out.rule.from == nullptr) members.fail("a rule without a source");
  if (application) {
    out.rule.to = matches_.names(members, "targetFqdns", true);
    out.rule.service = matches_.web(members);
  } else {
    out.rule.to = matches_.peers(members, "destination", *collection.depends_on, true);
    const net::PeerSet* names = matches_.names(members, "destinationFqdns", false);
    if ((out.rule.to == nullptr) == (names == nullptr)) members.fail("its destination");
    if (names != nullptr) out.rule.to = names;
    names_in_network_rules_ = names_in_network_rules_ || names != nullptr;
    out.rule.service = matches_.service(members);
  }
  if (out.rule.to == nullptr) members.fail("a rule without a destination");
  rules_.push_back(out);
}

void GroupReader::finish() {
  std::stable_sort(rules_.begin(), rules_.end(),
                   [](const Ordered& a, const Ordered& b) { return a.order < b.order; });
  Reading reading;
  reading.file = std::string(first_);
  reading.families = {net::Family::ipv4};
  reading.denies_rest = true;
  reading.never = net::ServiceSet::ports(6, 0, 0) | net::ServiceSet::ports(17, 0, 0);
  RuleList& list = reading.lists.emplace_back();
  list.reserve(rules_.size());
  for (const Ordered& each : rules_) list.push_back(each.rule);
  out_.readings.push_back(std::move(reading));
}

}  // namespace hcipol::backends::azure_firewall
