// Small conveniences on flows.
#include "flow/flow.h"

namespace hcipol::flow {

net::PeerSet peers(const std::vector<const NamedSet*>& sets) {
  return sema::union_of(sets);
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
