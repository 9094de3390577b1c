// Each union is made once, however many rules have it.
#include "backends/palo_alto/rule_ends.h"

#include <algorithm>
#include <utility>

namespace hcipol::backends::palo_alto {

namespace {

Members sorted_once(Members list) {
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
  return list;
}

}  // namespace

void End::add(const Endpoint& endpoint) {
  any = any || endpoint.any;
  members.insert(members.end(), endpoint.members.begin(), endpoint.members.end());
  hosts.insert(hosts.end(), endpoint.hosts.begin(), endpoint.hosts.end());
  where.add(endpoint.where);
}

Members End::list() const {
  if (any) return {"any"};
  return sorted_once(members);
}

const Listed& RuleEnds::of(const Union& sets, Families both, NamesBy by) {
  const std::size_t kind =
      (both.v4 ? 1u : 0u) + (both.v6 ? 2u : 0u) + (by == NamesBy::url ? 4u : 0u);
  const auto [place, fresh] = known_[kind].try_emplace(sets);
  Listed& out = place->second;
  if (!fresh) return out;
  out.end.by = by;
  for (const sema::NamedSet* set : sets) {
    if (!(families(*set) & both).any()) continue;
    const Endpoint& endpoint = objects_.endpoint(*set, by);
    if (!endpoint.missing_tag.empty() || !endpoint.fault.empty()) {
      out.end.unusable.push_back(set);
      continue;
    }
    if (!endpoint.category.empty()) out.end.wildcards.push_back(set);
    if (endpoint.any || !endpoint.members.empty()) out.end.add(endpoint);
  }
  // `any` has said all that a name could add.
  out.end.hosts = out.end.any ? Members() : sorted_once(std::move(out.end.hosts));
  out.members = &lists_.emplace_back(out.end.list());
  out.zones = zones(out.end.where);
  return out;
}

const Members* RuleEnds::zones(const Where& where) {
  const auto [place, fresh] = zones_.try_emplace(where.members());
  if (fresh) place->second = &lists_.emplace_back(place->first);
  return place->second;
}

}  // namespace hcipol::backends::palo_alto
