// A packet between two servers passes the group twice, on its way out and on its way in, so each
// flow is written for both directions as far as a server is at that end. Exceptions come before
// denies before allows; what denies the rest comes last.
#include "backends/azure_nsg/legalise.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "backends/azure_nsg/sides.h"
#include "backends/common/arm/naming.h"
#include "backends/common/names.h"
#include "backends/common/rule_parts.h"
#include "support/text.h"

namespace hcipol::backends::azure_nsg {

namespace {

using Kind = policy::Rule::Kind;

constexpr arm::PriorityRange exception_priorities{100, 900};
constexpr arm::PriorityRange deny_priorities{1'000, 1'000};
constexpr arm::PriorityRange allow_priorities{2'000, 2'000};
constexpr int last_priority = 4'096;
constexpr std::size_t longest_description = 140;

/// Packets from one set of addresses to another.
struct Between {
  net::AddressSet from;
  net::AddressSet to;
};

/// By another of them, or empty. Of two that are equal, the second is.
bool is_covered(const std::vector<Between>& ways, std::size_t i) {
  if (ways[i].from.empty() || ways[i].to.empty()) return true;
  for (std::size_t j = 0; j < ways.size(); ++j) {
    if (j == i || !ways[j].from.contains(ways[i].from) || !ways[j].to.contains(ways[i].to))
      continue;
    const bool equal = ways[j].from == ways[i].from && ways[j].to == ways[i].to;
    if (!equal || j < i) return true;
  }
  return false;
}

class Legaliser {
 public:
  Legaliser(const flow::DevicePolicy& device, const Settings& settings, EmitContext& context,
            Document& document)
      : device_(device), settings_(settings), context_(context), document_(document) {
    if (device.cluster->servers != nullptr) servers_ = device.cluster->servers->set.addresses;
  }

  void add(const flow::Flow& flow);
  void finish();

 private:
  bool at_servers(const flow::Flow& flow, const Side& from, const Side& to);
  void report_services(const flow::Flow& flow, const Side& from, const Side& to,
                       const Parts& services);
  /// `flow` is null of what denies the rest.
  void add_rules(const flow::Flow* flow, Direction direction, Side from, Side to,
                 const Parts& services, const SecurityRule& like);
  void deny_rest();
  void add_between(const std::vector<const policy::NamedSet*>& from,
                   const std::vector<const policy::NamedSet*>& to,
                   std::vector<Between> (&out)[2]) const;
  void set_priorities();

  const flow::DevicePolicy& device_;
  const Settings& settings_;
  EmitContext& context_;
  Document& document_;
  net::AddressSet servers_;
  RuleParts parts_;
  std::vector<const policy::Rule*> logged_;
};

std::string description(const policy::Rule& rule) {
  std::string text = rule.address;
  const std::string& about = rule.title.empty() ? rule.origin.feature_title : rule.title;
  if (!about.empty()) text += ": " + about;
  if (rule.kind == Kind::exception && rule.expires)
    text += ". Expires: " + to_string(*rule.expires);
  return one_line(text, longest_description);
}

/// A group meets packets from and to the servers only.
bool Legaliser::at_servers(const flow::Flow& flow, const Side& from, const Side& to) {
  const auto has_others = [&](const Side& side) {
    return !side.tags.empty() || !servers_.contains(side.addresses);
  };
  if (!has_others(from) || !has_others(to)) return true;
  context_.cannot(flow, title, "traffic between others than the servers")
      .help("let the target see `servers <-> private`, or another flow with `servers` at one end");
  return false;
}

void Legaliser::report_services(const flow::Flow& flow, const Side& from, const Side& to,
                                const Parts& services) {
  const auto peers = [](const Side& side) {
    net::PeerSet out{side.addresses, {}};
    for (const std::string& tag : side.tags) {
      out.names = out.names | net::DomainSet(policy::NamedSet::tag_name(tag));
    }
    return out;
  };
  if (services.icmp_widened) {
    context_.widened(flow, title,
                     fmt::format("it knows all of ICMP only, and not {}",
                                 net::to_string(flow.service.only(net::protocol::icmp))),
                     {{{}, {}, "icmp"}},
                     {{Change::Kind::added,
                       {peers(from), peers(to), net::ServiceSet::whole(net::protocol::icmp)}}});
  }
  const auto may_be_ipv6 = [](const Side& side) {
    return !side.tags.empty() || side.addresses.has(net::Family::ipv6);
  };
  if (services.icmpv6_lost && may_be_ipv6(from) && may_be_ipv6(to)) {
    const net::ServiceSet icmpv6 = flow.service.only(net::protocol::icmpv6);
    context_.not_enforced(flow, title,
                          fmt::format("security rules do not know {}", net::to_string(icmpv6)),
                          {{Change::Kind::lost, {peers(from), peers(to), icmpv6}}});
  }
}

void Legaliser::add(const flow::Flow& flow) {
  const auto from = side_of(flow, true, context_);
  const auto to = from ? side_of(flow, false, context_) : std::nullopt;
  if (!to || !at_servers(flow, *from, *to)) return;
  const Parts services = parts_of(flow.service);
  if (!services.impossible.empty()) {
    context_.cannot(flow, title, net::to_string(services.impossible))
        .note("security rules know TCP, UDP, ICMP, ESP, AH, and every protocol at once");
    return;
  }
  report_services(flow, *from, *to, services);
  if (flow.rule->log) logged_.push_back(flow.rule);
  SecurityRule rule;
  rule.allow = flow.kind != Kind::deny;
  rule.identity = flow.id;
  add_rules(&flow, Direction::outbound, *from, *to, services, rule);
  add_rules(&flow, Direction::inbound, *from, *to, services, rule);
}

void Legaliser::add_rules(const flow::Flow* flow, Direction direction, Side from, Side to,
                          const Parts& services, const SecurityRule& like) {
  const bool out = direction == Direction::outbound;
  Side& own = out ? from : to;
  if (own.addresses != net::AddressSet::all()) own = {own.addresses & servers_, {}};
  for (const Part& part : services.parts) {
    for (const Alternative& source : alternatives(from)) {
      for (const Alternative& destination : alternatives(to)) {
        const auto family = source.family ? source.family : destination.family;
        if (source.family && destination.family && source.family != destination.family) continue;
        if (part.ipv4_only && family == net::Family::ipv6) continue;
        std::string suffix;
        if (services.parts.size() > 1) suffix += part.suffix;
        suffix += source.suffix;
        if (destination.suffix != source.suffix) suffix += destination.suffix;
        SecurityRule rule = like;
        std::string name = like.name;
        if (flow != nullptr) {
          rule.origin = &parts_.of(*flow, {part.service, family});
          rule.description = description(*rule.origin);
          name = arm::azure_name(part_id(*flow, *rule.origin));
        }
        rule.name = (out ? "out-" : "in-") + name + suffix;
        rule.identity += fmt::format("\n{}{}", out ? "out" : "in", suffix);
        rule.direction = direction;
        rule.protocol = part.protocol;
        rule.from = source.prefixes;
        rule.to = destination.prefixes;
        rule.ports = part.ports;
        document_.rules.push_back(std::move(rule));
      }
    }
  }
}

// ---- the rest --------------------------------------------------------------------------------

/// Azure's own default rules let everything within a virtual network and to the Internet pass.
void Legaliser::deny_rest() {
  const std::optional<sema::Flow>& sees = device_.view->sees;
  const Parts services = parts_of(sees ? sees->service : net::ServiceSet::any());
  if (!services.impossible.empty() || services.icmp_widened || services.icmpv6_lost) {
    context_.reporter()
        .report<Diag::bad_option>(device_.view->target->span, "deny", "default",
                                  "what the target sees has services that security rules cannot "
                                  "tell from others")
        .help("`default = \"azure\"` leaves what nothing allows to Azure's own rules");
    return;
  }
  const policy::NamedSet everyone{
      policy::NamedSet::Kind::any, "any", "", net::PeerSet::all(), {}, {}, {}, {}};
  const std::vector<const policy::NamedSet*> all{&everyone};
  std::vector<Between> between[2];
  add_between(sees ? sees->from.parts : all, sees ? sees->to.parts : all, between);
  if (sees && sees->both_ways) add_between(sees->to.parts, sees->from.parts, between);
  SecurityRule rule;
  rule.name = "deny-rest";
  rule.description =
      fmt::format("What no rule of cluster {} allows.", one_line(device_.cluster->name, 80));
  rule.allow = false;
  for (const Direction direction : {Direction::inbound, Direction::outbound}) {
    const auto& ways = between[static_cast<std::size_t>(direction)];
    for (std::size_t i = 0; i < ways.size(); ++i) {
      if (is_covered(ways, i)) continue;
      rule.identity =
          fmt::format("{}\n{}", net::to_string(ways[i].from), net::to_string(ways[i].to));
      add_rules(nullptr, direction, {ways[i].from, {}}, {ways[i].to, {}}, services, rule);
    }
  }
}

void Legaliser::add_between(const std::vector<const policy::NamedSet*>& from,
                            const std::vector<const policy::NamedSet*>& to,
                            std::vector<Between> (&out)[2]) const {
  const net::AddressSet sources = flow::peers(from).addresses;
  const net::AddressSet destinations = flow::peers(to).addresses;
  out[static_cast<std::size_t>(Direction::inbound)].push_back({sources, destinations & servers_});
  out[static_cast<std::size_t>(Direction::outbound)].push_back({sources & servers_, destinations});
}

// ---- in the end ------------------------------------------------------------------------------

void Legaliser::set_priorities() {
  std::set<int> taken[2];
  int last[2] = {last_priority, last_priority};
  bool room = true;
  for (SecurityRule& rule : document_.rules) {
    const auto direction = static_cast<std::size_t>(rule.direction);
    if (rule.origin == nullptr) {
      rule.priority = last[direction]--;
      continue;
    }
    const arm::PriorityRange& range = rule.origin->kind == Kind::exception
                                          ? exception_priorities
                                          : (rule.allow ? allow_priorities : deny_priorities);
    const auto priority = arm::free_priority(rule.name, range, taken[direction]);
    room = room && priority;
    rule.priority = priority.value_or(range.first);
  }
  if (!room) {
    context_.reporter().report<Diag::device_limit>(
        context_.place(nullptr), fmt::format("the group `{}`", document_.group), title,
        "900 exceptions, 1000 denies and 2000 allows have priorities of their own");
  }
}

void Legaliser::finish() {
  if (settings_.deny_rest) deny_rest();
  std::vector<arm::Claim> names;
  for (SecurityRule& rule : document_.rules) {
    rule.name = shortened(rule.name, arm::longest_name);
    names.push_back({&rule.name, rule.identity});
  }
  arm::tell_apart(names);
  // By name first, so that priorities do not depend on where a rule stood before.
  const auto by_name = [](const SecurityRule& a, const SecurityRule& b) { return a.name < b.name; };
  std::sort(document_.rules.begin(), document_.rules.end(), by_name);
  set_priorities();
  std::sort(document_.rules.begin(), document_.rules.end(),
            [](const SecurityRule& a, const SecurityRule& b) {
              return std::pair(a.direction, a.priority) < std::pair(b.direction, b.priority);
            });
  document_.parts = parts_.take();
  if (!logged_.empty()) {
    std::set<std::string> rules;
    for (const policy::Rule* rule : logged_) rules.insert("`" + rule->address + "`");
    const std::vector<std::string> texts(rules.begin(), rules.end());
    context_.note(title, fmt::format("what it logs are flow logs of the virtual network and not "
                                     "a rule's: {}",
                                     some_of(texts, 3)));
  }
}

}  // namespace

Document legalise(const flow::DevicePolicy& device, const Settings& settings,
                  EmitContext& context) {
  Document document;
  document.cluster = device.cluster->name;
  document.cloud = device.cluster->cloud;
  document.file = settings.cluster + ".azuredeploy";
  document.api_version = settings.api_version;
  document.group = settings.group;
  Legaliser legaliser(device, settings, context, document);
  for (const flow::Flow& flow : device.flows) legaliser.add(flow);
  legaliser.finish();
  return document;
}

}  // namespace hcipol::backends::azure_nsg
