// A rule's name is made of its content, so equal names mean equal rules and a changed rule is a new
// one: what is on a server can be compared with the policy by name. Of service tags it is made of
// their names: their addresses change every week, and the scripts set them in place. A flow that
// stands for several rules of the policy becomes rules that stand for those with packets in them.
#include "backends/windows_firewall/legalise.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "backends/common/names.h"
#include "backends/common/rule_parts.h"
#include "backends/windows_firewall/losses.h"
#include "backends/windows_firewall/notes.h"
#include "backends/windows_firewall/peers.h"
#include "backends/windows_firewall/rule_texts.h"
#include "backends/windows_firewall/script_text.h"
#include "backends/windows_firewall/services.h"
#include "backends/windows_firewall/settings.h"
#include "support/text.h"

namespace hcipol::backends::windows_firewall {

namespace {

class Legaliser {
 public:
  Legaliser(const flow::DevicePolicy& device, EmitContext& context)
      : device_(device),
        context_(context),
        settings_(settings(device, context)),
        book_(settings_.names, settings_.tags, document_.lists),
        losses_(context, title, settings_.names == NameMode::dynamic_keywords) {}

  Document run();

 private:
  void add_server(const flow::HostFlows& host);
  void add_flow(Script& script, const flow::Flow& flow, bool inbound);
  void add_addresses(Script& script, const flow::Flow& flow, const Rule& pattern,
                     std::pair<Peers*, Peers*> ends, Families families);
  /// What is left for rules of the policy where Windows' own stand for the rest.
  const std::vector<Match>& matches_of(Script& script, const flow::Flow& flow, bool inbound);
  void add_keywords(Script& script, const flow::Flow& flow, const Rule& pattern,
                    std::pair<Peers*, Peers*> ends, Families families);
  void add_keywords(Script& script, const flow::Flow& flow, Rule pattern,
                    std::pair<Peers*, Peers*> ends, Families families,
                    const std::vector<Keyword>& keywords);
  /// The rule is for packets of these families.
  void add_rule(Script& script, const flow::Flow& flow, Rule rule, std::pair<Peers*, Peers*> ends,
                Families families);
  void tell_apart(Rule& rule, const Peers& remote, Families families);
  const std::string& content(std::string_view id, const Rule& rule, const Peers& remote);
  Rule pattern(const flow::Flow& flow, bool inbound);
  const Texts* texts(const policy::Rule& rule);
  const AddressList* local(const flow::Flow& flow, Peers& peers, Families families);
  bool too_long(const flow::Flow& flow, const Match& match);
  void finish(Script& script);

  const flow::DevicePolicy& device_;
  EmitContext& context_;
  Document document_;
  Settings settings_;
  PeerBook book_;
  Losses losses_;
  RuleParts parts_;
  std::unordered_map<const policy::Rule*, const Texts*> texts_;
  net::ByService<std::pair<std::vector<const BuiltinRule*>, const std::vector<Match>*>> replaced_;
  Peers* server_ = nullptr;                   ///< all addresses of the server at hand
  std::unordered_set<std::string> names_;     ///< of the script at hand
  std::map<std::string, std::string> files_;  ///< lower-case file → server
  std::string content_;                       ///< of the rule at hand
  bool allows_out_ = false;
  bool logs_ = false;
};

Document Legaliser::run() {
  document_.policy = escaped(plain(device_.policy->name, 200));
  document_.cluster = escaped(plain(device_.cluster->name, 200));
  document_.group = settings_.group;
  document_.name_prefix = settings_.name_prefix;
  document_.profile = settings_.profile;
  document_.lock_down = settings_.lock_down;
  document_.proxy = proxy_settings(device_, settings_.proxy, context_);
  for (const flow::HostFlows& host : device_.hosts) add_server(host);
  losses_.report();
  add_notes(document_, allows_out_, logs_, context_);
  document_.parts = parts_.take();
  return std::move(document_);
}

void Legaliser::add_server(const flow::HostFlows& host) {
  Script& script = document_.scripts.emplace_back();
  script.node = host.node;
  script.server = escaped(plain(host.node->name, 200));
  script.file = safe_name(host.node->name) + ".ps1";
  const auto [place, fresh] = files_.emplace(to_lower(script.file), host.node->name);
  if (!fresh) {
    context_.reporter().report<Diag::name_clash>(host.node->span, place->second, host.node->name,
                                                 script.file, title);
  }
  server_ = &book_.peers({host.node->set}, false);
  const auto& addresses = book_.lists(*server_, server_->families);
  if (!addresses.empty()) script.addresses = addresses.front();

  script.rules.reserve(host.inbound.size() + host.outbound.size());
  names_.clear();
  losses_.start_script();
  for (const flow::Flow& flow : host.inbound) add_flow(script, flow, true);
  for (const flow::Flow& flow : host.outbound) add_flow(script, flow, false);
  finish(script);
}

void Legaliser::add_flow(Script& script, const flow::Flow& flow, bool inbound) {
  Peers& own = book_.peers(inbound ? flow.to : flow.from, false);
  Peers& remote = book_.peers(inbound ? flow.from : flow.to, !inbound);
  losses_.add(flow, own, remote, *script.node, inbound);
  Rule rule = pattern(flow, inbound);
  for (const Match& match : matches_of(script, flow, inbound)) {
    if (too_long(flow, match)) continue;
    rule.match = &match;
    const Families possible = own.families & match.families;
    add_addresses(script, flow, rule, {&own, &remote}, possible & remote.families);
    add_keywords(script, flow, rule, {&own, &remote}, possible);
  }
}

const std::vector<Match>& Legaliser::matches_of(Script& script, const flow::Flow& flow,
                                                bool inbound) {
  if (!settings_.builtin || !inbound || flow.kind != policy::Rule::Kind::allow) {
    const auto [place, fresh] = document_.matches.try_emplace(flow.service);
    if (fresh) place->second = matches(flow.service);
    return place->second;
  }
  const auto [place, fresh] = replaced_.try_emplace(flow.service);
  auto& [builtins, rest] = place->second;
  if (fresh) {
    auto& kept = document_.rests.emplace_back(matches(flow.service));
    builtins = take_builtins(kept, settings_.profile);
    rest = &kept;
  }
  for (const BuiltinRule* each : builtins) {
    const bool one = flow.rule->carries.empty();
    script.builtins.push_back({each, one ? flow.rule : &parts_.of(flow, {service_of(*each), {}})});
    losses_.add_builtin(flow, *each, *script.node);
  }
  return *rest;
}

// One rule holds both families if that can be said; a rule whose local and remote addresses have no
// family in common would match nothing and is refused by some versions of Windows.
void Legaliser::add_addresses(Script& script, const flow::Flow& flow, const Rule& base,
                              std::pair<Peers*, Peers*> ends, Families families) {
  auto& [own, remote] = ends;
  // "All of IPv4" cannot be an entry of a list (mask 0 is refused): it is `Any` beside local
  // addresses of IPv4 only.
  const bool half_whole = (remote->whole & families) != 0 && (remote->whole & families) != families;
  const bool whole = (remote->whole & families) == families;
  if (families == both && (half_whole || (!whole && book_.lists(*remote, both).size() > 1))) {
    add_addresses(script, flow, base, ends, v4);
    add_addresses(script, flow, base, ends, v6);
    return;
  }
  if (families == 0) return;
  Rule rule = base;
  rule.local = local(flow, *own, families);
  if (rule.local == nullptr) return;
  if (whole) {
    add_rule(script, flow, rule, ends, families);
    return;
  }
  for (const AddressList* list : book_.lists(*remote, families)) {
    rule.remote = list;
    add_rule(script, flow, rule, ends, families);
  }
}

// Apart from the addresses: whether a rule with both would match either or both is not documented.
// Names and tags apart, too: a rule is in force without a name that is not resolved yet only if it
// has others.
void Legaliser::add_keywords(Script& script, const flow::Flow& flow, const Rule& base,
                             std::pair<Peers*, Peers*> ends, Families families) {
  const Peers* remote = ends.second;
  if (remote->names.empty() && remote->keywords.empty()) return;
  Rule rule = base;
  std::vector<Keyword> keywords;
  for (const std::string& name : remote->names) {
    keywords.push_back({keyword_id(settings_.group, name), name, nullptr});
  }
  rule.by = ", by name";
  add_keywords(script, flow, rule, ends, families, keywords);
  keywords.clear();
  for (const TagKeyword& each : remote->keywords) {
    keywords.push_back({keyword_id(settings_.group, "tag " + each.tag), each.tag, each.addresses});
  }
  rule.by = ", by service tag";
  add_keywords(script, flow, rule, ends, families & remote->keyword_families, keywords);
}

void Legaliser::add_keywords(Script& script, const flow::Flow& flow, Rule rule,
                             std::pair<Peers*, Peers*> ends, Families families,
                             const std::vector<Keyword>& keywords) {
  if (families == 0 || keywords.empty()) return;
  if (keywords.size() > longest_list) {
    context_.reporter().report<Diag::device_limit>(
        context_.place(flow.rule), fmt::format("rule `{}`", flow.rule->address), title,
        fmt::format("{} host names in a rule", longest_list));
    return;
  }
  rule.local = local(flow, *ends.first, families);
  if (rule.local == nullptr) return;
  for (const Keyword& keyword : keywords) {
    rule.keyword_ids.push_back(keyword.id);
    script.keywords.push_back(keyword);
  }
  add_rule(script, flow, std::move(rule), ends, families);
}

void Legaliser::add_rule(Script& script, const flow::Flow& flow, Rule rule,
                         std::pair<Peers*, Peers*> ends, Families families) {
  std::string_view id = flow.id;
  std::string own_id;
  rule.source = flow.rule;
  if (!flow.rule->carries.empty()) {
    FlowPart part{rule.match->service, {}};
    if (families != both) part.family = families == v4 ? net::Family::ipv4 : net::Family::ipv6;
    rule.source = &parts_.of(flow, part);
    id = own_id = part_id(flow, *rule.source);
  }
  rule.texts = texts(*rule.source);
  const Peers& remote = *ends.second;
  tell_apart(rule, remote, families);
  rule.display_name = display_name(rule, remote.shown);
  rule.name = shortened(settings_.name_prefix + slug(id), 400);
  rule.name.append("-").append(rule.inbound ? "in" : "out").append("-");
  rule.name += content_hash(content(id, rule, remote), 8);
  bool fresh = names_.insert(to_lower(rule.name)).second;
  if (!fresh && id != flow.id) {
    // Two flows share this part of theirs.
    rule.name.resize(rule.name.size() - 8);
    rule.name += content_hash(content_ + flow.id, 8);
    fresh = names_.insert(to_lower(rule.name)).second;
  }
  if (!fresh) {
    context_.reporter().report<Diag::name_clash>(context_.place(flow.rule), flow.id,
                                                 "another part of the policy", rule.name, title);
  }
  allows_out_ = allows_out_ || (!rule.inbound && !rule.block);
  script.rules.push_back(std::move(rule));
}

void Legaliser::tell_apart(Rule& rule, const Peers& remote, Families families) {
  const AddressList* all = book_.lists(*server_, families).front();
  rule.at_some = rule.local != all && rule.local->hash != all->hash;
  if (families == both || (server_->families & rule.match->families) != both) return;
  if (rule.keyword_ids.empty() && remote.families != both) return;
  rule.family = families == v4 ? ", IPv4" : ", IPv6";
}

// One field a line. Appended and not formatted: there are twenty thousand of them in a large
// policy.
const std::string& Legaliser::content(std::string_view id, const Rule& rule, const Peers& remote) {
  const auto line = [this](std::string_view text) { content_.append(text).append("\n"); };
  const auto list = [this](const std::vector<std::string>& texts) {
    for (const std::string& text : texts) {
      if (&text != &texts.front()) content_ += ',';
      content_ += text;
    }
    content_ += '\n';
  };
  content_.clear();
  line(id);
  line(rule.inbound ? "in" : "out");
  line(rule.block ? "block" : "");
  line(rule.match->protocol);
  list(rule.match->ports);
  list(rule.match->icmp_types);
  line(rule.local->hash);
  line(rule.remote == nullptr ? "any" : std::string_view(rule.remote->hash));
  list(rule.keyword_ids);
  line(rule.texts->hash);
  line(remote.shown);
  line(rule.by);
  line(rule.family);
  line(rule.at_some ? "some" : "");
  if (rule.remote != nullptr) line(rule.remote->place);
  return content_;
}

Rule Legaliser::pattern(const flow::Flow& flow, bool inbound) {
  Rule rule;
  rule.inbound = inbound;
  rule.block = flow.kind == policy::Rule::Kind::deny;
  logs_ = logs_ || flow.rule->log;
  return rule;
}

const Texts* Legaliser::texts(const policy::Rule& rule) {
  const auto [place, fresh] = texts_.try_emplace(&rule);
  if (fresh) place->second = &document_.texts.emplace_back(rule_texts(rule, document_));
  return place->second;
}

const AddressList* Legaliser::local(const flow::Flow& flow, Peers& peers, Families families) {
  const auto& lists = book_.lists(peers, families);
  if (lists.size() == 1) return lists.front();
  context_.reporter().report<Diag::device_limit>(
      context_.place(flow.rule), fmt::format("server `{}`", peers.name), title,
      fmt::format("{} local addresses in a rule", longest_list));
  return nullptr;
}

bool Legaliser::too_long(const flow::Flow& flow, const Match& match) {
  if (match.ports.size() <= longest_list && match.icmp_types.size() <= longest_list) return false;
  context_.reporter().report<Diag::device_limit>(
      context_.place(flow.rule), fmt::format("rule `{}`", flow.rule->address), title,
      fmt::format("{} port ranges or ICMP types in a rule", longest_list));
  return true;
}

void Legaliser::finish(Script& script) {
  // A host and a tag may have one name, but never one id.
  std::map<std::pair<std::string, std::string>, Keyword> keywords;
  for (Keyword& keyword : script.keywords) {
    keywords.emplace(std::pair{keyword.name, keyword.id}, keyword);
  }
  script.keywords.clear();
  for (const auto& [key, keyword] : keywords) script.keywords.push_back(keyword);
  const auto order = [](const BuiltinUse& use) {
    return std::tie(use.builtin->name, use.source->address, use.source->title);
  };
  std::stable_sort(script.builtins.begin(), script.builtins.end(),
                   [&](const BuiltinUse& a, const BuiltinUse& b) { return order(a) < order(b); });
  const auto same = [](const BuiltinUse& a, const BuiltinUse& b) {
    return a.builtin == b.builtin && a.source == b.source;
  };
  script.builtins.erase(std::unique(script.builtins.begin(), script.builtins.end(), same),
                        script.builtins.end());
  for (const std::string& text : losses_.of_script()) {
    script.left_out.push_back(escaped(plain(text, 400)));
  }
}

}  // namespace

Document legalise(const flow::DevicePolicy& device, EmitContext& context) {
  return Legaliser(device, context).run();
}

}  // namespace hcipol::backends::windows_firewall
