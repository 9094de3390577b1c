// What New-NetFirewallRule would refuse is refused here, too: the script would stop half way.
#include "backends/windows_firewall/read_back.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>

#include "backends/common/options.h"
#include "backends/common/read_text.h"
#include "backends/windows_firewall/read_script.h"
#include "support/text.h"
#include "windows_firewall_script.h"

namespace hcipol::backends::windows_firewall {

namespace {

using ReadAct = ReadRule::Act;
using TextList = std::vector<const std::string*>;

/// [MS-FASP] 2.2.5.
constexpr std::size_t longest_rule_list = 1000;

std::string_view engine_part(std::string_view name) {
  for (const EmbeddedFile& file : windows_firewall_script()) {
    if (file.path == name) return file.text;
  }
  throw Unreadable(name, 0, "a part of the engine is missing");
}

/// Lists are understood once for all scripts of a cluster.
class ScriptLists {
 public:
  explicit ScriptLists(DeviceReading& out) : out_(out) {}

  const net::PeerSet* addresses(ScriptTable& rule, const TextList& texts) {
    if (texts.size() > longest_rule_list) rule.fail("more than 1,000 addresses");
    const auto [known, fresh] = peers_.try_emplace(joined(texts), nullptr);
    if (!fresh) return known->second;
    std::vector<net::AddressRange> ranges;
    for (const std::string* text : texts) {
      const auto range = range_of(*text);
      if (!range) rule.fail("no address: " + *text);
      ranges.push_back(*range);
    }
    return known->second = out_.keep(net::PeerSet{net::AddressSet::of(std::move(ranges)), {}});
  }

  const net::PeerSet* names(net::DomainSet set) {
    return out_.keep(net::PeerSet{{}, std::move(set)});
  }

  const net::ServiceSet* service(ScriptTable& rule, const std::string& protocol,
                                 const TextList& ports, const TextList& types) {
    if (ports.size() > longest_rule_list || types.size() > longest_rule_list) {
      rule.fail("more than 1,000 ports or types");
    }
    const auto key = fmt::format("{}\t{}\t{}", protocol, joined(ports), joined(types));
    const auto [known, fresh] = services_.try_emplace(key, nullptr);
    if (!fresh) return known->second;
    return known->second = out_.keep(service_of(rule, protocol, ports, types));
  }

 private:
  static std::string joined(const TextList& texts) {
    std::string out;
    for (const std::string* text : texts) out += *text + "\n";
    return out;
  }

  /// "10.0.0.1", "10.0.0.0/28", "10.0.0.4-10.0.0.6".
  static std::optional<net::AddressRange> range_of(std::string_view text) {
    std::optional<net::AddressRange> out;
    if (const auto dash = text.find('-'); dash != std::string_view::npos) {
      const auto first = net::parse_address(text.substr(0, dash));
      const auto last = net::parse_address(text.substr(dash + 1));
      if (!first || !last || first->family != last->family || *last < *first) return std::nullopt;
      out = {*first, *last};
    } else {
      const auto cidr = net::parse_cidr(text);
      if (!cidr || cidr->length == 0) return std::nullopt;
      out = {cidr->network, net::last_of(cidr->network, cidr->length)};
    }
    // [MS-FASP] 2.2.37: neither the unspecified nor the loopback address of IPv6.
    const bool v6 = out->first.family == net::Family::ipv6;
    if (v6 && out->first.high == 0 && out->first.low <= 1) return std::nullopt;
    return out;
  }

  static net::ServiceSet service_of(ScriptTable& rule, const std::string& word,
                                    const TextList& ports, const TextList& types) {
    static const std::map<std::string_view, std::uint8_t> words{
        {"TCP", 6}, {"UDP", 17}, {"ICMPv4", 1}, {"ICMPv6", 58}};
    if (word == "Any") {
      if (!ports.empty() || !types.empty()) rule.fail("ports or types of every protocol");
      return net::ServiceSet::any();
    }
    const auto named = words.find(word);
    const auto number =
        named != words.end() ? std::optional<std::uint32_t>(named->second) : number_of(word, 255);
    if (!number) rule.fail("protocol " + word);
    const auto protocol = static_cast<std::uint8_t>(*number);
    if (!ports.empty() && !net::has_ports(protocol)) rule.fail("ports of a protocol without them");
    if (!types.empty() && !net::has_types(protocol)) rule.fail("types of a protocol without them");
    if (ports.empty() && types.empty()) return net::ServiceSet::whole(protocol);
    std::vector<net::ServiceRange> out;
    const std::uint32_t base = protocol * 65536u;
    for (const std::string* text : ports) {
      const auto [first, last] = numbers(*text, '-');
      const auto end = last.empty() ? number_of(first, 65535) : number_of(last, 65535);
      const auto begin = number_of(first, 65535);
      if (!begin || !end || *begin > *end) rule.fail("no port: " + *text);
      out.push_back({base + *begin, base + *end});
    }
    for (const std::string* text : types) {
      const auto [first, last] = numbers(*text, ':');
      const auto type = number_of(first, 255);
      const auto code = last.empty() ? std::optional<std::uint32_t>(0) : number_of(last, 255);
      if (!type || !code) rule.fail("no ICMP type: " + *text);
      const std::uint32_t point = base + *type * 256 + *code;
      out.push_back({point, last.empty() ? point + 255 : point});
    }
    return net::ServiceSet::of(std::move(out));
  }
  /// What is before and after the separator; a separator without anything after it is kept.
  static std::pair<std::string_view, std::string_view> numbers(std::string_view text,
                                                               char separator) {
    const std::size_t at = text.find(separator);
    if (at == std::string_view::npos || at + 1 == text.size()) return {text, {}};
    return {text.substr(0, at), text.substr(at + 1)};
  }

  DeviceReading& out_;
  std::unordered_map<std::string, const net::PeerSet*> peers_;
  std::unordered_map<std::string, const net::ServiceSet*> services_;
};

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
    for (const auto& [name, value] : script_.values()) {
      static const std::set<std::string_view> known{"policy", "proxy", "addresses", "keywords",
                                                    "rules"};
      if (!known.contains(name)) throw Unreadable(file_, 0, "an unknown variable $" + name);
    }
    read_policy();
    read_proxy();
    read_keywords();
    read_rules();
  }

  void add_to(DeviceReading& out) {
    for (const bool inbound : {true, false}) {
      Reading reading;
      reading.file = std::string(file_);
      reading.families = {net::Family::ipv4, net::Family::ipv6};
      reading.node = node_;
      reading.inbound = inbound;
      RuleList& list = reading.lists.emplace_back();
      for (const ReadAct act : {ReadAct::deny, ReadAct::allow}) {
        for (const ReadRule& rule : rules_[inbound]) {
          if (rule.act == act) list.push_back(rule);
        }
      }
      out.readings.push_back(std::move(reading));
    }
  }

 private:
  void read_policy() {
    ScriptTable policy(file_, *script_.value("policy"));
    for (const char* key : {"server", "group"}) {
      if (policy.text(key).empty()) policy.fail("it has no name");
    }
    name_prefix_ = to_lower(policy.text("nameprefix"));
    if (name_prefix_.empty()) policy.fail("it has no prefix");
    if (policy.text("profile") != wanted_profile()) policy.fail("other profiles than the target's");
    const ScriptValue* addresses = policy.find("address");
    if (addresses == nullptr || addresses->kind != ScriptValue::Kind::list) {
      policy.fail("no list of the server's addresses");
    }
    TextList texts;
    for (const ScriptValue& each : addresses->list) texts.push_back(&each.text);
    // The engine stops on a machine that has none of them.
    const net::PeerSet own = texts.empty() ? net::PeerSet() : *lists_.addresses(policy, texts);
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
    ScriptTable proxy(file_, *script_.value("proxy"));
    const std::string& settings = proxy.text("settings");
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
    for (const ScriptValue& each : list.list) {
      ScriptTable keyword(file_, each);
      const std::string& id = keyword.text("id");
      const auto pattern = net::parse_pattern(keyword.text("keyword"));
      keyword.done();
      if (id.size() != 38 || id.front() != '{' || id.back() != '}') keyword.fail("no GUID");
      if (!pattern) keyword.fail("no host name");
      if (!keywords_.emplace(id, *pattern).second) keyword.fail("a GUID twice");
    }
  }

  void read_rules() {
    const ScriptValue& list = *script_.value("rules");
    if (list.kind != ScriptValue::Kind::list) throw Unreadable(file_, 0, "$rules is no list");
    std::set<std::string> names;
    for (const ScriptValue& each : list.list) {
      ScriptTable rule(file_, each);
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
    const std::string& direction = rule.text("direction");
    const bool inbound = direction == "Inbound";
    if (!inbound && direction != "Outbound") rule.fail("direction");
    const std::string& action = rule.text("action");
    if (action != "Allow" && action != "Block") rule.fail("action");

    const std::string& protocol = rule.text("protocol");
    // The other side's port is any; a rule that asks for it is not ours.
    const TextList ports = rule.texts(inbound ? "localport" : "remoteport");
    const TextList types = rule.texts("icmptype");
    const net::PeerSet* local = list_or_any(rule, "localaddress");
    if (local == nullptr) rule.fail("every local address");
    const net::PeerSet* remote = nullptr;
    if (const TextList ids = rule.texts("remotedynamickeywordaddresses"); !ids.empty()) {
      if (inbound || rule.find("remoteaddress") != nullptr) rule.fail("names beside addresses");
      remote = resolved(rule, ids);
    } else {
      remote = list_or_any(rule, "remoteaddress");
      if (remote != nullptr) check_families(rule, *local, *remote);
    }
    ReadRule out;
    out.act = action == "Allow" ? ReadAct::allow : ReadAct::deny;
    out.from = inbound ? remote : local;
    out.to = inbound ? local : remote;
    out.service = lists_.service(rule, protocol, ports, types);
    rules_[inbound].push_back(out);
  }

  /// Null for `Any`.
  const net::PeerSet* list_or_any(ScriptTable& rule, std::string_view key) {
    const TextList texts = rule.texts(key);
    if (texts.empty()) rule.fail(fmt::format("`{}` is missing", key));
    if (texts.size() == 1 && *texts.front() == "Any") return nullptr;
    return lists_.addresses(rule, texts);
  }

  const net::PeerSet* resolved(ScriptTable& rule, const TextList& ids) {
    std::vector<net::DomainPattern> patterns;
    for (const std::string* id : ids) {
      const auto keyword = keywords_.find(*id);
      if (keyword == keywords_.end()) rule.fail("there is no keyword " + *id);
      patterns.push_back(keyword->second);
    }
    return lists_.names(net::DomainSet::of(std::move(patterns)));
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
  std::map<std::string, net::DomainPattern> keywords_;
  std::array<RuleList, 2> rules_;  ///< by `inbound`
};

}  // namespace

DeviceReading read_back(std::span<const Artefact> artefacts, const ReadContext& context) {
  DeviceReading out;
  ScriptLists lists(out);
  const std::string engine = fmt::format("\n{}{}{}", engine_part("compare.ps1"),
                                         engine_part("proxy.ps1"), engine_part("engine.ps1"));
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
