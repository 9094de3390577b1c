// Azure answers a bad policy with "The request is invalid.", so every option is checked here.
#include "backends/azure_firewall/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <string_view>
#include <utility>

#include "backends/common/arm/naming.h"
#include "backends/common/names.h"
#include "backends/common/options.h"
#include "net/address.h"
#include "support/text.h"

namespace hcipol::backends::azure_firewall {

namespace {

constexpr int lowest_priority = 100;
/// So that as many groups of both kinds as there may be have priorities up to 65,000.
constexpr int highest_priority =
    65'000 - priority_step - (most_groups_of_a_kind - 1) * priority_gap;
constexpr std::size_t most_dns_servers = 15;

class Reader {
 public:
  Reader(const flow::DevicePolicy& device, EmitContext& context)
      : device_(device), context_(context), options_(device.view->options) {}

  Settings read() {
    settings_.cluster = arm::cluster_part(*device_.policy, device_.cluster->name);
    read_mode();
    read_format();
    read_policy();
    read_priority();
    read_tier();
    read_threat_intel();
    read_dns();
    settings_.ip_groups = flag_option(options_, "ip_groups", settings_.format == Format::arm);
    read_templates();
    read_api_version();
    look_at_other_clusters();
    look_at_one_firewall();
    look_at_other_targets();
    return std::move(settings_);
  }

 private:
  bool is_set(std::string_view name) const {
    const auto found = options_.find(name);
    return found != options_.end() && !found->second.is_null();
  }

  DiagnosticBuilder refuse(std::string_view option, const std::string& value,
                           std::string_view why) {
    const Span place = option_span(options_, option, device_.view->target->span);
    return context_.reporter().report<Diag::bad_option>(place, one_line(value, 120), option, why);
  }

  void read_mode() {
    const std::string mode = text_option(options_, "mode", "standalone");
    if (mode == "child") settings_.mode = Mode::child;
    if (mode == "attach") settings_.mode = Mode::attach;
    if (mode != "standalone" && mode != "child" && mode != "attach") {
      refuse("mode", mode, "it must be \"standalone\", \"child\" or \"attach\"");
    }
  }

  /// The array of groups is all that there is: whoever deploys it decides about the policy.
  void read_format() {
    const std::string format = text_option(options_, "format", "arm");
    if (format == "arm") return;
    if (format != "rcg-json") {
      refuse("format", format, "it must be \"arm\" or \"rcg-json\"");
      return;
    }
    settings_.format = Format::rcg_json;
    if (is_set("mode") && settings_.mode != Mode::attach) {
      refuse("mode", text_option(options_, "mode"),
             "with `format = \"rcg-json\"` the policy is made by what the array is handed to");
    }
    settings_.mode = Mode::attach;
    if (is_set("api_version")) {
      refuse("api_version", text_option(options_, "api_version"),
             "an array of rule collection groups has no API version");
    }
    if (flag_option(options_, "ip_groups", false)) {
      refuse("ip_groups", "true",
             "an array of rule collection groups cannot make IP groups: addresses stand in the "
             "rules");
    }
  }

  std::string default_policy() const { return default_policy(settings_.cluster); }
  static std::string default_policy(const std::string& cluster_part) {
    return shortened("afwp-hci-" + cluster_part, arm::longest_name);
  }

  void read_policy() {
    const bool bare = settings_.format == Format::rcg_json && !is_set("policy");
    settings_.policy = bare ? "" : text_option(options_, "policy", default_policy());
    if (!bare && !arm::is_azure_name(settings_.policy)) {
      refuse("policy", settings_.policy, arm::name_rule);
    }
    if (settings_.mode == Mode::attach && !bare && !is_set("policy")) {
      refuse("mode", "attach", "it needs `policy`, the name of the policy to attach to");
    }
    settings_.base_policy = text_option(options_, "base_policy");
    const bool child = settings_.mode == Mode::child;
    if (child != is_set("base_policy")) {
      refuse(child ? "mode" : "base_policy", child ? "child" : settings_.base_policy,
             child ? "it needs `base_policy`, the resource id of the parent policy"
                   : "only `mode = \"child\"` has a parent policy");
    } else if (child && !is_policy_id(settings_.base_policy)) {
      refuse("base_policy", settings_.base_policy,
             "a resource id is /subscriptions/…/resourceGroups/…/providers/Microsoft.Network/"
             "firewallPolicies/…");
    }
  }

  static bool is_policy_id(const std::string& id) {
    const auto parts = split(id, '/');
    if (parts.size() != 9 || !parts[0].empty()) return false;
    const auto plain = [](char c) {
      return c > ' ' && c < 0x7f && c != '"' && c != '\'' && c != '\\';
    };
    if (!std::all_of(id.begin(), id.end(), plain)) return false;
    const auto is = [&](std::size_t i, std::string_view what) {
      return to_lower(parts[i]) == what;
    };
    return is(1, "subscriptions") && !parts[2].empty() && is(3, "resourcegroups") &&
           !parts[4].empty() && is(5, "providers") && is(6, "microsoft.network") &&
           is(7, "firewallpolicies") && arm::is_azure_name(parts[8]);
  }

  void read_priority() {
    const std::int64_t priority = number_option(options_, "priority", settings_.priority);
    if (priority < lowest_priority || priority > highest_priority) {
      refuse(
          "priority", std::to_string(priority),
          fmt::format("it goes from {} to {}, since priorities end at 65000, the first application "
                      "group has {} more, and further groups of a kind {} more each",
                      lowest_priority, highest_priority, priority_step, priority_gap));
    } else if (priority == 100 || priority == 200 || priority == 300) {
      refuse("priority", std::to_string(priority),
             "the portal's own groups have 100, 200 and 300, and of two groups with one priority "
             "Azure does not say which comes first");
    } else {
      settings_.priority = static_cast<int>(priority);
    }
  }

  void read_tier() {
    const std::string tier = text_option(options_, "tier", settings_.tier);
    if (tier == "Basic" || tier == "Standard" || tier == "Premium") {
      settings_.tier = tier;
    } else {
      refuse("tier", tier, "it must be \"Basic\", \"Standard\" or \"Premium\"");
    }
  }

  void read_threat_intel() {
    if (!is_set("threat_intel")) return;
    const std::string mode = text_option(options_, "threat_intel");
    if (mode != "Alert" && mode != "Deny") {
      refuse("threat_intel", mode, "it must be \"Alert\" or \"Deny\"");
    } else if (settings_.basic() && mode == "Deny") {
      refuse("threat_intel", mode, "tier Basic has \"Alert\" only");
    } else if (settings_.mode == Mode::attach) {
      refuse("threat_intel", mode,
             "threat intelligence is a setting of the policy that the groups are attached to");
    } else {
      settings_.threat_intel = mode;
    }
  }

  void read_dns() {
    if (is_set("dns_proxy")) settings_.dns_proxy = flag_option(options_, "dns_proxy", false);
    settings_.dns_servers = list_option(options_, "dns_servers");
    if (settings_.basic() && settings_.dns_proxy.value_or(false)) {
      refuse("dns_proxy", "true", "tier Basic has no DNS proxy");
    }
    if (settings_.basic() && !settings_.dns_servers.empty()) {
      refuse("dns_servers", settings_.dns_servers.front(),
             "tier Basic has no DNS servers of its own");
    }
    if (settings_.mode == Mode::attach && (is_set("dns_proxy") || !settings_.dns_servers.empty())) {
      const char* option = is_set("dns_proxy") ? "dns_proxy" : "dns_servers";
      refuse(option, option, "DNS is a setting of the policy that the groups are attached to");
    }
    for (const std::string& server : settings_.dns_servers) {
      const auto address = net::parse_address(server);
      if (!address || address->family != net::Family::ipv4) {
        refuse("dns_servers", server, "it must be an IPv4 address");
      }
    }
    if (settings_.dns_servers.size() > most_dns_servers) {
      refuse("dns_servers", std::to_string(settings_.dns_servers.size()) + " servers",
             fmt::format("Azure takes at most {}", most_dns_servers));
    }
  }

  void read_templates() {
    const std::string templates = text_option(options_, "templates", "as-needed");
    if (templates != "as-needed" && templates != "several") {
      refuse("templates", templates, "it must be \"as-needed\" or \"several\"");
    } else if (settings_.format == Format::rcg_json && is_set("templates")) {
      refuse("templates", templates, "an array of rule collection groups is one file");
    }
    settings_.several_templates = templates == "several";
  }

  void read_api_version() {
    settings_.api_version = arm::usual_network_version(device_.cluster->cloud);
    const std::string version = text_option(options_, "api_version", settings_.api_version);
    if (arm::is_network_version(version)) {
      settings_.api_version = version;
      return;
    }
    refuse("api_version", version,
           fmt::format("Microsoft.Network has {}", fmt::join(arm::network_versions, ", ")));
  }

  /// One target serves every cluster. Where they share a policy, their groups need priorities of
  /// their own, and each deployment would set the policy's DNS as it needs it.
  void look_at_other_clusters() {
    if (!is_set("policy")) return;
    for (const Elsewhere& other : elsewhere()) {
      const sema::Options& options = other.view->options;
      if (text_option(options, "policy") != settings_.policy) continue;
      note_shared_policy(*other.cluster, number_option(options, "priority", 1000));
      return;
    }
  }

  /// This target at another cluster.
  struct Elsewhere {
    const policy::Cluster* cluster = nullptr;
    std::size_t index = 0;  ///< of the cluster
    const policy::TargetView* view = nullptr;
    bool later = false;  ///< than this one, in the policy's order
  };

  std::vector<Elsewhere> elsewhere() const {
    const auto& clusters = device_.policy->clusters;
    std::vector<Elsewhere> out;
    bool later = false;
    for (std::size_t c = 0; c < clusters.size() && c < device_.policy->views.size(); ++c) {
      if (clusters[c].name == device_.cluster->name) {
        later = true;
        continue;
      }
      for (const policy::TargetView& view : device_.policy->views[c]) {
        if (view.target == device_.view->target) out.push_back({&clusters[c], c, &view, later});
      }
    }
    return out;
  }

  /// What one firewall sees has one policy: giving it another cluster's takes this one's away. Only
  /// private sources tell that it is one; each pair of clusters is told once.
  void look_at_one_firewall() {
    if (settings_.mode == Mode::attach || device_.policy->clusters.size() < 2) return;
    const net::AddressSet own = own_sources() - net::internet_addresses();
    std::vector<std::string> others, parts;
    net::AddressSet shared;
    for (const Elsewhere& other : elsewhere()) {
      if (!other.later) continue;
      const net::AddressSet both = own & sources(*other.cluster, *other.view);
      if (both.empty()) continue;
      if (parts.empty()) parts = arm::cluster_parts(*device_.policy);
      if (!makes_another_policy(parts[other.index], *other.view)) continue;
      others.push_back("`" + one_line(other.cluster->name, 80) + "`");
      shared = shared | both;
    }
    if (others.empty()) return;
    context_.note(
        title,
        fmt::format("it makes a policy for cluster `{}` and another for {}, though both have "
                    "{} behind them, and a firewall has one policy: if it is one firewall, "
                    "let them `attach` to one policy",
                    one_line(device_.cluster->name, 80), some_of(others, 3),
                    one_line(net::to_string(shared), 80)));
  }

  net::AddressSet own_sources() const {
    std::set<const sema::NamedSet*> sets;
    for (const flow::Flow& flow : device_.flows) sets.insert(flow.from.begin(), flow.from.end());
    return flow::peers({sets.begin(), sets.end()}).addresses;
  }

  bool makes_another_policy(const std::string& cluster_part, const policy::TargetView& view) const {
    if (text_option(view.options, "mode") == "attach") return false;
    if (text_option(view.options, "format") == "rcg-json") return false;
    return text_option(view.options, "policy", default_policy(cluster_part)) != settings_.policy;
  }

  static net::AddressSet sources(const policy::Cluster& cluster, const policy::TargetView& view) {
    if (view.sees) return flow::peers(view.sees->from.parts).addresses;
    return cluster.servers == nullptr ? net::AddressSet() : cluster.servers->set.addresses;
  }

  /// Two targets of one cluster make groups of the same names, and a group is written whole.
  void look_at_other_targets() {
    const auto& clusters = device_.policy->clusters;
    for (std::size_t c = 0; c < clusters.size() && c < device_.policy->views.size(); ++c) {
      if (clusters[c].name != device_.cluster->name) continue;
      for (const policy::TargetView& view : device_.policy->views[c]) {
        const policy::Target& other = *view.target;
        if (&other == device_.view->target || other.backend != "azure-firewall") continue;
        // Of an array without `policy`, nobody has said where it goes.
        const bool bare = text_option(view.options, "format") == "rcg-json";
        const std::string policy =
            text_option(view.options, "policy", bare ? "" : default_policy());
        if (policy.empty() || policy != settings_.policy) continue;
        context_.note(
            title, fmt::format("`{}` makes rule collection groups of the same names in a policy "
                               "of the same name, `{}`, so one would replace those of the other: "
                               "give it another `policy`, or deploy to another resource group",
                               other.folder(), settings_.policy));
        return;
      }
    }
  }

  void note_shared_policy(const policy::Cluster& other, std::int64_t priority) {
    const auto distance = std::abs(priority - settings_.priority);
    std::string text =
        fmt::format("cluster `{}` has the same policy `{}`", other.name, settings_.policy);
    const std::size_t bare = text.size();
    if (distance == 0 || distance == priority_step) {
      text +=
          ", and groups of one policy need different priorities: make `priority` depend on the "
          "cluster";
    }
    if (settings_.mode != Mode::attach && !settings_.dns_proxy) {
      text += fmt::format("{} the last deployment decides about its DNS proxy: set `dns_proxy`",
                          text.size() == bare ? "," : ";");
    }
    if (text.size() > bare) context_.note(title, std::move(text));
  }

  const flow::DevicePolicy& device_;
  EmitContext& context_;
  const sema::Options& options_;
  Settings settings_;
};

}  // namespace

Settings read_settings(const flow::DevicePolicy& device, EmitContext& context) {
  return Reader(device, context).read();
}

}  // namespace hcipol::backends::azure_firewall
