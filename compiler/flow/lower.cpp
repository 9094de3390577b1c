// Why a flow can never match is said here once, so that no backend meets an empty rule.
#include "flow/lower.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

namespace hcipol::flow {

namespace {

struct Families {
  bool ipv4 = false;
  bool ipv6 = false;
  bool names = false;
};

class Lowering {
 public:
  Lowering(const policy::Cluster& cluster, Reporter& reporter)
      : cluster_(cluster), reporter_(reporter) {}

  std::vector<Flow> run() {
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
    if (const auto why = impossible(from, to, rule.service)) {
      reporter_.report<Diag::never_applies>(rule.origin.span, rule.address, *why);
      return;
    }
    flows_.push_back({rule.kind, from, to, rule.service, &rule, {}});
  }

  std::optional<std::string> impossible(const std::vector<const NamedSet*>& from,
                                        const std::vector<const NamedSet*>& to,
                                        const net::ServiceSet& service) {
    const Families source = families(from);
    const Families destination = families(to);
    const bool ipv4 = (source.ipv4 || source.names) && (destination.ipv4 || destination.names);
    const bool ipv6 = (source.ipv6 || source.names) && (destination.ipv6 || destination.names);
    if (!ipv4 && !ipv6) return "its two sides have no address family in common";
    const auto protocols = service.protocols();
    const bool only_icmp = protocols.size() == 1 && protocols[0] == net::protocol::icmp;
    const bool only_icmpv6 = protocols.size() == 1 && protocols[0] == net::protocol::icmpv6;
    if (only_icmp && !ipv4) return "`icmp` is for IPv4, and one side has only IPv6 addresses";
    if (only_icmpv6 && !ipv6) return "`icmpv6` is for IPv6, and one side has only IPv4 addresses";
    return std::nullopt;
  }

  Families families(const std::vector<const NamedSet*>& sets) {
    Families all;
    for (const NamedSet* set : sets) {
      auto [known, added] = families_.try_emplace(set);
      if (added) {
        known->second = {set->set.addresses.has(net::Family::ipv4),
                         set->set.addresses.has(net::Family::ipv6), !set->set.names.empty()};
      }
      all.ipv4 = all.ipv4 || known->second.ipv4;
      all.ipv6 = all.ipv6 || known->second.ipv6;
      all.names = all.names || known->second.names;
    }
    return all;
  }

  const policy::Cluster& cluster_;
  Reporter& reporter_;
  std::vector<Flow> flows_;
  std::unordered_map<const NamedSet*, Families> families_;
};

int rank(policy::Rule::Kind kind) {
  switch (kind) {
    case policy::Rule::Kind::exception: return 0;
    case policy::Rule::Kind::deny: return 1;
    case policy::Rule::Kind::allow: break;
  }
  return 2;
}

}  // namespace

std::vector<Flow> lower(const policy::Cluster& cluster, Reporter& reporter) {
  return Lowering(cluster, reporter).run();
}

void name_flows(std::vector<Flow>& flows) {
  std::unordered_map<const policy::Rule*, unsigned> count;
  for (const Flow& flow : flows) ++count[flow.rule];
  for (Flow& flow : flows) {
    flow.id = count[flow.rule] == 1 ? flow.rule->address
                                    : fmt::format("{} ({} -> {})", flow.rule->address,
                                                  names(flow.from), names(flow.to));
  }
  std::stable_sort(flows.begin(), flows.end(), [](const Flow& a, const Flow& b) {
    const int left = rank(a.kind), right = rank(b.kind);
    return left != right ? left < right : a.id < b.id;
  });
}

}  // namespace hcipol::flow
