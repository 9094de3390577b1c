// Most rules carry no others, which is told without work.
#include "backends/common/rule_parts.h"

#include <algorithm>

#include "backends/common/carried_rules.h"
#include "flow/optimise.h"

namespace hcipol::backends {

using policy::Rule;

RuleParts::RuleParts() = default;
RuleParts::~RuleParts() = default;

const Rule& RuleParts::of(const flow::Flow& flow, const FlowPart& part) {
  const Rule& whole = *flow.rule;
  if (whole.carries.empty()) return whole;
  std::unique_ptr<CarriedRules>& rules = carried_[&whole];
  if (rules == nullptr) rules = std::make_unique<CarriedRules>(whole);
  const std::vector<const Rule*> carried =
      rules->in(part.from.empty() ? flow.from : part.from, part.to.empty() ? flow.to : part.to,
                flow.service & part.service, part.family);
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
