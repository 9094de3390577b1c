// First match: exceptions, denies, allows, then the clean-up. A flow becomes several rules where it
// must: a packet matches a rule only by its destination, URL category, service and application at
// once.
#include "backends/palo_alto/legalise.h"

#include <algorithm>
#include <array>
#include <deque>
#include <unordered_set>

#include "backends/common/names.h"
#include "backends/common/stand_ins.h"
#include "backends/common/unions.h"
#include "backends/palo_alto/app_ids.h"
#include "backends/palo_alto/cleanup.h"
#include "backends/palo_alto/describe.h"
#include "backends/palo_alto/families.h"
#include "backends/palo_alto/finish.h"
#include "backends/palo_alto/limits.h"
#include "backends/palo_alto/names.h"
#include "backends/palo_alto/objects.h"
#include "backends/palo_alto/settings.h"

namespace hcipol::backends::palo_alto {

namespace {

using flow::Flow;
using policy::Rule;
using sema::NamedSet;

// What a URL category holds of the set: its patterns, and the names right above them.
net::DomainSet names_by_url(const NamedSet& set) {
  std::vector<net::DomainPattern> out;
  for (const net::DomainPattern& pattern : set.set.names.patterns()) {
    if (!pattern.wildcard) continue;
    out.push_back(pattern);
    out.push_back({pattern.name, false});
  }
  return net::DomainSet::of(std::move(out)) & set.set.names;
}

net::PeerSet addresses_instead(const NamedSet& set) {
  if (!set.addresses.empty()) return {set.addresses, {}};
  return {{}, net::DomainSet(NamedSet::tag_name(set.tag))};
}

// One end of rules.
struct End {
  bool any = false;
  Members members;
  Where where;
  std::vector<const NamedSet*> wildcards;
  std::vector<const NamedSet*> unusable;

  void add(const Endpoint& endpoint) {
    any = any || endpoint.any;
    members.insert(members.end(), endpoint.members.begin(), endpoint.members.end());
    where.add(endpoint.where);
  }
  bool empty() const { return !any && members.empty(); }
  Members list() const {
    if (any) return {"any"};
    Members out = members;
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
  }
};

// An end as rules point to it.
struct Listed {
  End end;
  const Members* members = nullptr;
  const Members* zones = nullptr;
};

class Legaliser {
 public:
  Legaliser(const flow::DevicePolicy& device, EmitContext& context);
  Document run();

 private:
  std::vector<const NamedSet*> all_sets() const;
  void add(const Flow& flow);
  void add_by_name(const Flow& flow, const SecurityRule& base, const End& to,
                   const net::ServiceSet& service);
  void add_stand_ins(const Flow& flow, const SecurityRule& base, const End& to,
                     const net::ServiceSet& service);
  const Listed& end(const Union& sets, Families both);
  bool fits(const Flow& flow, const End& end);
  const Members* keep(Members list) { return &document_.lists.emplace_back(std::move(list)); }
  void add_scope(const Scope& scope);
  void add_rules(const Flow& flow, SecurityRule rule, std::string_view suffix,
                 net::ServiceSet service, bool cleanup = false);
  void add_recognised(const Flow& flow, const SecurityRule& rule, std::string_view suffix,
                      net::ServiceSet& service);
  void add_rule(const Flow& flow, SecurityRule rule, std::string_view suffix, bool cleanup);
  SecurityRule base(const Flow& flow);

  const flow::DevicePolicy& device_;
  EmitContext& context_;
  const Settings settings_;
  std::deque<NamedSet> owned_;
  std::vector<Scope> scopes_;
  Document document_;
  std::string key_;
  const Members* any_ = keep({"any"});
  const Members* by_application_ = keep({"application-default"});  ///< for rules with applications
  Objects objects_;
  std::array<ByUnion<Listed>, 4> ends_;  ///< by families
  AppIds app_ids_;
  std::vector<std::string> identities_;  ///< of the rules and then of the clean-up
};

Legaliser::Legaliser(const flow::DevicePolicy& device, EmitContext& context)
    : device_(device),
      context_(context),
      settings_(read_settings(device, context)),
      scopes_(settings_.default_deny ? default_deny(device, owned_) : std::vector<Scope>{}),
      key_(cluster_key(device.cluster->name)),
      objects_(device, settings_, all_sets(), document_) {
  document_.set_commands = settings_.set_commands;
  document_.file_name =
      shortened(key_, file_name_limit - 4) + (settings_.set_commands ? ".set" : ".xml");
  document_.version = settings_.version;
  document_.location = settings_.location;
  document_.log_setting = settings_.log_setting;
  document_.profile_group = settings_.profile_group;
  document_.denies_rest = settings_.default_deny;
  document_.object_tag = "hcipol";
  document_.cluster_tag = "hcipol-" + key_;
}

Document Legaliser::run() {
  document_.rules.reserve(device_.flows.size());
  for (const Flow& flow : device_.flows) add(flow);
  for (const Scope& scope : scopes_) add_scope(scope);
  finish(document_, identities_, device_.cluster->name);
  app_ids_.note(context_);
  objects_.report_clashes(context_);
  report_limits(document_, context_);
  add_device_notes(document_, context_);
  if (!settings_.default_deny) {
    context_.note(backend_title,
                  "`default_deny` is off: what the policy does not allow is left to other rules");
  }
  return std::move(document_);
}

std::vector<const NamedSet*> Legaliser::all_sets() const {
  std::vector<const NamedSet*> out;
  std::unordered_set<const NamedSet*> known;
  const auto add_one = [&](const NamedSet* set) {
    if (known.insert(set).second) out.push_back(set);
  };
  for (const Flow& flow : device_.flows) {
    for (const NamedSet* set : flow.from) add_one(set);
    for (const NamedSet* set : flow.to) add_one(set);
  }
  for (const Scope& scope : scopes_) {
    add_one(scope.from);
    add_one(scope.to);
  }
  return out;
}

SecurityRule Legaliser::base(const Flow& flow) {
  SecurityRule rule;
  rule.category = any_;
  rule.allow = flow.kind != Rule::Kind::deny;
  rule.origin = flow.rule;
  if (flow.rule == nullptr) return rule;
  rule.exception = flow.kind == Rule::Kind::exception;
  rule.description = describe(*flow.rule);
  rule.log_start = flow.rule->log;
  if (rule.exception && settings_.schedules && flow.rule->expires) {
    // By its content, so that clusters share it.
    rule.schedule = "hci-until-" + to_string(*flow.rule->expires);
    document_.schedules.emplace(rule.schedule, *flow.rule->expires);
  }
  return rule;
}

void Legaliser::add(const Flow& flow) {
  const Families both = families(flow.from) & families(flow.to);
  const net::ServiceSet service = usable(flow.service, both);
  if (!both.any() || service.empty()) return;  // no packet can be meant
  const Listed& from = end(flow.from, both);
  const Listed& to = end(flow.to, both);
  // Both, so that one build tells all that is wrong.
  const bool from_fits = fits(flow, from.end);
  if (!fits(flow, to.end) || !from_fits) return;
  if (!from.end.wildcards.empty()) {
    context_.cannot(flow, backend_title, "a wildcard name as the source of connections")
        .help("name the hosts, or give their addresses");
    return;
  }

  SecurityRule rule = base(flow);
  rule.from = from.zones;
  rule.source = from.members;
  // `any` has said all that a name could add.
  const bool by_name = !to.end.any && !to.end.wildcards.empty();
  if (!to.end.empty()) {
    rule.to = to.zones;
    rule.destination = to.members;
    add_rules(flow, by_name ? rule : std::move(rule), "", service);
  }
  if (by_name) add_by_name(flow, rule, to.end, service);
}

void Legaliser::add_by_name(const Flow& flow, const SecurityRule& base, const End& to,
                            const net::ServiceSet& service) {
  const net::ServiceSet by_name = service & net::web_services();
  if (!by_name.empty()) {
    SecurityRule rule = base;
    rule.to = keep(whereabouts(settings_, {}, true).members());
    rule.destination = any_;
    Members categories;
    for (const NamedSet* set : to.wildcards) {
      categories.push_back(objects_.endpoint(*set).category);
    }
    std::sort(categories.begin(), categories.end());
    categories.erase(std::unique(categories.begin(), categories.end()), categories.end());
    rule.category = keep(std::move(categories));
    add_rules(flow, std::move(rule), to.members.empty() ? "" : "-url", by_name);
  }
  const net::ServiceSet rest = service - net::web_services();
  if (!rest.empty()) add_stand_ins(flow, base, to, rest);
}

void Legaliser::add_stand_ins(const Flow& flow, const SecurityRule& base, const End& to,
                              const net::ServiceSet& service) {
  End addresses;
  for (const NamedSet* set : to.wildcards) {
    const Endpoint* found = objects_.stand_in(*set);
    if (found == nullptr) {
      context_
          .cannot(flow, backend_title,
                  fmt::format("`{}` on {}: a URL category matches HTTP and TLS only", set->name,
                              net::to_string(service)))
          .help("name the hosts without `*`, or give the endpoint a `tag` or an `address`");
      return;
    }
    if (!found->fault.empty()) {
      context_.cannot(flow, backend_title, found->fault);
      return;
    }
    addresses.add(*found);
    context_.widened(
        flow, backend_title,
        fmt::format(
            "on {}, `{}` is every address of {}", net::to_string(service), set->name,
            set->addresses.empty() ? "its service tag `" + set->tag + "`" : "its `address`"),
        {{{}, stand_ins(*set), net::to_string(service)}},
        {{Change::Kind::added, {flow::peers(flow.from), addresses_instead(*set), service}},
         {Change::Kind::lost, {flow::peers(flow.from), {{}, names_by_url(*set)}, service}}});
  }
  SecurityRule rule = base;
  rule.to = keep(addresses.where.members());
  rule.destination = keep(addresses.list());
  add_rules(flow, std::move(rule), "-addresses", service);
}

const Listed& Legaliser::end(const Union& sets, Families both) {
  const auto [place, fresh] = ends_[(both.v4 ? 1u : 0u) + (both.v6 ? 2u : 0u)].try_emplace(sets);
  Listed& out = place->second;
  if (!fresh) return out;
  for (const NamedSet* set : sets) {
    if (!(families(*set) & both).any()) continue;
    const Endpoint& endpoint = objects_.endpoint(*set);
    if (!endpoint.missing_tag.empty() || !endpoint.fault.empty()) {
      out.end.unusable.push_back(set);
      continue;
    }
    if (!endpoint.category.empty()) out.end.wildcards.push_back(set);
    if (endpoint.any || !endpoint.members.empty()) out.end.add(endpoint);
  }
  out.members = keep(out.end.list());
  out.zones = keep(out.end.where.members());
  return out;
}

// Reports for each flow what its rule cannot have.
bool Legaliser::fits(const Flow& flow, const End& end) {
  for (const NamedSet* set : end.unusable) {
    const Endpoint& endpoint = objects_.endpoint(*set);
    if (!endpoint.missing_tag.empty()) {
      context_.reporter().report<Diag::no_service_tags>(context_.place(flow.rule), backend_title,
                                                        endpoint.missing_tag);
    } else {
      context_.cannot(flow, backend_title, endpoint.fault);
    }
  }
  return end.unusable.empty();
}

// Within a zone PAN-OS allows what no rule matches, between zones it denies; two rules let the
// engineer see the two in the log apart.
void Legaliser::add_scope(const Scope& scope) {
  Flow flow;
  flow.kind = Rule::Kind::deny;
  flow.from = {scope.from};
  flow.to = {scope.to};
  flow.service = usable(scope.service, families(*scope.from) & families(*scope.to));
  flow.id = fmt::format("cleanup {} {}", scope.from->name, scope.to->name);
  if (flow.service.empty()) return;
  End from;
  End to;
  from.add(objects_.endpoint(*scope.from));
  to.add(objects_.endpoint(*scope.to));
  // Every address is also in zones that the target does not list.
  if (from.any) from.where = {true, {}};
  if (to.any) to.where = {true, {}};

  SecurityRule rule = base(flow);
  rule.from = keep(from.where.members());
  rule.to = keep(to.where.members());
  rule.source = keep(from.list());
  rule.destination = keep(to.list());
  rule.description = describe_cleanup(device_.cluster->name, *scope.from, *scope.to);
  Members shared;
  if (from.where.anywhere != to.where.anywhere) {
    shared = from.where.anywhere ? to.where.zones : from.where.zones;
  } else {
    std::set_intersection(rule.from->begin(), rule.from->end(), rule.to->begin(), rule.to->end(),
                          std::back_inserter(shared));
    if (from.where.anywhere) shared.clear();
  }
  if (!shared.empty()) {
    SecurityRule inside = rule;
    inside.type = SecurityRule::Type::intrazone;
    inside.from = inside.to = keep(std::move(shared));
    add_rules(flow, std::move(inside), "-intrazone", flow.service, true);
    if (rule.from->size() == 1 && *rule.from == *rule.to) return;
    rule.type = SecurityRule::Type::interzone;
  }
  add_rules(flow, std::move(rule), "", flow.service, true);
}

void Legaliser::add_rules(const Flow& flow, SecurityRule rule, std::string_view suffix,
                          net::ServiceSet service, bool cleanup) {
  if (settings_.app_id && rule.allow) add_recognised(flow, rule, suffix, service);
  if (service.empty()) return;
  const Services& services = objects_.services(service);
  if (!services.fault.empty()) {
    context_.cannot(flow, backend_title, services.fault);
    return;
  }
  if (services.any) {
    rule.service = rule.application = any_;
    add_rule(flow, std::move(rule), suffix, cleanup);
    return;
  }
  std::string more(suffix);
  if (services.ports != nullptr) {
    const bool last = services.applications == nullptr;
    SecurityRule by_port = last ? std::move(rule) : rule;
    by_port.service = services.ports;
    by_port.application = any_;
    add_rule(flow, std::move(by_port), suffix, cleanup);
    if (last) return;
    more += services.icmp_only ? "-icmp" : "-ip";
  }
  rule.service = by_application_;
  rule.application = services.applications;
  add_rule(flow, std::move(rule), more, cleanup);
}

// Takes out of the service what has gone into a rule with applications.
void Legaliser::add_recognised(const Flow& flow, const SecurityRule& rule, std::string_view suffix,
                               net::ServiceSet& service) {
  if (service.is_any()) return;
  const AppIds::Known known = AppIds::of(service);
  if (known.service.empty()) return;
  SecurityRule recognised = rule;
  recognised.service = objects_.services(known.service).ports;
  recognised.application = keep(known.applications);
  add_rule(flow, std::move(recognised), std::string(suffix) + "-app", false);
  app_ids_.narrowed(known, flow);
  service = service - known.service;
}

void Legaliser::add_rule(const Flow& flow, SecurityRule rule, std::string_view suffix,
                         bool cleanup) {
  rule.name = shortened(fmt::format("{}-{}{}", key_, slug(flow.id), suffix), name_limit);
  identities_.push_back(fmt::format("{}\n{}\n{}", cleanup, flow.id, suffix));
  (cleanup ? document_.cleanup : document_.rules).push_back(std::move(rule));
}

}  // namespace

Document legalise(const flow::DevicePolicy& device, EmitContext& context) {
  return Legaliser(device, context).run();
}

}  // namespace hcipol::backends::palo_alto
