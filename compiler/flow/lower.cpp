// A flow that can never match is left out here once, so that no backend meets an empty rule.
#include "flow/lower.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace hcipol::flow {

namespace {

struct Families {
  bool ipv4 = false;
  bool ipv6 = false;
  bool names = false;

  void add(const NamedSet& set) {
    ipv4 = ipv4 || set.set.addresses.has(net::Family::ipv4);
    ipv6 = ipv6 || set.set.addresses.has(net::Family::ipv6);
    names = names || !set.set.names.empty();
  }
  void add(const Families& other) {
    ipv4 = ipv4 || other.ipv4;
    ipv6 = ipv6 || other.ipv6;
    names = names || other.names;
  }
};

std::optional<std::string_view> fault(const Families& source, const Families& destination,
                                      const net::ServiceSet& service) {
  const bool ipv4 = (source.ipv4 || source.names) && (destination.ipv4 || destination.names);
  const bool ipv6 = (source.ipv6 || source.names) && (destination.ipv6 || destination.names);
  if (!ipv4 && !ipv6) return "its two sides have no address family in common";
  if (!ipv4 && service.is_within(net::protocol::icmp))
    return "`icmp` is for IPv4, and one side has only IPv6 addresses";
  if (!ipv6 && service.is_within(net::protocol::icmpv6))
    return "`icmpv6` is for IPv6, and one side has only IPv4 addresses";
  return std::nullopt;
}

class Lowering {
 public:
  explicit Lowering(const policy::Cluster& cluster) : cluster_(cluster) {}

  std::vector<Flow> run() {
    // A large policy has as many flows as rules, and room for twice as many is much memory.
    std::size_t most = 0;
    for (const policy::Rule& rule : cluster_.rules) most += rule.both_ways ? 2 : 1;
    flows_.reserve(most);
    for (const policy::Rule& rule : cluster_.rules) {
      add(rule, rule.from.parts, rule.to.parts);
      if (rule.both_ways && rule.from.parts != rule.to.parts) {
        add(rule, rule.to.parts, rule.from.parts);
      }
    }
    name_flows(flows_);
    return std::move(flows_);
  }

 private:
  void add(const policy::Rule& rule, const std::vector<const NamedSet*>& from,
           const std::vector<const NamedSet*>& to) {
    if (fault(families(from), families(to), rule.service)) return;
    flows_.push_back({rule.kind, from, to, rule.service, &rule, {}});
  }

  Families families(const std::vector<const NamedSet*>& sets) {
    Families all;
    for (const NamedSet* set : sets) {
      auto [known, added] = families_.try_emplace(set);
      if (added) known->second.add(*set);
      all.add(known->second);
    }
    return all;
  }

  const policy::Cluster& cluster_;
  std::vector<Flow> flows_;
  std::unordered_map<const NamedSet*, Families> families_;
};

// Of the two directions of a rule the optimiser may have joined one with others; both still go by
// the rule's address.
using AddressCounts = std::unordered_map<std::string_view, unsigned>;

/// What was named once comes back in this order, and then nothing has to be counted.
bool have_ascending_addresses(const std::vector<Flow>& flows) {
  return std::adjacent_find(flows.begin(), flows.end(), [](const Flow& a, const Flow& b) {
           return a.kind != b.kind || a.rule->address >= b.rule->address;
         }) == flows.end();
}

AddressCounts counts(const std::vector<Flow>& flows) {
  AddressCounts out(flows.size());
  for (const Flow& flow : flows) ++out[flow.rule->address];
  return out;
}

/// Of flows that are alike, the address included, the first that stands for the most rules remains.
void drop_repetitions(std::vector<Flow>& flows, const AddressCounts& count) {
  using Sets = std::vector<const NamedSet*>;
  using Content = std::tuple<std::string_view, policy::Rule::Kind, const Sets&, const Sets&,
                             const net::ServiceSet&>;
  std::map<Content, std::size_t> known;
  std::vector<bool> repeats(flows.size());
  for (std::size_t i = 0; i < flows.size(); ++i) {
    const Flow& flow = flows[i];
    if (count.at(flow.rule->address) == 1) continue;
    const auto [place, fresh] = known.try_emplace(
        Content(flow.rule->address, flow.kind, flow.from, flow.to, flow.service), i);
    if (fresh) continue;
    const bool stands_for_more =
        flow.rule->carries.size() > flows[place->second].rule->carries.size();
    repeats[stands_for_more ? place->second : i] = true;
    if (stands_for_more) place->second = i;
  }
  std::size_t kept = 0;
  for (std::size_t i = 0; i < flows.size(); ++i) {
    if (repeats[i]) continue;
    if (kept != i) flows[kept] = std::move(flows[i]);
    ++kept;
  }
  flows.erase(flows.begin() + static_cast<std::ptrdiff_t>(kept), flows.end());
}

/// What two joined flows of one rule may have in common is all but what they are for.
void add_services(std::vector<Flow>& flows, const AddressCounts& count) {
  std::map<std::pair<policy::Rule::Kind, std::string>, std::vector<Flow*>> alike;
  for (Flow& flow : flows) {
    if (count.at(flow.rule->address) > 1) alike[{flow.kind, flow.id}].push_back(&flow);
  }
  for (const auto& [key, all] : alike) {
    if (all.size() == 1) continue;
    for (Flow* flow : all) {
      flow->id.insert(flow->id.size() - 1, " on " + net::to_string(flow->service));
    }
  }
}

int rank(policy::Rule::Kind kind) {
  switch (kind) {
    case policy::Rule::Kind::exception: return 0;
    case policy::Rule::Kind::deny: return 1;
    case policy::Rule::Kind::allow: break;
  }
  return 2;
}

}  // namespace

std::vector<Flow> lower(const policy::Cluster& cluster) {
  return Lowering(cluster).run();
}

std::optional<std::string> impossible(const policy::Rule& rule) {
  Families from, to;
  for (const NamedSet* set : rule.from.parts) from.add(*set);
  for (const NamedSet* set : rule.to.parts) to.add(*set);
  const auto why = fault(from, to, rule.service);
  return why ? std::optional(std::string(*why)) : std::nullopt;
}

void name_flows(std::vector<Flow>& flows) {
  if (have_ascending_addresses(flows)) {
    for (Flow& flow : flows) flow.id = flow.rule->address;
    return;
  }
  AddressCounts count = counts(flows);
  if (count.size() < flows.size()) {
    const std::size_t before = flows.size();
    drop_repetitions(flows, count);
    if (flows.size() < before) count = counts(flows);
  }
  for (Flow& flow : flows) {
    const bool alone = count.size() == flows.size() || count.at(flow.rule->address) == 1;
    flow.id =
        alone ? flow.rule->address
              : fmt::format("{} ({} -> {})", flow.rule->address, names(flow.from), names(flow.to));
  }
  if (count.size() < flows.size()) add_services(flows, count);
  const auto by_kind_and_id = [](const Flow& a, const Flow& b) {
    const int left = rank(a.kind), right = rank(b.kind);
    return left != right ? left < right : a.id < b.id;
  };
  // A device's share of sorted flows is sorted.
  if (std::is_sorted(flows.begin(), flows.end(), by_kind_and_id)) return;
  std::stable_sort(flows.begin(), flows.end(), by_kind_and_id);
}

}  // namespace hcipol::flow
