// The names of the others' rules hold what no name of a rule can.
#include "backends/palo_alto/read_candidate.h"

#include <algorithm>
#include <iterator>

namespace hcipol::backends::palo_alto {

namespace {

constexpr std::string_view first_of_others = "<first>";
constexpr std::string_view last_of_others = "<last>";

}  // namespace

RulebaseInUse::RulebaseInUse(pugi::xml_node rules, std::string_view before)
    : rules_(rules), before_(before), order_{first_of_others} {
  if (!before.empty()) order_.push_back(before);
  target_ = before.empty() ? order_.end() : std::prev(order_.end());
  order_.push_back(last_of_others);
  auto at = order_.end();
  for (const pugi::xml_node rule : rules.children()) {
    at = order_.insert(at, rule.attribute("name").value());
    ours_.emplace(*at, at);
  }
}

bool RulebaseInUse::move(std::string_view name, std::string_view before) {
  const auto rule = ours_.find(name);
  if (rule == ours_.end() || before != before_ || !moved_.insert(rule->first).second) return false;
  order_.splice(before.empty() ? order_.begin() : target_, order_, rule->second);
  return true;
}

bool RulebaseInUse::in_place() const {
  auto at = order_.begin();
  if (!before_.empty() && *at++ != first_of_others) return false;
  for (const pugi::xml_node rule : rules_.children()) {
    if (*at++ != rule.attribute("name").value()) return false;
  }
  return *at == (before_.empty() ? first_of_others : before_);
}

bool RemovedEntries::remove(pugi::xml_node section, std::string_view name) {
  const auto found = std::find(sections_.begin(), sections_.end(), section);
  const auto index = static_cast<std::size_t>(found - sections_.begin());
  if (index == sections_.size() || index > at_) return false;
  if (index < at_) {
    if (!left_.empty() || index + 1 != at_) return false;
    at_ = index;
    for (const pugi::xml_node& entry : section.children()) {
      left_.insert(entry.attribute("name").value());
    }
  }
  return left_.erase(name) == 1;
}

}  // namespace hcipol::backends::palo_alto
