// A template may come in any order that its dependencies allow; what makes Azure refuse it is
// refused here.
#include "backends/azure_firewall/read_back.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "backends/azure_firewall/read_groups.h"
#include "backends/common/arm/read_template.h"
#include "backends/common/options.h"

namespace hcipol::backends::azure_firewall {

namespace {

using Json = arm::ReadJson;

/// Reads templates one after the other, in the order in which they are deployed.
class TemplateReader {
 public:
  TemplateReader(std::string_view first, const ReadContext& context, DeviceReading& out)
      : file_(first),
        values_(first),
        context_(context),
        groups_(first, values_, context, out),
        threat_intel_(text_option(context.options(), "threat_intel", "Alert")) {}

  void read(const Artefact& file, const Artefact& values) {
    file_ = file.path;
    values_ = arm::Values(file_);
    groups_.next_file(file_);
    here_.clear();
    last_.clear();
    const Json json = arm::parse_json(file_, file.text);
    const Json given = arm::parse_json(values.path, values.text);
    read_parameters(json, values.path, given);
    read_resources(json["resources"]);
  }
  void finish() {
    if (!has_policy_ && text_option(context_.options(), "mode", "standalone") != "attach") {
      fail("no template makes the policy");
    }
    if (groups_.names_in_network_rules() && has_policy_ && !dns_proxy_) {
      fail("network rules with host names, and no DNS proxy");
    }
    groups_.finish();
  }

 private:
  // ---- the frame

  void read_parameters(const Json& json, std::string_view values_file, const Json& given) {
    arm::Members top(file_, "the template", json);
    schema(top, "deploymentTemplate");
    top.skip_text("metadata");
    const Json& defaults = top.need("parameters");
    if (!top.need("resources").is_array()) top.fail("no list of resources");
    const Json& outputs = top.need("outputs");
    top.done();
    arm::Members other(values_file, "the parameters", given);
    schema(other, "deploymentParameters");
    values_.read(defaults, values_file, other.need("parameters"));
    other.done();
    for (const auto& [name, output] : outputs.items()) {
      arm::Members members(file_, fmt::format("output `{}`", name), output);
      members.skip_text("type");
      values_.value(members.need("value"));
      members.done();
    }
  }

  static void schema(arm::Members& members, std::string_view kind) {
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
      arm::Members members(file_, name, resource);
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
  }

  /// The members that every resource has; its name.
  std::string common(arm::Members& members, std::set<std::string>& depends_on) {
    members.need("type");
    members.skip_text("apiVersion");
    members.skip_text("comments");
    if (const Json* list = members.find("dependsOn")) {
      for (std::string& id : values_.texts(*list)) {
        if (!here_.contains(id)) members.fail("it waits for what comes later or never: " + id);
        depends_on.insert(std::move(id));
      }
    }
    std::string name = values_.text(members.need("name"));
    const std::string id = members.place() + "|" + name;
    if (!made_.insert(id).second) members.fail("a second one of the name " + name);
    here_.insert(id);
    // Azure refuses to write two groups of one kind at once.
    std::string& before = last_[members.place()];
    if (!before.empty() && !depends_on.contains(before))
      members.fail("it does not wait for " + before);
    before = id;
    return name;
  }

  void ip_group(arm::Members& members) {
    std::set<std::string> depends_on;
    const std::string name = common(members, depends_on);
    values_.text(members.need("location"));
    arm::Members properties(file_, name, members.need("properties"));
    groups_.matches().add_group(members.place() + "|" + name, properties);
    properties.done();
  }

  void policy(arm::Members& members) {
    std::set<std::string> depends_on;
    policy_ = common(members, depends_on);
    has_policy_ = true;
    values_.text(members.need("location"));
    arm::Members properties(file_, policy_, members.need("properties"));
    arm::Members sku(file_, policy_, properties.need("sku"));
    const std::string tier = values_.text(sku.need("tier"));
    sku.done();
    if (tier != "Basic" && tier != "Standard" && tier != "Premium") sku.fail("another tier");
    // With "Deny", Azure drops what rules allow: only where the target says so.
    if (properties.need("threatIntelMode") != threat_intel_) properties.fail("threat intelligence");
    if (const Json* base = properties.find("basePolicy")) {
      arm::Members members_of_base(file_, policy_, *base);
      values_.text(members_of_base.need("id"));
      members_of_base.done();
    }
    if (const Json* dns = properties.find("dnsSettings")) {
      arm::Members settings(file_, policy_, *dns);
      const Json& proxy = settings.need("enableProxy");
      if (!proxy.is_boolean() || tier == "Basic") settings.fail("DNS settings");
      dns_proxy_ = proxy.get<bool>();
      if (const Json* servers = settings.find("servers")) values_.texts(*servers);
      settings.done();
    }
    properties.done();
  }

  void group(arm::Members& members) {
    std::set<std::string> depends_on;
    const std::string name = common(members, depends_on);
    const std::string of_policy = name.substr(0, name.find('/'));
    if (policy_.empty()) policy_ = of_policy;
    if (of_policy != policy_) members.fail("a group of another policy");
    const std::string id = "Microsoft.Network/firewallPolicies|" + policy_;
    if (here_.contains(id) && !depends_on.contains(id)) {
      members.fail("it does not wait for its policy");
    }
    // What a template before has made is there.
    for (const std::string& made : made_) {
      if (!here_.contains(made)) depends_on.insert(made);
    }
    arm::Members properties(file_, name, members.need("properties"));
    groups_.group(name, properties, depends_on);
    properties.done();
  }

  [[noreturn]] void fail(std::string_view what) const { throw Unreadable(file_, 0, what); }

  std::string_view file_;
  arm::Values values_;
  const ReadContext& context_;
  GroupReader groups_;
  std::string threat_intel_;
  std::set<std::string> made_;               ///< ids of the resources so far
  std::set<std::string> here_;               ///< those of this template
  std::map<std::string, std::string> last_;  ///< by type: the one before
  std::string policy_;
  bool has_policy_ = false;
  bool dns_proxy_ = false;
};

/// Whoever deploys the array writes its groups one after the other, as Azure needs it.
void read_array(const Artefact& file, const ReadContext& context, DeviceReading& out) {
  const arm::Values values(file.path, arm::Values::Texts::verbatim);
  GroupReader groups(file.path, values, context, out);
  std::set<std::string> names;
  for (const Json& each : arm::parse_array(file.path, file.text)) {
    arm::Members members(file.path, "a group", each);
    const std::string name = values.text(members.need("name"));
    if (name.empty() || !names.insert(name).second) members.fail("its name");
    groups.group(name, members, {});
    members.done();
  }
  groups.finish();
}

}  // namespace

DeviceReading read_back(std::span<const Artefact> artefacts, const ReadContext& context) {
  DeviceReading out;
  if (artefacts.empty()) {
    // Nothing is deployed, so the firewall denies all.
    Reading& reading = out.readings.emplace_back();
    reading.file = "azure-firewall";
    reading.families = {net::Family::ipv4};
    reading.denies_rest = true;
    return out;
  }
  if (artefacts.size() == 1 && artefacts.front().path.ends_with(".rcg.json")) {
    read_array(artefacts.front(), context, out);
    return out;
  }
  TemplateReader reader(artefacts.front().path, context, out);
  for (std::size_t i = 0; i < artefacts.size(); i += 2) {
    const std::string& path = artefacts[i].path;
    constexpr std::string_view ending = ".azuredeploy.json";
    if (!path.ends_with(ending) || i + 1 == artefacts.size() ||
        artefacts[i + 1].path !=
            path.substr(0, path.size() - ending.size()) + ".azuredeploy.parameters.json") {
      throw Unreadable(path, 0, "no template with the file of its parameters");
    }
    reader.read(artefacts[i], artefacts[i + 1]);
  }
  reader.finish();
  return out;
}

}  // namespace hcipol::backends::azure_firewall
