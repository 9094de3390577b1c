// Small conveniences on flows.
#include "flow/flow.h"

namespace hcipol::flow {

net::PeerSet peers(const std::vector<const NamedSet*>& sets) {
  if (sets.size() == 1) return sets.front()->set;
  net::PeerSet all;
  std::vector<net::AddressRange> ranges;
  for (const NamedSet* set : sets) {
    const auto theirs = set->set.addresses.ranges();
    ranges.insert(ranges.end(), theirs.begin(), theirs.end());
    if (!set->set.names.empty()) all.names = all.names | set->set.names;
  }
  all.addresses = net::AddressSet::of(std::move(ranges));
  return all;
}

std::string names(const std::vector<const NamedSet*>& sets) {
  std::string out;
  for (const NamedSet* set : sets) {
    if (!out.empty()) out += ", ";
    out += set->name;
  }
  return out;
}

net::Box box(const Flow& flow) {
  return {peers(flow.from), peers(flow.to), flow.service};
}

StandInClass stand_in_class(const Flow& flow) {
  const bool dated = flow.kind == policy::Rule::Kind::exception;
  return {flow.kind, flow.rule->log, dated ? std::string_view(flow.rule->origin.feature) : ""};
}

}  // namespace hcipol::flow
