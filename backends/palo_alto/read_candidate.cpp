// Rules are numbers, and an order is who comes after whom: ten thousand moves take no time.
#include "backends/palo_alto/read_candidate.h"

#include <algorithm>
#include <iterator>

namespace hcipol::backends::palo_alto {

RulebaseInUse::RulebaseInUse(pugi::xml_node rules, std::string_view before)
    : rules_(rules), before_(before) {
  const auto list = rules.children();
  const auto count = static_cast<std::size_t>(std::distance(list.begin(), list.end()));
  ours_.reserve(count);
  for (const pugi::xml_node rule : list)
    ours_.emplace(rule.attribute("name").value(), ours_.size());
  moved_.resize(count);
  first_of_others_ = count;
  target_ = count + 1;
  last_of_others_ = count + 2;
  end_ = count + 3;
  next_.resize(count + 4);
  previous_.resize(count + 4);
  next_[end_] = previous_[end_] = end_;
  for (const Place other : {first_of_others_, target_, last_of_others_}) put_before(other, end_);
  for (Place rule = count; rule-- > 0;) put_before(rule, end_);
}

void RulebaseInUse::put_before(Place rule, Place other) {
  const Place last = previous_[other];
  next_[last] = rule;
  previous_[rule] = last;
  next_[rule] = other;
  previous_[other] = rule;
}

bool RulebaseInUse::move(std::string_view name, std::string_view before) {
  const auto found = ours_.find(name);
  if (found == ours_.end() || before != before_ || moved_[found->second]) return false;
  const Place rule = found->second;
  moved_[rule] = true;
  next_[previous_[rule]] = next_[rule];
  previous_[next_[rule]] = previous_[rule];
  put_before(rule, before.empty() ? next_[end_] : target_);
  return true;
}

bool RulebaseInUse::in_place() const {
  Place at = next_[end_];
  if (!before_.empty()) {
    if (at != first_of_others_) return false;
    at = next_[at];
  }
  for (Place rule = 0; rule < moved_.size(); ++rule, at = next_[at]) {
    if (at != rule) return false;
  }
  return at == (before_.empty() ? first_of_others_ : target_);
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
