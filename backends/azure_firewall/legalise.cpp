// A network rule of Azure Firewall knows IPv4 addresses, service tags and whole names; an
// application rule knows names and patterns, but only for HTTP and HTTPS. Each flow is divided
// accordingly.
#include "backends/azure_firewall/legalise.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "backends/azure_firewall/limits.h"
#include "backends/azure_firewall/notes.h"
#include "backends/azure_firewall/peers.h"
#include "backends/azure_firewall/rule_groups.h"
#include "backends/azure_firewall/service_tags.h"
#include "backends/azure_firewall/services.h"
#include "backends/azure_firewall/sides.h"
#include "backends/common/arm/naming.h"
#include "backends/common/names.h"
#include "backends/common/rule_parts.h"
#include "backends/common/stand_ins.h"
#include "support/bug.h"
#include "support/text.h"

namespace hcipol::backends::azure_firewall {

namespace {

/// Longer lists of destinations become IP groups: each counts once in the 20,000 pairs, and a rule
/// stays readable.
constexpr std::size_t longest_literal_list = 16;
/// From a /8 on, destinations are so many that they may well hold what application rules name.
constexpr std::uint64_t wide_destinations = std::uint64_t{1} << 24;
constexpr std::size_t longest_description = 512;

using Flow = flow::Flow;

struct Draft {
  std::string suffix;  ///< of the rule's name, when the flow makes several rules
  net::ServiceSet service;
  std::variant<ApplicationMatch, NetworkMatch> match;
};

class Legaliser {
 public:
  Legaliser(const policy::Cluster& cluster, const Settings& settings, EmitContext& context,
            Document& document)
      : settings_(settings),
        context_(context),
        document_(document),
        peers_(document),
        notes_(cluster),
        sides_(peers_, notes_, context) {}

  void count_pairs(const std::vector<Flow>& flows);
  void add(const Flow& flow);
  void finish();

 private:
  void add_named(const Flow& flow, const Sources& from, const Destinations& to,
                 const net::ServiceSet& service);
  void add_network_names(const Flow& flow, const Sources& from, const std::vector<Peer*>& named,
                         const net::ServiceSet& service);
  std::string why_no_network_names(const Peer& peer, const Layer4Services& services) const;
  bool by_other_means(const Flow& flow, const Sources& from, Peer& peer,
                      const net::ServiceSet& service, Destinations& out);
  void add_addressed(const Flow& flow, const Sources& from, const Destinations& to,
                     const net::ServiceSet& service, const std::string& suffix);
  std::vector<std::pair<Addresses, std::string>> address_lists(const Destinations& to);
  void note_addressed(const Flow& flow, const Sources& from, const Destinations& to,
                      const net::ServiceSet& service);

  void ipv6_only(const Flow& flow);
  Addresses source_list(const Sources& from);
  void place(const Flow& flow, const Sources& from);

  const Settings& settings_;
  EmitContext& context_;
  Document& document_;
  PeerTable peers_;
  Notes notes_;
  SideReader sides_;
  RuleGroups groups_;
  RuleParts parts_;
  std::size_t longest_list_ = longest_literal_list;
  std::vector<Draft> drafts_;  ///< of the flow at hand
};

std::string description(const policy::Rule& rule) {
  std::string text = rule.address;
  const std::string& about = rule.title.empty() ? rule.origin.feature_title : rule.title;
  if (!about.empty()) text += ": " + about;
  if (rule.kind == policy::Rule::Kind::exception) {
    if (!rule.owner.empty()) text += ". Owner: " + rule.owner;
    if (rule.expires) text += ". Expires: " + to_string(*rule.expires);
    if (!rule.reason.empty()) text += ". Reason: " + rule.reason;
  }
  if (!rule.origin.source.empty()) text += ". Source: " + rule.origin.source;
  return one_line(text, longest_description);
}

// ---- destinations by name --------------------------------------------------------------------

void Legaliser::add_named(const Flow& flow, const Sources& from, const Destinations& to,
                          const net::ServiceSet& service) {
  if (to.named.empty()) return;
  const std::vector<ApplicationProtocol> web = web_protocols(service);
  if (!web.empty()) {
    drafts_.push_back({"", service_of(web), ApplicationMatch{web, merged_names(to.named)}});
    notes_.web_by_name(from.ipv4);
  }
  const net::ServiceSet rest = service - service_of(web);
  if (!rest.empty()) add_network_names(flow, from, to.named, rest);
}

/// Empty if a network rule can match the peer's names.
std::string Legaliser::why_no_network_names(const Peer& peer,
                                            const Layer4Services& services) const {
  if (peer.has_wildcards) {
    return "patterns are matched for HTTP on port 80 and HTTPS on port 443 only; network rules "
           "take "
           "whole names";
  }
  const auto is_tcp_or_udp = [](const Layer4& part) {
    return part.protocols.front() == "TCP" || part.protocols.front() == "UDP";
  };
  if (!services.impossible.empty() ||
      !std::all_of(services.parts.begin(), services.parts.end(), is_tcp_or_udp)) {
    return "names are matched for TCP and UDP only";
  }
  if (settings_.basic()) return "tier Basic has no host names in network rules";
  if (settings_.dns_proxy.has_value() && !*settings_.dns_proxy) {
    return "host names in network rules need the DNS proxy, which `dns_proxy = false` turns off";
  }
  return {};
}

/// What else the endpoint says of itself, the most exact first: addresses, its service tag, the
/// addresses behind the tag.
bool Legaliser::by_other_means(const Flow& flow, const Sources& from, Peer& peer,
                               const net::ServiceSet& service, Destinations& out) {
  const std::string& tag = peer.set->tag;
  const bool by_tag = peer.instead_is_tag && arm::is_tag(tag) && tag_use(tag) != TagUse::no;
  if (!by_tag && peer.instead.empty()) return false;
  net::PeerSet instead{peer.instead.addresses, {}};
  if (by_tag) instead = {{}, net::DomainSet(policy::NamedSet::tag_name(tag))};
  const net::PeerSet sources{addresses_of(from.ipv4), {}};
  context_.widened(
      flow, title,
      fmt::format("`{}` on {} is matched by {}, since {}", peer.set->name, net::to_string(service),
                  by_tag ? "the service tag `" + tag + "`" : "addresses",
                  why_no_network_names(peer, layer4(service))),
      {{{}, stand_ins(*peer.set), net::to_string(service)}},
      {{Change::Kind::added, {sources, instead, service}},
       {Change::Kind::lost, {flow::peers(flow.from), {{}, peer.set->set.names}, service}}});
  if (by_tag) return sides_.add_tag(flow, peer, tag, out);
  out.addresses.push_back({peer.set, &peer.instead});
  return true;
}

void Legaliser::add_network_names(const Flow& flow, const Sources& from,
                                  const std::vector<Peer*>& named, const net::ServiceSet& service) {
  const Layer4Services services = layer4(service);
  std::vector<Peer*> whole_names;
  Destinations others;
  for (Peer* peer : named) {
    const std::string why = why_no_network_names(*peer, services);
    if (why.empty()) {
      whole_names.push_back(peer);
    } else if (!by_other_means(flow, from, *peer, service, others)) {
      context_
          .cannot(flow, title, fmt::format("`{}` on {}", peer->set->name, net::to_string(service)))
          .note(why);
    }
  }
  if (!whole_names.empty()) {
    const std::vector<std::string> fqdns = merged_names(whole_names);
    for (const Layer4& part : services.parts) {
      drafts_.push_back({fmt::format("{}-names", part.suffix), service_of(part, service),
                         NetworkMatch{part.protocols, {}, fqdns, part.ports}});
    }
    notes_.network_names(*flow.rule);
  }
  if (!others.empty()) add_addressed(flow, from, others, service, "-endpoint");
}

// ---- destinations by address -----------------------------------------------------------------

/// One list, or two where service tags cannot stand beside IP groups; each with a suffix for names.
std::vector<std::pair<Addresses, std::string>> Legaliser::address_lists(const Destinations& to) {
  std::vector<std::pair<Addresses, std::string>> out;
  if (holds_everything(to.addresses)) return {{{{"*"}, {}}, ""}};
  std::size_t entries = 0;
  for (const AddressPart& part : to.addresses) entries += part.ipv4->entries.size();
  if (settings_.ip_groups && entries > longest_list_) {
    out.push_back({{{}, groups_of(to.addresses, peers_)}, ""});
    if (!to.tags.empty()) out.push_back({{to.tags, {}}, "-tags"});
    return out;
  }
  Addresses list;
  if (!to.addresses.empty()) list.literals = literals(to.addresses);
  list.literals.insert(list.literals.end(), to.tags.begin(), to.tags.end());
  out.push_back({std::move(list), ""});
  return out;
}

void Legaliser::add_addressed(const Flow& flow, const Sources& from, const Destinations& to,
                              const net::ServiceSet& service, const std::string& suffix) {
  if (to.addresses.empty() && to.tags.empty()) return;
  const Layer4Services services = layer4(service);
  if (!services.impossible.empty()) {
    context_.cannot(flow, title, net::to_string(services.impossible))
        .note("network rules know TCP, UDP, ICMP, and every protocol at once");
    return;
  }
  if (services.icmp_widened) {
    net::PeerSet destinations;
    for (const AddressPart& part : to.addresses) {
      destinations.addresses = destinations.addresses | part.ipv4->addresses;
    }
    for (const std::string& tag : to.tags) {
      destinations.names = destinations.names | net::DomainSet(policy::NamedSet::tag_name(tag));
    }
    context_.widened(flow, title,
                     fmt::format("it lets all of ICMP through, not only {}",
                                 net::to_string(service.only(net::protocol::icmp))),
                     {{{}, {}, "icmp"}},
                     {{Change::Kind::added,
                       {{addresses_of(from.ipv4), {}},
                        destinations,
                        net::ServiceSet::whole(net::protocol::icmp)}}});
  }
  const auto lists = address_lists(to);
  for (const Layer4& part : services.parts) {
    for (const auto& [list, kind] : lists) {
      drafts_.push_back({fmt::format("{}{}{}", part.suffix, suffix, kind),
                         service_of(part, service),
                         NetworkMatch{part.protocols, list, {}, part.ports}});
    }
  }
  note_addressed(flow, from, to, service);
}

void Legaliser::note_addressed(const Flow& flow, const Sources& from, const Destinations& to,
                               const net::ServiceSet& service) {
  const auto any_of = [&](auto test) {
    return std::any_of(to.addresses.begin(), to.addresses.end(), test);
  };
  if (to.tags.empty()) {
    net::AddressSet destinations;
    for (const AddressPart& part : to.addresses) {
      destinations = destinations | part.ipv4->addresses;
    }
    notes_.addressed(*flow.rule, addresses_of(from.ipv4), destinations);
  }
  const bool icmp = !service.only(net::protocol::icmp).empty() && !service.is_any();
  if (icmp && (!to.tags.empty() || any_of([](const AddressPart& part) {
        return part.ipv4->addresses.intersects(net::internet_addresses());
      }))) {
    notes_.icmp_to_internet(*flow.rule);
  }
  if (!service.intersects(net::web_services())) return;
  // Where the policy allows every name as well, an application rule is merely not needed.
  const bool wide = any_of([](const AddressPart& part) {
    return !part.set->set.names.others() && size_of(part.ipv4->addresses) >= wide_destinations;
  });
  if (wide || !to.tags.empty()) notes_.web_by_address(*flow.rule, from.ipv4);
}

/// Where literals would make too many pairs, every list of destinations becomes IP groups.
void Legaliser::count_pairs(const std::vector<Flow>& flows) {
  if (!settings_.ip_groups) return;
  std::size_t pairs = 0;
  for (const Flow& flow : flows) {
    std::size_t entries = 0;
    std::size_t tags = 0;
    for (const policy::NamedSet* set : flow.to) {
      const Peer& peer = peers_.of(*set);
      entries += peer.ipv4.entries.size();
      tags += peer.tags.size();
    }
    if (entries > longest_literal_list) entries = flow.to.size();
    const std::size_t parts = layer4(without_icmpv6(flow.service)).parts.size();
    pairs += flow.from.size() * (entries + tags) * parts;
  }
  if (pairs > most_pairs) longest_list_ = 1;
}

// ---- flows -----------------------------------------------------------------------------------

/// An error if the rule means IPv6 alone; what is left of a rule for both families is only noted.
void Legaliser::ipv6_only(const Flow& flow) {
  const auto has_ipv4 = [](const policy::Peers& side) {
    return std::any_of(side.parts.begin(), side.parts.end(), [](const policy::NamedSet* set) {
      return set->set.addresses.has(net::Family::ipv4) || !set->set.names.empty();
    });
  };
  const policy::Rule& rule = *flow.rule;
  if (has_ipv4(rule.from) && has_ipv4(rule.to) && !without_icmpv6(rule.service).empty()) {
    notes_.lost_ipv6(rule);
    return;
  }
  context_.cannot(flow, title, fmt::format("IPv6 (`{}`)", flow.id))
      .note("Azure Firewall carries IPv4 only")
      .help("leave this flow out of what the target `sees`");
}

Addresses Legaliser::source_list(const Sources& from) {
  if (holds_everything(from.parts)) return {{"*"}, {}};
  if (settings_.ip_groups) return {{}, groups_of(from.parts, peers_)};
  return {literals(from.parts), {}};
}

void Legaliser::place(const Flow& flow, const Sources& from) {
  if (drafts_.empty()) return;
  const Addresses sources = source_list(from);
  for (Draft& draft : drafts_) {
    const policy::Rule& origin = parts_.of(flow, {draft.service, net::Family::ipv4});
    const std::string base = arm::azure_name(part_id(flow, origin));
    Rule rule;
    rule.name = shortened(drafts_.size() == 1 ? base : base + draft.suffix, arm::longest_name);
    rule.description = description(origin);
    rule.from = sources;
    rule.match = std::move(draft.match);
    rule.identity = flow.id + draft.suffix;
    rule.origin = &origin;
    groups_.add(flow, std::move(rule));
  }
  drafts_.clear();
}

void Legaliser::add(const Flow& flow) {
  if (flow.kind == policy::Rule::Kind::deny) bug("a deny for Azure Firewall, which takes none");
  const auto from = sides_.sources_of(flow);
  const auto to = from ? sides_.destinations_of(flow) : std::nullopt;
  if (!to) return;
  const net::ServiceSet service = without_icmpv6(flow.service);
  if (from->parts.empty() || to->empty() || service.empty()) return ipv6_only(flow);

  const bool both_ipv6 = from->ipv6 && (to->ipv6 || !to->named.empty());
  const bool only_icmp = (service - net::ServiceSet::whole(net::protocol::icmp)).empty();
  const bool also_icmpv6 = !(flow.service & net::ServiceSet::whole(net::protocol::icmpv6)).empty();
  if (both_ipv6 && (!only_icmp || also_icmpv6)) notes_.lost_ipv6(*flow.rule);
  if (flow.rule->log) notes_.logged(*flow.rule);
  add_named(flow, *from, *to, service);
  add_addressed(flow, *from, *to, service, "");
  place(flow, *from);
}

void Legaliser::finish() {
  peers_.name_groups(settings_.cluster);
  groups_.finish(settings_, document_);
  document_.dns_proxy = settings_.dns_proxy.value_or(notes_.any_network_names());
  notes_.report(document_, settings_, context_);
  document_.parts = parts_.take();
}

}  // namespace

Document legalise(const flow::DevicePolicy& device, const Settings& settings,
                  EmitContext& context) {
  Document document;
  document.mode = settings.mode;
  document.cluster = device.cluster->name;
  document.cloud = device.cluster->cloud;
  document.format = settings.format;
  document.several_templates = settings.several_templates;
  document.file =
      settings.cluster + (settings.format == Format::rcg_json ? ".rcg" : ".azuredeploy");
  document.api_version = settings.api_version;
  document.policy = settings.policy;
  document.base_policy = settings.base_policy;
  document.tier = settings.tier;
  document.threat_intel = settings.threat_intel;
  document.dns_servers = settings.dns_servers;
  Legaliser legaliser(*device.cluster, settings, context, document);
  legaliser.count_pairs(device.flows);
  for (const flow::Flow& flow : device.flows) legaliser.add(flow);
  legaliser.finish();
  return document;
}

}  // namespace hcipol::backends::azure_firewall
