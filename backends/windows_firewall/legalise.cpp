// A rule's name is made of its content, so equal names mean equal rules and a changed rule is a new
// one: what is on a server can be compared with the policy by name. Of service tags it is made of
// their names: their addresses change every week, and the scripts set them in place. A flow that
// stands for several rules of the policy becomes rules that stand for those with packets in them.
#include "backends/windows_firewall/legalise.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <map>
#include <span>
#include <tuple>
#include <utility>

#include "backends/common/names.h"
#include "backends/common/rule_parts.h"
#include "backends/windows_firewall/forms.h"
#include "backends/windows_firewall/losses.h"
#include "backends/windows_firewall/notes.h"
#include "backends/windows_firewall/peers.h"
#include "backends/windows_firewall/script_text.h"
#include "backends/windows_firewall/services.h"
#include "backends/windows_firewall/settings.h"
#include "net/id_table.h"
#include "support/text.h"

namespace hcipol::backends::windows_firewall {

namespace {

// Of rules' names: of what comes before the direction, and of the hash at the end.
constexpr std::size_t longest_name = 400;
constexpr std::size_t hash_digits = 8;

/// A flow as its server sees it.
struct Case {
  const flow::Flow& flow;
  Peers& own;     ///< the server's side
  Peers& remote;  ///< the other
  const std::vector<Match>& matches;
};

class Legaliser {
 public:
  Legaliser(const flow::DevicePolicy& device, EmitContext& context)
      : device_(device),
        context_(context),
        settings_(settings(device, context)),
        book_(settings_.names, settings_.tags, document_.lists),
        losses_(context, title, settings_.names == NameMode::dynamic_keywords),
        forms_(document_) {}

  Document run();

 private:
  void add_server(const flow::HostFlows& host);
  void add_flow(Script& script, const flow::Flow& flow, bool inbound);
  void add_addresses(Script& script, const Case& one, Shape shape, Families families);
  /// What is left for rules of the policy where Windows' own stand for the rest.
  const std::vector<Match>& matches_of(Script& script, const flow::Flow& flow, bool inbound);
  void add_keywords(Script& script, const Case& one, Shape shape, Families families);
  void add_keywords(Script& script, const Case& one, const Shape& shape, Families families,
                    const std::vector<Keyword>& keywords);
  /// The rule is for packets of these families.
  void add_rule(Script& script, const Case& one, Shape shape, const AddressList& local,
                Families families, std::span<const std::string> keyword_ids = {});
  void tell_apart(Shape& shape, const AddressList& local, Families families);
  /// Whether no rule before the script's last has its name, which it has from then on.
  bool take_name(const Script& script);
  const AddressList* local(const Case& one, Families families);
  bool too_long(const flow::Flow& flow, const Match& match);
  void finish(Script& script);

  const flow::DevicePolicy& device_;
  EmitContext& context_;
  Document document_;
  Settings settings_;
  PeerBook book_;
  Losses losses_;
  RuleParts parts_;
  Forms forms_;
  net::ByService<std::pair<std::vector<const BuiltinRule*>, const std::vector<Match>*>> replaced_;
  Peers* server_ = nullptr;  ///< all addresses of the server at hand
  /// Rules of the script at hand by the hash with which their names end: the first with each.
  net::IdTable names_;
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
  if (!device_.hosts.empty()) {
    const flow::HostFlows& first = device_.hosts.front();
    forms_.reserve(first.inbound.size() + first.outbound.size());
  }
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
  names_ = {};
  forms_.start_script();
  losses_.start_script();
  for (const flow::Flow& flow : host.inbound) add_flow(script, flow, true);
  for (const flow::Flow& flow : host.outbound) add_flow(script, flow, false);
  finish(script);
}

void Legaliser::add_flow(Script& script, const flow::Flow& flow, bool inbound) {
  const Union& sets = inbound ? flow.to : flow.from;
  const bool all = sets.size() == 1 && sets.front() == script.node->set;
  Peers& own = all ? *server_ : book_.peers(sets, false);
  const Form* like = forms_.next_like(flow, inbound);
  Peers& remote =
      like != nullptr ? *like->shape.peers : book_.peers(inbound ? flow.from : flow.to, !inbound);
  losses_.add(flow, own, remote, *script.node, inbound);
  logs_ = logs_ || flow.rule->log;
  const bool known = like != nullptr && !settings_.builtin;
  const std::vector<Match>& matches =
      known ? *forms_.origin(*like).matches : matches_of(script, flow, inbound);
  const Case one{flow, own, remote, matches};
  Shape shape;
  shape.source = flow.rule;
  shape.peers = &remote;
  shape.inbound = inbound;
  shape.block = flow.kind == policy::Rule::Kind::deny;
  for (const Match& match : matches) {
    if (too_long(flow, match)) continue;
    shape.match = &match;
    const Families possible = own.families & match.families;
    add_addresses(script, one, shape, possible & remote.families);
    add_keywords(script, one, shape, possible);
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
void Legaliser::add_addresses(Script& script, const Case& one, Shape shape, Families families) {
  Peers& remote = one.remote;
  // "All of IPv4" cannot be an entry of a list (mask 0 is refused): it is `Any` beside local
  // addresses of IPv4 only.
  const bool half_whole = (remote.whole & families) != 0 && (remote.whole & families) != families;
  const bool whole = (remote.whole & families) == families;
  if (families == both && (half_whole || (!whole && book_.lists(remote, both).size() > 1))) {
    add_addresses(script, one, shape, v4);
    add_addresses(script, one, shape, v6);
    return;
  }
  if (families == 0) return;
  const AddressList* own = local(one, families);
  if (own == nullptr) return;
  if (whole) {
    add_rule(script, one, shape, *own, families);
    return;
  }
  for (const AddressList* list : book_.lists(remote, families)) {
    shape.remote = list;
    add_rule(script, one, shape, *own, families);
  }
}

// Apart from the addresses: whether a rule with both would match either or both is not documented.
// Names and tags apart, too: a rule is in force without a name that is not resolved yet only if it
// has others.
void Legaliser::add_keywords(Script& script, const Case& one, Shape shape, Families families) {
  const ByName* remote = one.remote.by_name.get();
  if (remote == nullptr) return;
  std::vector<Keyword> keywords;
  for (const std::string& name : remote->names) {
    keywords.push_back({keyword_id(settings_.group, name), name, nullptr});
  }
  shape.by = ", by name";
  add_keywords(script, one, shape, families, keywords);
  keywords.clear();
  for (const TagKeyword& each : remote->keywords) {
    keywords.push_back({keyword_id(settings_.group, "tag " + each.tag), each.tag, each.addresses});
  }
  shape.by = ", by service tag";
  add_keywords(script, one, shape, families & remote->keyword_families, keywords);
}

void Legaliser::add_keywords(Script& script, const Case& one, const Shape& shape, Families families,
                             const std::vector<Keyword>& keywords) {
  if (families == 0 || keywords.empty()) return;
  const policy::Rule* rule = one.flow.rule;
  if (keywords.size() > longest_list) {
    context_.reporter().report<Diag::device_limit>(
        context_.place(rule), fmt::format("rule `{}`", rule->address), title,
        fmt::format("{} host names in a rule", longest_list));
    return;
  }
  const AddressList* own = local(one, families);
  if (own == nullptr) return;
  std::vector<std::string> ids;
  for (const Keyword& keyword : keywords) {
    ids.push_back(keyword.id);
    script.keywords.push_back(keyword);
  }
  add_rule(script, one, shape, *own, families, ids);
}

void Legaliser::add_rule(Script& script, const Case& one, Shape shape, const AddressList& local,
                         Families families, std::span<const std::string> keyword_ids) {
  const flow::Flow& flow = one.flow;
  std::string_view id = flow.id;
  std::string own_id;
  if (!flow.rule->carries.empty()) {
    FlowPart part{shape.match->service, {}};
    if (families != both) part.family = families == v4 ? net::Family::ipv4 : net::Family::ipv6;
    shape.source = &parts_.of(flow, part);
    id = own_id = part_id(flow, *shape.source);
  }
  tell_apart(shape, local, families);
  Rule& rule = script.rules.emplace_back();
  rule.form = &forms_.of(shape, {&flow, &one.matches}, keyword_ids);
  rule.local = &local;
  rule.name.reserve(settings_.name_prefix.size() + id.size() + hash_digits + 5);
  rule.name += settings_.name_prefix;
  append_slug(rule.name, id);
  rule.name = shortened(std::move(rule.name), longest_name);
  rule.name += shape.inbound ? "-in-" : "-out-";
  forms_.content(content_, id, *rule.form, local);
  rule.name += content_hash(content_, hash_digits);
  bool fresh = take_name(script);
  if (!fresh && id != flow.id) {
    // Two flows share this part of theirs.
    rule.name.resize(rule.name.size() - hash_digits);
    rule.name += content_hash(content_ + flow.id, hash_digits);
    fresh = take_name(script);
  }
  if (!fresh) {
    context_.reporter().report<Diag::name_clash>(context_.place(flow.rule), flow.id,
                                                 "another part of the policy", rule.name, title);
  }
  allows_out_ = allows_out_ || (!shape.inbound && !shape.block);
}

void Legaliser::tell_apart(Shape& shape, const AddressList& local, Families families) {
  const AddressList* all = book_.lists(*server_, families).front();
  if (&local != all && local.hash != all->hash) shape.at = &local;
  if (families == both || (server_->families & shape.match->families) != both) return;
  if (shape.by.empty() && shape.peers->families != both) return;
  shape.family = families == v4 ? ", IPv4" : ", IPv6";
}

// Windows does not tell capitals. Names that are one end in one hash, and hardly any others do.
bool Legaliser::take_name(const Script& script) {
  const std::vector<Rule>& rules = script.rules;
  const std::string& name = rules.back().name;
  std::uint64_t hash = 0;
  static_assert(sizeof hash == hash_digits);
  std::memcpy(&hash, name.data() + name.size() - hash_digits, hash_digits);
  const std::uint32_t other = names_.find(hash);
  if (other == net::IdTable::absent) {
    names_.add(hash, static_cast<std::uint32_t>(rules.size() - 1));
    return true;
  }
  const auto same = [&](const Rule& rule) { return to_lower(rule.name) == to_lower(name); };
  return !same(rules[other]) && std::none_of(rules.begin(), std::prev(rules.end()), same);
}

const AddressList* Legaliser::local(const Case& one, Families families) {
  const auto& lists = book_.lists(one.own, families);
  if (lists.size() == 1) return lists.front();
  context_.reporter().report<Diag::device_limit>(
      context_.place(one.flow.rule), fmt::format("server `{}`", one.own.name), title,
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
