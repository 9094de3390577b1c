// A note names at most three rules: the terminal is no place for ten thousand.
#include "backends/azure_firewall/notes.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "support/text.h"

namespace hcipol::backends::azure_firewall {

namespace {

/// "`a`", "`a` and `b`", "`a`, `b`, `c` and 4 more": without repetitions.
template <class Items, class Text>
std::string some(const Items& items, Text text) {
  std::vector<std::string> all;
  for (const auto& item : items) {
    std::string name = fmt::format("`{}`", text(item));
    if (all.empty() || all.back() != name) all.push_back(std::move(name));
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  if (all.size() > 4) {
    const std::size_t more = all.size() - 3;
    all.resize(3);
    all.push_back(fmt::format("{} more", more));
  }
  return list_of(all);
}

std::string some_rules(const std::vector<const policy::Rule*>& rules) {
  return some(rules, [](const policy::Rule* rule) { return rule->address; });
}

}  // namespace

Notes::Notes(const policy::Cluster& cluster) {
  for (const policy::Site* site : cluster.sites) zones_.push_back(&site->set->set.addresses);
  if (zones_.empty() && cluster.servers != nullptr) {
    zones_.push_back(&cluster.servers->set.addresses);
  }
}

void Notes::addressed(const policy::Rule& rule, const net::AddressSet& from,
                      const net::AddressSet& to) {
  const bool within = std::any_of(zones_.begin(), zones_.end(), [&](const net::AddressSet* zone) {
    return zone->contains(from) && zone->contains(to);
  });
  if (within) within_a_zone_.push_back(&rule);
}

void Notes::web_by_name(const std::vector<const Ipv4*>& from) {
  by_name_.insert(from.begin(), from.end());
}

void Notes::web_by_address(const policy::Rule& rule, const std::vector<const Ipv4*>& from) {
  by_address_.push_back({&rule, from});
}

Notes::Rules Notes::deciding_instead() const {
  net::AddressSet by_name;
  for (const Ipv4* from : by_name_) by_name = by_name | from->addresses;
  Rules out;
  for (const WideRule& wide : by_address_) {
    const bool meets = std::any_of(wide.from.begin(), wide.from.end(), [&](const Ipv4* from) {
      return from->addresses.intersects(by_name);
    });
    if (meets) out.push_back(wide.rule);
  }
  return out;
}

void Notes::report_names(const Document& document, const Settings& settings,
                         EmitContext& context) const {
  if (network_names_.empty()) return;
  std::string text = fmt::format(
      "its network rules match host names by the addresses that it resolves itself, so the servers "
      "must resolve through it ({}): let their DNS forward to the firewall's private address",
      some_rules(network_names_));
  if (settings.mode == Mode::attach) {
    text += fmt::format("; {} must have the DNS proxy on and be of tier Standard or Premium",
                        document.policy.empty() ? "the policy" : "`" + document.policy + "`");
  }
  context.note(title, std::move(text));
}

void Notes::report(const Document& document, const Settings& settings, EmitContext& context) const {
  const auto note_rules = [&](const Rules& rules, std::string_view text) {
    if (!rules.empty()) context.note(title, fmt::format("{}: {}", text, some_rules(rules)));
  };
  if (document.groups.empty()) {
    context.note(title, fmt::format("no flow of cluster `{}` is what this firewall lets through",
                                    document.cluster));
  }
  note_rules(ipv6_, "it does not carry IPv6, so the IPv6 half of these is not let through");
  report_names(document, settings, context);
  note_rules(icmp_,
             "ICMP passes between private addresses only, because towards the Internet it is not "
             "translated");
  const auto itself = [](const std::string& tag) { return tag; };
  if (!unknown_tags_.empty()) {
    context.note(title, fmt::format("whether it takes the service tag {} is not documented",
                                    some(unknown_tags_, itself)));
  }
  if (!regional_arc_.empty()) {
    context.note(
        title,
        fmt::format("servers with Azure Arc need all of AzureArcInfrastructure, of which {} is a "
                    "part",
                    some(regional_arc_, itself)));
  }
  if (settings.threat_intel == "Deny") {
    context.note(
        title,
        "before any rule it drops traffic with addresses and names that Microsoft knows as "
        "malicious (threat_intel)");
  }
  note_rules(deciding_instead(),
             "network rules come before application rules, so the names in application rules "
             "decide nothing about the web traffic that these let through");
  note_rules(within_a_zone_,
             "servers of one site reach each other without it, unless what is between them is "
             "routed through it");
  note_rules(logged_,
             "what it logs is a diagnostic setting of the firewall (AZFWNetworkRule, "
             "AZFWApplicationRule) and not of a rule");
}

}  // namespace hcipol::backends::azure_firewall
