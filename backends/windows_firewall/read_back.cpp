// What New-NetFirewallRule would refuse is refused here, too: the script would stop half way.
#include "backends/windows_firewall/read_back.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_set>

#include "backends/common/options.h"
#include "backends/windows_firewall/read_lists.h"
#include "backends/windows_firewall/read_script.h"
#include "backends/windows_firewall/script_text.h"
#include "support/text.h"
#include "windows_firewall_script.h"

namespace hcipol::backends::windows_firewall {

namespace {

using ReadAct = ReadRule::Act;

std::string_view engine_part(std::string_view name) {
  for (const EmbeddedFile& file : windows_firewall_script()) {
    if (file.path == name) return file.text;
  }
  throw Unreadable(name, 0, "a part of the engine is missing");
}

class ServerReader {
 public:
  ServerReader(const Artefact& artefact, const ReadContext& context, std::string_view engine,
               ScriptLists& lists)
      : file_(artefact.path),
        node_(artefact.node),
        context_(context),
        lists_(lists),
        script_(file_, artefact.text, engine_part("head.ps1"), engine) {
    if (node_ == nullptr) throw Unreadable(file_, 0, "it belongs to no server");
    for (const auto& [name, index] : script_.variables()) {
      static const std::set<std::string_view> known{"policy",   "proxy", "addresses",
                                                    "keywords", "rules", "builtin"};
      if (!known.contains(name)) throw Unreadable(file_, 0, "an unknown variable $" + name);
    }
    read_policy();
    read_proxy();
    read_keywords();
    read_builtins();
    read_rules();
  }

  /// With all that ends, and with nothing of it; and each day's for itself, since allows are added
  /// to what others allow.
  void add_to(DeviceReading& out) const {
    for (const bool inbound : {true, false}) {
      const std::set<Date> days = last_days(inbound);
      if (days.empty()) {
        add_to(out, inbound, {}, false);
        continue;
      }
      add_to(out, inbound, *days.begin(), false);
      add_to(out, inbound, *days.rbegin() + std::chrono::days(1), false);
      if (days.size() == 1) continue;
      for (const Date day : days) add_to(out, inbound, day, true);
    }
  }

 private:
  /// A rule that the engine leaves out after a day.
  struct DatedRule {
    ReadRule rule;
    std::optional<Date> until;  ///< nothing for ever
  };

  /// The days after which something changes: in the file, and in the policy.
  std::set<Date> last_days(bool inbound) const {
    std::set<Date> out;
    for (const DatedRule& rule : rules_[inbound]) {
      if (rule.until) out.insert(*rule.until);
    }
    for (const flow::HostFlows& host : context_.device().hosts) {
      if (host.node != node_) continue;
      for (const flow::Flow& flow : inbound ? host.inbound : host.outbound) {
        if (flow.rule != nullptr && flow.rule->expires) out.insert(*flow.rule->expires);
      }
    }
    return out;
  }

  void add_to(DeviceReading& out, bool inbound, std::optional<Date> day, bool only_ending) const {
    Reading& reading = out.readings.emplace_back();
    reading.file = std::string(file_);
    if (day) reading.file += (only_ending ? ", what ends on " : " on ") + to_string(*day);
    reading.day = day;
    reading.only_ending = only_ending;
    reading.families = {net::Family::ipv4, net::Family::ipv6};
    reading.node = node_;
    reading.inbound = inbound;
    RuleList& list = reading.lists.emplace_back();
    list.reserve(rules_[inbound].size());
    for (const ReadAct act : {ReadAct::deny, ReadAct::allow}) {
      for (const auto& [rule, until] : rules_[inbound]) {
        const bool acts = only_ending ? until == day : !day || !until || *day <= *until;
        if (acts && rule.act == act) list.push_back(rule);
      }
    }
  }

  void read_policy() {
    ScriptTable policy(script_, *script_.value("policy"));
    for (const char* key : {"server", "group"}) {
      if (policy.text(key).empty()) policy.fail("it has no name");
    }
    name_prefix_ = to_lower(policy.text("nameprefix"));
    if (name_prefix_.empty()) policy.fail("it has no prefix");
    if (policy.text("profile") != wanted_profile()) policy.fail("other profiles than the target's");
    // Traffic that no rule decides on is left to the rules of others in both cases, so no packet
    // tells them apart here.
    const bool blocks = flag_option(context_.options(), "lock_down", false);
    if (policy.text("outbound") != (blocks ? "Block" : "Unchanged")) {
      policy.fail("another default outbound action than the target's");
    }
    const ScriptValue* addresses = policy.find("address");
    if (addresses == nullptr || addresses->kind != ScriptValue::Kind::list) {
      policy.fail("no list of the server's addresses");
    }
    // The engine stops on a machine that has none of them.
    const bool none = addresses->elements() == 0;
    const net::PeerSet own = none ? net::PeerSet() : *lists_.addresses(policy, *addresses);
    if (!node_->set->set.addresses.contains(own.addresses)) policy.fail("another server's address");
    if (own.addresses.empty() && !node_->set->set.addresses.empty()) policy.fail("no address");
    policy.done();
  }

  std::string wanted_profile() const {
    std::vector<std::string> words = list_option(context_.options(), "profile");
    std::sort(words.begin(), words.end());
    words.erase(std::unique(words.begin(), words.end()), words.end());
    return words.empty() ? "Any" : fmt::format("{}", fmt::join(words, ", "));
  }

  // Where the servers' programs find the proxy is not the firewall's.
  void read_proxy() {
    ScriptTable proxy(script_, *script_.value("proxy"));
    const std::string_view settings = proxy.text("settings");
    if (settings != "Set" && settings != "None" && settings != "Ignored")
      proxy.fail("its settings");
    if (settings == "Set") {
      if (proxy.text("server").empty()) proxy.fail("no server");
      for (const char* key : {"windowsbypass", "environmentbypass", "arcbypass"}) {
        if (proxy.find(key) == nullptr) proxy.fail("a list is missing");
      }
    }
    proxy.done();
  }

  void read_keywords() {
    const ScriptValue& list = *script_.value("keywords");
    if (list.kind != ScriptValue::Kind::list) throw Unreadable(file_, 0, "$keywords is no list");
    for (const ScriptValue& each : list) {
      ScriptTable keyword(script_, each);
      const std::string_view id = keyword.text("id");
      const std::string_view name = keyword.text("keyword");
      const ScriptValue* addresses = keyword.texts("addresses");
      keyword.done();
      if (id.size() != 38 || id.front() != '{' || id.back() != '}') keyword.fail("no GUID");
      const net::PeerSet* meant = nullptr;
      if (addresses == nullptr) {
        const auto pattern = net::parse_pattern(name);
        if (!pattern) keyword.fail("no host name");
        meant = lists_.names(net::DomainSet(*pattern));
      } else {
        if (name.empty()) keyword.fail("no name");
        meant = lists_.keyword_addresses(keyword, *addresses);
      }
      if (!keywords_.emplace(id, meant).second) keyword.fail("a GUID twice");
    }
  }

  // The engine stops where Windows' own rule is not what this says of it, nor from and to every
  // address.
  void read_builtins() {
    const ScriptValue& list = *script_.value("builtin");
    if (list.kind != ScriptValue::Kind::list) throw Unreadable(file_, 0, "$builtin is no list");
    const bool wanted = flag_option(context_.options(), "builtin", false);
    if (!wanted && list.elements() != 0) throw Unreadable(file_, 0, "the target wants no $builtin");
    std::set<std::string> names;
    for (const ScriptValue& each : list) {
      ScriptTable row(script_, each);
      const std::string_view name = row.text("name");
      const std::string_view protocol = row.text("protocol");
      const ScriptValue* ports = row.texts("localport");
      const ScriptValue* types = row.texts("icmptype");
      row.done();
      if (!names.insert(to_lower(name)).second) row.fail("a rule of Windows' own twice");
      const auto known = known_builtins().find(name);
      if (known == known_builtins().end())
        row.fail(fmt::format("no rule of Windows' own: {}", name));
      // On servers that of WinRM is for Domain and Private.
      const std::string profiles = wanted_profile();
      const bool in_public = profiles == "Any" || profiles.find("Public") != std::string::npos;
      if (in_public && name == "WINRM-HTTP-In-TCP") row.fail("it is not for the profile Public");
      ReadRule rule;
      rule.act = ReadAct::allow;
      rule.service = lists_.service(row, protocol, ports, types);
      if (*rule.service != known->second) row.fail("another service than Windows' own rule has");
      rules_[true].push_back({rule, {}});
    }
  }

  /// What each was found to be for, on servers and in Microsoft's scripts: written apart from the
  /// printer's table.
  static const std::map<std::string, net::ServiceSet, std::less<>>& known_builtins() {
    const auto port = [](std::uint8_t protocol, std::uint16_t number) {
      return net::ServiceSet::ports(protocol, number, number);
    };
    static const std::map<std::string, net::ServiceSet, std::less<>> known{
        {"FPS-SMB-In-TCP", port(6, 445)},
        {"FPSSMBD-iWARP-In-TCP", port(6, 5445)},
        {"FPS-ICMP4-ERQ-In", net::ServiceSet::icmp_type(1, 8)},
        {"FPS-ICMP6-ERQ-In", net::ServiceSet::icmp_type(58, 128)},
        {"WINRM-HTTP-In-TCP", port(6, 5985)},
        {"FailoverClustering-NetFt-UDP-In", port(17, 3343)},
        {"FailoverClustering-ClusSvc-TCP-In", port(6, 3343)},
        {"FailoverClusterSet-TCP-In", port(6, 4433)},
        {"VIRT-REMOTEDESKTOP-In-TCP-NoScope", port(6, 2179)},
        {"VIRT-MIGL-In-TCP-NoScope", port(6, 6600)},
        {"RemoteDesktop-UserMode-In-TCP", port(6, 3389)},
        {"RemoteDesktop-UserMode-In-UDP", port(17, 3389)},
    };
    return known;
  }

  void read_rules() {
    const ScriptValue& list = *script_.value("rules");
    if (list.kind != ScriptValue::Kind::list) throw Unreadable(file_, 0, "$rules is no list");
    std::unordered_set<std::string> names;
    names.reserve(list.elements());
    for (const ScriptValue& each : list) {
      ScriptTable rule(script_, each);
      std::string name = to_lower(rule.text("name"));
      // The engine takes away what has the prefix and is not in the table.
      if (!name.starts_with(name_prefix_)) rule.fail("a name without the prefix");
      if (!names.insert(std::move(name)).second) rule.fail("a name twice");
      read_rule(rule);
      rule.done();
    }
  }

  void read_rule(ScriptTable& rule) {
    rule.text("displayname");
    rule.text("description");
    const std::string_view direction = rule.text("direction");
    const bool inbound = direction == "Inbound";
    if (!inbound && direction != "Outbound") rule.fail("direction");
    const std::string_view action = rule.text("action");
    if (action != "Allow" && action != "Block") rule.fail("action");
    std::optional<Date> until;
    if (const ScriptValue* end = rule.find("until")) {
      until = parse_date(end->text());
      // The engine compares texts, so there is one way to write a day.
      if (!until || to_string(*until) != end->text()) {
        rule.fail(fmt::format("no day: {}", end->text()));
      }
      if (action != "Allow") rule.fail("a block that ends");
    }

    const std::string_view protocol = rule.text("protocol");
    // The other side's port is any; a rule that asks for it is not ours.
    const ScriptValue* ports = rule.texts(inbound ? "localport" : "remoteport");
    const ScriptValue* types = rule.texts("icmptype");
    const net::PeerSet* local = list_or_any(rule, "localaddress");
    if (local == nullptr) rule.fail("every local address");
    const net::PeerSet* remote = nullptr;
    if (const ScriptValue* ids = rule.texts("remotedynamickeywordaddresses")) {
      if (inbound || rule.find("remoteaddress") != nullptr) rule.fail("names beside addresses");
      remote = resolved(rule, *ids);
    } else {
      remote = list_or_any(rule, "remoteaddress");
      if (remote != nullptr) check_families(rule, *local, *remote);
    }
    ReadRule out;
    out.act = action == "Allow" ? ReadAct::allow : ReadAct::deny;
    out.from = inbound ? remote : local;
    out.to = inbound ? local : remote;
    out.service = lists_.service(rule, protocol, ports, types);
    rules_[inbound].push_back({out, until});
  }

  /// Null for `Any`.
  const net::PeerSet* list_or_any(ScriptTable& rule, std::string_view key) {
    const ScriptValue* texts = rule.texts(key);
    if (texts == nullptr) rule.fail(fmt::format("`{}` is missing", key));
    if (texts->elements() == 1 && (*texts->begin()).text() == "Any") return nullptr;
    return lists_.addresses(rule, *texts);
  }

  const net::PeerSet* resolved(ScriptTable& rule, const ScriptValue& ids) {
    std::vector<const net::PeerSet*> parts;
    for (const ScriptValue& id : ids) {
      const auto keyword = keywords_.find(id.text());
      if (keyword == keywords_.end()) {
        rule.fail(fmt::format("there is no keyword {}", id.text()));
      }
      parts.push_back(keyword->second);
    }
    return lists_.united(parts);
  }

  /// Some versions of Windows refuse a rule that has a family on one side only.
  static void check_families(const ScriptTable& rule, const net::PeerSet& local,
                             const net::PeerSet& remote) {
    for (const net::Family family : {net::Family::ipv4, net::Family::ipv6}) {
      if (local.addresses.has(family) != remote.addresses.has(family)) {
        rule.fail("a family on one side only");
      }
    }
  }

  std::string_view file_;
  const policy::Node* node_;
  const ReadContext& context_;
  ScriptLists& lists_;
  ScriptReader script_;
  std::string name_prefix_;
  std::map<std::string_view, const net::PeerSet*> keywords_;
  std::array<std::vector<DatedRule>, 2> rules_;  ///< by `inbound`
};

}  // namespace

DeviceReading read_back(std::span<const Artefact> artefacts, const ReadContext& context) {
  DeviceReading out;
  ScriptLists lists(out);
  std::string engine = "\n";
  for (const std::string_view part : engine_parts) engine += engine_part(part);
  std::set<const policy::Node*> servers;
  for (const Artefact& artefact : artefacts) {
    ServerReader(artefact, context, engine, lists).add_to(out);
    if (!servers.insert(artefact.node).second) {
      throw Unreadable(artefact.path, 0, "a second script of its server");
    }
  }
  return out;
}

}  // namespace hcipol::backends::windows_firewall
