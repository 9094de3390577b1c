// First match: exceptions, denies, allows, then the clean-up. A flow becomes several rules where it
// must: a packet matches a rule only by its destination, URL category, service and application at
// once.
#include "backends/palo_alto/legalise.h"

#include <algorithm>
#include <deque>
#include <set>
#include <utility>

#include "backends/common/names.h"
#include "backends/common/rule_parts.h"
#include "backends/common/stand_ins.h"
#include "backends/common/text.h"
#include "backends/palo_alto/app_ids.h"
#include "backends/palo_alto/cleanup.h"
#include "backends/palo_alto/describe.h"
#include "backends/palo_alto/families.h"
#include "backends/palo_alto/finish.h"
#include "backends/palo_alto/gaps.h"
#include "backends/palo_alto/limits.h"
#include "backends/palo_alto/names.h"
#include "backends/palo_alto/objects.h"
#include "backends/palo_alto/place.h"
#include "backends/palo_alto/rule_ends.h"
#include "backends/palo_alto/set_names.h"
#include "backends/palo_alto/settings.h"
#include "support/text.h"

namespace hcipol::backends::palo_alto {

namespace {

using flow::Flow;
using policy::Rule;
using sema::NamedSet;

net::PeerSet addresses_instead(const NamedSet& set) {
  if (!set.addresses.empty()) return {set.addresses, {}};
  return {{}, net::DomainSet(NamedSet::tag_name(set.tag))};
}

class Legaliser {
 public:
  Legaliser(const flow::DevicePolicy& device, const Settings& settings, EmitContext& context);
  Document run();

 private:
  void add(const Flow& flow);
  void add_by_name(const Flow& flow, const SecurityRule& base, const End& to,
                   const net::ServiceSet& service);
  void add_stand_ins(const Flow& flow, const SecurityRule& base, const End& to,
                     const net::ServiceSet& service);
  void report_hosts(const Flow& flow, const End& from, const End& to,
                    const net::ServiceSet& service);
  bool fits(const Flow& flow, const End& end);
  const Members* keep(Members list) { return &document_.lists.emplace_back(std::move(list)); }
  void add_scope(const Scope& scope);
  void add_rules(const Flow& flow, SecurityRule rule, std::string_view suffix,
                 net::ServiceSet service, bool cleanup = false);
  void add_recognised(const Flow& flow, const SecurityRule& rule, std::string_view suffix,
                      net::ServiceSet& service);
  void add_rule(const Flow& flow, SecurityRule rule, std::string_view suffix, bool cleanup,
                const net::ServiceSet& part);
  SecurityRule base(const Flow& flow);

  const flow::DevicePolicy& device_;
  EmitContext& context_;
  const Settings& settings_;
  std::deque<NamedSet> owned_;
  std::vector<Scope> scopes_;
  Document document_;
  std::string key_;
  const Members* any_ = keep({"any"});
  const Members* by_application_ = keep({"application-default"});  ///< for rules with applications
  Objects objects_;
  RuleEnds ends_{objects_, document_.lists};
  AppIds app_ids_;
  RuleParts parts_;
  std::set<std::pair<const Rule*, std::string>> reported_hosts_;
  std::deque<Flow> of_scopes_;
  std::vector<Identity> identities_;  ///< of the rules and then of the clean-up
};

Legaliser::Legaliser(const flow::DevicePolicy& device, const Settings& settings,
                     EmitContext& context)
    : device_(device),
      context_(context),
      settings_(settings),
      scopes_(settings_.default_deny ? default_deny(device, owned_) : std::vector<Scope>{}),
      key_(cluster_key(device.cluster->name)),
      objects_(device, settings_, all_sets(device.flows, scopes_), document_) {
  document_.set_commands = settings_.set_commands;
  // Files of several targets may be imported into one device.
  const std::string& instance = device.view->target->instance;
  const std::string file = instance.empty() ? key_ : key_ + "." + cluster_key(instance);
  document_.file_name =
      shortened(file, file_name_limit - 4) + (settings_.set_commands ? ".set" : ".xml");
  document_.version = settings_.version;
  document_.location = settings_.location;
  document_.log_setting = settings_.log_setting;
  document_.profile_group = settings_.profile_group;
  document_.before = settings_.before;
  document_.denies_rest = settings_.default_deny;
  document_.object_tag = "hcipol";
  document_.cluster_tag = "hcipol-" + key_;
}

Document Legaliser::run() {
  document_.rules.reserve(device_.flows.size());
  identities_.reserve(device_.flows.size());
  for (const Flow& flow : device_.flows) add(flow);
  for (const Scope& scope : scopes_) add_scope(scope);
  finish(document_, identities_, device_.cluster->name);
  app_ids_.note(context_);
  objects_.report_clashes(context_);
  report_limits(document_, context_);
  add_device_notes(document_, context_);
  note_neighbours(device_, settings_, context_);
  if (!settings_.default_deny) {
    context_.note(backend_title,
                  "`default_deny` is off: what the policy does not allow is left to other rules");
  }
  document_.parts = parts_.take();
  return std::move(document_);
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
    const Date last = *flow.rule->expires;
    rule.schedule = document_.schedules.emplace("hci-until-" + to_string(last), last).first->first;
  }
  return rule;
}

void Legaliser::add(const Flow& flow) {
  const Families both = families(flow.from) & families(flow.to);
  net::ServiceSet service = usable(flow.service, both);
  if (!both.any() || service.empty()) return;  // no packet can be meant
  // A rule that a category can match all of needs no other.
  const bool web = net::web_services().contains(service);
  const Listed& from = ends_.of(flow.from, both, NamesBy::address);
  const Listed& to = ends_.of(flow.to, both, web ? NamesBy::url : NamesBy::address);
  // Both, so that one build tells all that is wrong.
  const bool from_fits = fits(flow, from.end);
  if (!fits(flow, to.end) || !from_fits) return;
  if (!from.end.wildcards.empty()) {
    context_.cannot(flow, backend_title, "a wildcard name as the source of connections")
        .help("name the hosts, or give their addresses");
    return;
  }

  report_hosts(flow, from.end, to.end, service);
  SecurityRule rule = base(flow);
  rule.from = from.zones;
  rule.source = from.members;
  // `any` has said all that a name could add.
  const bool by_name = !to.end.any && !to.end.wildcards.empty();
  if (!to.end.empty()) {
    rule.to = to.zones;
    rule.destination = to.members;
    if (!by_name) return add_rules(flow, std::move(rule), "", std::move(service));
    add_rules(flow, rule, "", service);
  }
  if (by_name) add_by_name(flow, rule, to.end, service);
}

// An FQDN object is a list of addresses that the device asks its DNS for.
void Legaliser::report_hosts(const Flow& flow, const End& from, const End& to,
                             const net::ServiceSet& service) {
  if (from.hosts.empty() && to.hosts.empty()) return;
  const bool opens = flow.kind != Rule::Kind::deny && !to.hosts.empty();
  document_.opens_by_name = document_.opens_by_name || opens;
  const std::string on = service.is_any() ? "" : net::to_string(service);
  std::vector<std::string> all;
  std::vector<Wider> wider;
  for (const End* end : {&from, &to}) {
    std::vector<std::string> texts;
    for (const std::string_view host : end->hosts) {
      texts.push_back("addresses of " + std::string(host));
    }
    if (texts.empty()) continue;
    all.insert(all.end(), texts.begin(), texts.end());
    wider.push_back(end == &from ? Wider{texts, {}, on} : Wider{{}, texts, on});
  }
  constexpr std::string_view why = "FQDN objects match whoever else is behind them: ";
  std::string whole = std::string(why) + list_of(all);
  if (!reported_hosts_.emplace(flow.rule, on + whole).second) return;
  context_.widened(flow, backend_title, std::string(why) + some_of(all, 3), std::move(wider), {},
                   std::move(whole));
  if (flow.kind == Rule::Kind::deny) report_unresolved(flow, all, context_);
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
      categories.push_back(objects_.endpoint(*set, NamesBy::url).category);
    }
    std::sort(categories.begin(), categories.end());
    categories.erase(std::unique(categories.begin(), categories.end()), categories.end());
    if (!base.allow) report_unnamed(flow, to.wildcards, by_name, context_);
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

// Reports for each flow what its rule cannot have.
bool Legaliser::fits(const Flow& flow, const End& end) {
  for (const NamedSet* set : end.unusable) {
    const Endpoint& endpoint = objects_.endpoint(*set, end.by);
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
  Flow& flow = of_scopes_.emplace_back();
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
  document_.denied.push_back(describe_scope(*scope.from, *scope.to, scope.service));
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
    add_rule(flow, std::move(rule), suffix, cleanup, service);
    return;
  }
  if (services.applications == nullptr) {
    rule.service = services.ports;
    rule.application = any_;
    add_rule(flow, std::move(rule), suffix, cleanup, service);
    return;
  }
  std::string more(suffix);
  const net::ServiceSet with_ports =
      net::ServiceSet::whole(net::protocol::tcp) | net::ServiceSet::whole(net::protocol::udp);
  if (services.ports != nullptr) {
    SecurityRule by_port = rule;
    by_port.service = services.ports;
    by_port.application = any_;
    add_rule(flow, std::move(by_port), suffix, cleanup, service & with_ports);
    more += services.icmp_only ? "-icmp" : "-ip";
  }
  rule.service = by_application_;
  rule.application = services.applications;
  add_rule(flow, std::move(rule), more, cleanup, service - with_ports);
}

// Takes out of the service what has gone into a rule with applications.
void Legaliser::add_recognised(const Flow& flow, const SecurityRule& rule, std::string_view suffix,
                               net::ServiceSet& service) {
  if (service.is_any()) return;
  const AppIds::Known known = AppIds::of(service);
  if (known.service.empty()) return;
  SecurityRule recognised = rule;
  recognised.service = objects_.services(known.service).ports;
  Members applications;
  for (const std::string& application : known.applications) {
    applications.push_back(*document_.app_ids.insert(application).first);
  }
  recognised.application = keep(std::move(applications));
  add_rule(flow, std::move(recognised), std::string(suffix) + "-app", false, known.service);
  app_ids_.narrowed(known, flow);
  service = service - known.service;
}

void Legaliser::add_rule(const Flow& flow, SecurityRule rule, std::string_view suffix, bool cleanup,
                         const net::ServiceSet& part) {
  std::string id;
  if (flow.rule != nullptr && !flow.rule->carries.empty()) {
    const Rule& origin = parts_.of(flow, {part, {}});
    if (&origin != flow.rule) {
      rule.description = describe(origin);
      rule.origin = &origin;
      id = part_id(flow, origin);
    }
  }
  std::string name;
  put(name, key_, "-", slug(id.empty() ? flow.id : id), suffix);
  rule.name = shortened(std::move(name), name_limit);
  identities_.push_back({cleanup, flow.id, std::string(suffix)});
  (cleanup ? document_.cleanup : document_.rules).push_back(std::move(rule));
}

}  // namespace

Document legalise(const flow::DevicePolicy& device, const Settings& settings,
                  EmitContext& context) {
  return Legaliser(device, settings, context).run();
}

}  // namespace hcipol::backends::palo_alto
