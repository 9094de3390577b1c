// Rules that devices do not see, or do not read as they are meant.
#include <fmt/format.h>

#include <algorithm>

#include "flow/effective.h"
#include "verify/lints_passes.h"

namespace hcipol::verify {

namespace {

using Kind = policy::Rule::Kind;

void find_unseen(const Subject& subject, std::vector<Hit>& hits) {
  const policy::Policy& policy = subject.input.policy;
  const bool says_targets =
      std::any_of(policy.targets.begin(), policy.targets.end(),
                  [](const policy::Target& target) { return target.span.file != FileId::no_file; });
  if (!says_targets) return;
  std::vector<bool> seen(subject.flows.size());
  for (std::size_t t = 0; t < policy.targets.size(); ++t) {
    const bool host = subject.input.devices[t].host;
    const net::PeerSet& servers = subject.cluster.servers->set;
    for (const net::Box& view : flow::seen_by(policy.views[subject.index][t])) {
      for (std::size_t i = 0; i < seen.size(); ++i) {
        const net::Box& box = subject.boxes[i];
        if (seen[i] || !box.service.intersects(view.service)) continue;
        if (host) {
          const net::Box part = box & view;
          seen[i] =
              !is_empty(part) && (part.from.intersects(servers) || part.to.intersects(servers));
        } else {
          seen[i] = box.from.intersects(view.from) && box.to.intersects(view.to);
        }
      }
    }
  }
  for (std::size_t i = 0; i < subject.rules.size(); ++i) {
    const auto& flows = subject.rules[i].flows;
    const bool unseen =
        std::none_of(flows.begin(), flows.end(), [&](std::size_t f) { return seen[f]; });
    if (flows.empty() || !unseen) continue;
    Hit& hit = hits.emplace_back();
    hit.lint = Diag::seen_by_no_target;
    hit.rule = i;
    hit.message = message<Diag::seen_by_no_target>("rule `" + subject.rules[i].address + "`");
    hit.help = "what no target sees is built for no device: see `sees` of the `target` blocks";
  }
}

// ---- addresses before names

/// What a device sees of a flow, with the flow.
struct Part {
  std::size_t flow = 0;
  net::Box box;
};

bool has_host_names(const flow::Flow& flow) {
  return std::any_of(flow.to.begin(), flow.to.end(),
                     [](const flow::NamedSet* set) { return set->has_names(); });
}

// A rule by addresses decides for certain where a name leads only if it has every address that the
// device takes for the Internet.
void find_dead_names(const Subject& subject, const policy::TargetView& view,
                     std::vector<Hit>& hits) {
  static const net::AddressSet internet = net::internet_addresses().only(net::Family::ipv4);
  for (const net::Box& seen : flow::seen_by(view)) {
    const net::AddressSet world = seen.to.addresses & internet;
    if (world.empty()) continue;
    std::vector<Part> wide, named;
    for (std::size_t i = 0; i < subject.flows.size(); ++i) {
      const flow::Flow& flow = subject.flows[i];
      if (flow.kind == Kind::deny || !flow.service.intersects(net::web_services())) continue;
      net::Box part = subject.boxes[i] & seen;
      if (is_empty(part)) continue;
      if (part.to.addresses.contains(world)) {
        wide.push_back({i, std::move(part)});
      } else if (has_host_names(flow)) {
        part.service = part.service & net::web_services();
        named.push_back({i, std::move(part)});
      }
    }
    for (const Part& first : wide) {
      std::vector<std::string> dead;
      Hit hit;
      for (const Part& second : named) {
        const bool decided = first.box.from.contains(second.box.from) &&
                             first.box.service.contains(second.box.service);
        if (!decided) continue;
        const WrittenRule& rule = subject.rules[subject.rule_of[second.flow]];
        dead.push_back(rule.address);
        hit.labels.push_back({rule.rule->origin.span, "its names are never looked at"});
      }
      if (dead.empty()) continue;
      std::sort(dead.begin(), dead.end());
      dead.erase(std::unique(dead.begin(), dead.end()), dead.end());
      hit.lint = Diag::dead_name_rules;
      hit.rule = subject.rule_of[first.flow];
      hit.detail = quoted(dead);
      hit.message = message<Diag::dead_name_rules>("rule `" + subject.rules[hit.rule].address + "`",
                                                   hit.detail);
      hit.note =
          "Azure Firewall reads rules by address before rules by name, whatever their priority";
      hit.help = "name the destinations, or remove the rules with names, which open nothing more";
      hits.push_back(std::move(hit));
    }
  }
}

}  // namespace

void find_rules_lost_on_devices(const Subject& subject, std::vector<Hit>& hits) {
  find_unseen(subject, hits);
  const auto& views = subject.input.policy.views[subject.index];
  for (std::size_t t = 0; t < views.size(); ++t) {
    if (subject.input.devices[t].addresses_first) find_dead_names(subject, views[t], hits);
  }
}

}  // namespace hcipol::verify
