// Order is Azure's and not the file's: all rules are collected first and sorted then.
#include "backends/azure_firewall/read_back.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "backends/azure_firewall/read_matches.h"
#include "backends/azure_firewall/read_template.h"

namespace hcipol::backends::azure_firewall {

namespace {

using ReadAct = ReadRule::Act;
using Json = ReadJson;

class TemplateReader {
 public:
  TemplateReader(const Artefact& file, const Artefact& values, const ReadContext& context,
                 DeviceReading& out)
      : file_(file.path), out_(out), values_(file.path), matches_(values_, context, out) {
    const Json json = parse_json(file_, file.text);
    const Json given = parse_json(values.path, values.text);
    read_parameters(json, values.path, given);
    read_resources(json["resources"]);
    add_reading();
  }

 private:
  /// A rule with its place in Azure's order.
  struct Ordered {
    std::tuple<bool, std::uint32_t, std::uint32_t> order;  ///< application, group, collection
    ReadRule rule;
  };
  struct Collection {
    std::uint32_t group = 0;
    std::uint32_t priority = 0;
    bool allow = false;
    const std::set<std::string>* depends_on = nullptr;
  };

  // ---- the frame

  void read_parameters(const Json& json, std::string_view values_file, const Json& given) {
    Members top(file_, "the template", json);
    schema(top, "deploymentTemplate");
    top.skip_text("metadata");
    const Json& defaults = top.need("parameters");
    if (!top.need("resources").is_array()) top.fail("no list of resources");
    const Json& outputs = top.need("outputs");
    top.done();
    Members other(values_file, "the parameters", given);
    schema(other, "deploymentParameters");
    values_.read(defaults, values_file, other.need("parameters"));
    other.done();
    for (const auto& [name, output] : outputs.items()) {
      Members members(file_, fmt::format("output `{}`", name), output);
      members.skip_text("type");
      values_.value(members.need("value"));
      members.done();
    }
  }

  static void schema(Members& members, std::string_view kind) {
    const Json& schema = members.need("$schema");
    const std::string known =
        fmt::format("https://schema.management.azure.com/schemas/2019-04-01/{}.json#", kind);
    if (schema != known) members.fail("another schema");
    if (members.need("contentVersion") != "1.0.0.0") members.fail("another version");
  }

  void read_resources(const Json& resources) {
    if (resources.empty()) fail("no resources, which deploys nothing");
    for (const Json& resource : resources) {
      const auto type = resource.is_object() ? resource.find("type") : resource.end();
      if (type == resource.end() || !type->is_string()) fail("a resource without a type");
      const auto name = type->get<std::string>();
      Members members(file_, name, resource);
      if (name == "Microsoft.Network/ipGroups") {
        ip_group(members);
      } else if (name == "Microsoft.Network/firewallPolicies") {
        policy(members);
      } else if (name == "Microsoft.Network/firewallPolicies/ruleCollectionGroups") {
        group(members);
      } else {
        members.fail("a type of resource that is not known here");
      }
      members.done();
    }
    if (names_in_network_rules_ && has_policy_ && !dns_proxy_) {
      fail("network rules with host names, and no DNS proxy");
    }
  }

  /// The members that every resource has; its name.
  std::string common(Members& members, std::set<std::string>& depends_on) {
    members.need("type");
    members.skip_text("apiVersion");
    members.skip_text("comments");
    if (const Json* list = members.find("dependsOn")) {
      for (std::string& id : values_.texts(*list)) {
        if (!made_.contains(id)) members.fail("it waits for what comes later or never: " + id);
        depends_on.insert(std::move(id));
      }
    }
    std::string name = values_.text(members.need("name"));
    const std::string id = members.place() + "|" + name;
    if (!made_.insert(id).second) members.fail("a second one of the name " + name);
    // Azure refuses to write two groups of one kind at once.
    std::string& before = last_[members.place()];
    if (!before.empty() && !depends_on.contains(before))
      members.fail("it does not wait for " + before);
    before = id;
    return name;
  }

  void ip_group(Members& members) {
    std::set<std::string> depends_on;
    const std::string name = common(members, depends_on);
    values_.text(members.need("location"));
    Members properties(file_, name, members.need("properties"));
    matches_.add_group(members.place() + "|" + name, properties);
    properties.done();
  }

  void policy(Members& members) {
    std::set<std::string> depends_on;
    policy_ = common(members, depends_on);
    has_policy_ = true;
    values_.text(members.need("location"));
    Members properties(file_, policy_, members.need("properties"));
    Members sku(file_, policy_, properties.need("sku"));
    const std::string tier = values_.text(sku.need("tier"));
    sku.done();
    if (tier != "Basic" && tier != "Standard" && tier != "Premium") sku.fail("another tier");
    // With "Deny", Azure would drop what rules allow.
    if (properties.need("threatIntelMode") != "Alert") properties.fail("threat intelligence");
    if (const Json* base = properties.find("basePolicy")) {
      Members members_of_base(file_, policy_, *base);
      values_.text(members_of_base.need("id"));
      members_of_base.done();
    }
    if (const Json* dns = properties.find("dnsSettings")) {
      Members settings(file_, policy_, *dns);
      const Json& proxy = settings.need("enableProxy");
      if (!proxy.is_boolean() || tier == "Basic") settings.fail("DNS settings");
      dns_proxy_ = proxy.get<bool>();
      if (const Json* servers = settings.find("servers")) values_.texts(*servers);
      settings.done();
    }
    properties.done();
  }

  void group(Members& members) {
    std::set<std::string> depends_on;
    const std::string name = common(members, depends_on);
    const std::string of_policy = name.substr(0, name.find('/'));
    if (policy_.empty()) policy_ = of_policy;
    if (of_policy != policy_) members.fail("a group of another policy");
    const std::string id = "Microsoft.Network/firewallPolicies|" + policy_;
    if (has_policy_ && !depends_on.contains(id)) members.fail("it does not wait for its policy");
    Members properties(file_, name, members.need("properties"));
    Collection collection;
    collection.depends_on = &depends_on;
    collection.group = priority(properties);
    if (!priorities_.insert({0, collection.group}).second) members.fail("a priority twice");
    for (const Json& each : list(properties, "ruleCollections")) {
      Members one(file_, name, each);
      read_collection(one, collection);
      one.done();
    }
    properties.done();
  }

  void read_collection(Members& members, Collection collection) {
    if (members.need("ruleCollectionType") != "FirewallPolicyFilterRuleCollection") {
      members.fail("a type of collection that is not known here");
    }
    members.skip_text("name");
    collection.priority = priority(members);
    if (!priorities_.insert({collection.group, collection.priority}).second) {
      members.fail("a priority twice");
    }
    Members action(file_, members.place(), members.need("action"));
    const Json& type = action.need("type");
    action.done();
    if (type != "Allow" && type != "Deny") action.fail("an action that is not known here");
    collection.allow = type == "Allow";
    std::string kind;
    for (const Json& each : list(members, "rules")) {
      Members rule(file_, members.place(), each);
      const Json& rule_type = rule.need("ruleType");
      if (!kind.empty() && rule_type != kind) rule.fail("two types of rules in one collection");
      kind = values_.text(rule_type);
      read_rule(rule, kind, collection);
      rule.done();
    }
  }

  static std::uint32_t priority(Members& members) {
    const Json& value = members.need("priority");
    if (!value.is_number_unsigned()) members.fail("a priority");
    const auto priority = value.get<std::uint64_t>();
    if (priority < 100 || priority > 65000) members.fail("a priority");
    return static_cast<std::uint32_t>(priority);
  }

  static const Json& list(Members& members, const char* key) {
    const Json& value = members.need(key);
    if (!value.is_array() || value.empty()) members.fail(fmt::format("`{}` is empty", key));
    return value;
  }

  // ---- rules

  void read_rule(Members& members, const std::string& kind, const Collection& collection) {
    const bool application = kind == "ApplicationRule";
    if (!application && kind != "NetworkRule")
      members.fail("a type of rule that is not known here");
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

  void add_reading() {
    std::stable_sort(rules_.begin(), rules_.end(),
                     [](const Ordered& a, const Ordered& b) { return a.order < b.order; });
    Reading reading;
    reading.file = std::string(file_);
    reading.families = {net::Family::ipv4};
    reading.denies_rest = true;
    reading.never = net::ServiceSet::ports(6, 0, 0) | net::ServiceSet::ports(17, 0, 0);
    RuleList& list = reading.lists.emplace_back();
    list.reserve(rules_.size());
    for (const Ordered& each : rules_) list.push_back(each.rule);
    out_.readings.push_back(std::move(reading));
  }

  [[noreturn]] void fail(std::string_view what) const { throw Unreadable(file_, 0, what); }

  std::string_view file_;
  DeviceReading& out_;
  Values values_;
  MatchReader matches_;
  std::set<std::string> made_;               ///< ids of the resources so far
  std::map<std::string, std::string> last_;  ///< by type: the one before
  std::string policy_;
  bool has_policy_ = false;
  bool dns_proxy_ = false;
  bool names_in_network_rules_ = false;
  std::set<std::pair<std::uint32_t, std::uint32_t>> priorities_;  ///< group (or 0), priority
  std::vector<Ordered> rules_;
};

}  // namespace

DeviceReading read_back(std::span<const Artefact> artefacts, const ReadContext& context) {
  const auto find = [&](std::string_view end) -> const Artefact& {
    for (const Artefact& artefact : artefacts) {
      if (artefact.path.ends_with(end)) return artefact;
    }
    throw Unreadable(end, 0, "the file is missing");
  };
  DeviceReading out;
  if (artefacts.empty()) {
    // Nothing is deployed, so the firewall denies all.
    Reading& reading = out.readings.emplace_back();
    reading.file = "azure-firewall";
    reading.families = {net::Family::ipv4};
    reading.denies_rest = true;
    return out;
  }
  if (artefacts.size() != 2) throw Unreadable("azure-firewall", 0, "not two files");
  TemplateReader(find(".azuredeploy.json"), find(".azuredeploy.parameters.json"), context, out);
  return out;
}

}  // namespace hcipol::backends::azure_firewall
