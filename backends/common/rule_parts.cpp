// Most rules carry no others, and most parts have packets of all: both are told without work.
#include "backends/common/rule_parts.h"

#include <algorithm>
#include <iterator>

#include "flow/optimise.h"

namespace hcipol::backends {

namespace {

using policy::Rule;

bool has(const policy::Peers& peers, net::Family family) {
  return std::any_of(peers.parts.begin(), peers.parts.end(), [&](const policy::NamedSet* set) {
    return set->has_names() || set->is_tag_only() || set->set.addresses.has(family);
  });
}

bool has_packets(const Rule& rule, const flow::Flow& flow, const FlowPart& part) {
  // Through a proxy, a rule's packets ask for the proxy's service instead.
  const bool direct = rule.service.intersects(flow.service);
  if (direct && !rule.service.intersects(part.service)) return false;
  return !part.family || (has(rule.from, *part.family) && has(rule.to, *part.family));
}

}  // namespace

const Rule& RuleParts::of(const flow::Flow& flow, const FlowPart& part) {
  const Rule& whole = *flow.rule;
  if (whole.carries.empty()) return whole;
  std::vector<const Rule*> carried;
  std::copy_if(whole.carries.begin(), whole.carries.end(), std::back_inserter(carried),
               [&](const Rule* rule) { return has_packets(*rule, flow, part); });
  if (carried.empty() || carried.size() == whole.carries.size()) return whole;
  if (carried.size() == 1) return *carried.front();
  const auto [place, fresh] = known_.try_emplace({&whole, carried}, nullptr);
  if (fresh) {
    // By a rule of the feature that the whole is of, as the whole is.
    const auto near = std::find_if(carried.begin(), carried.end(), [&](const Rule* rule) {
      return rule->origin.module == whole.origin.module &&
             rule->origin.feature == whole.origin.feature;
    });
    const Rule& first = near == carried.end() ? *carried.front() : **near;
    place->second = &made_.emplace_back(flow::carrier(first, carried));
  }
  return *place->second;
}

std::string part_id(const flow::Flow& flow, const Rule& part) {
  const std::string& address = flow.rule->address;
  if (part.address == address || !flow.id.starts_with(address)) return flow.id;
  return part.address + flow.id.substr(address.size());
}

}  // namespace hcipol::backends
