// Rules are numbers, and an order is who comes after whom: ten thousand moves take no time.
#include "backends/palo_alto/read_candidate.h"

namespace hcipol::backends::palo_alto {

EntryNames::EntryNames(pugi::xml_node section) {
  for (pugi::xml_node entry = section.first_child(); entry; entry = entry.next_sibling()) {
    names_.emplace_back(entry.attribute("name").value());
  }
}

std::size_t EntryNames::find(std::string_view name, std::size_t expected) {
  if (expected < names_.size() && names_[expected] == name) return expected;
  if (places_.empty()) {
    for (std::size_t i = 0; i < names_.size(); ++i) places_.emplace(names_[i], i);
  }
  const auto found = places_.find(name);
  return found == places_.end() ? names_.size() : found->second;
}

RulebaseInUse::RulebaseInUse(pugi::xml_node rules, std::string_view before)
    : rules_(rules), before_(before), ours_(rules), moved_(ours_.size()) {
  const std::size_t count = ours_.size();
  first_of_others_ = count;
  target_ = count + 1;
  last_of_others_ = count + 2;
  end_ = count + 3;
  next_.resize(count + 4);
  previous_.resize(count + 4);
  next_[end_] = previous_[end_] = end_;
  for (const Place other : {first_of_others_, target_, last_of_others_}) put_before(other, end_);
  for (Place rule = count; rule-- > 0;) put_before(rule, end_);
  if (before.empty() && count > 0) expected_ = count - 1;
}

void RulebaseInUse::put_before(Place rule, Place other) {
  const Place last = previous_[other];
  next_[last] = rule;
  previous_[rule] = last;
  next_[rule] = other;
  previous_[other] = rule;
}

bool RulebaseInUse::move(std::string_view name, std::string_view before) {
  const Place rule = ours_.find(name, expected_);
  if (rule == ours_.size() || before != before_ || moved_[rule]) return false;
  moved_[rule] = true;
  expected_ = before.empty() ? rule - 1 : rule + 1;
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
  if (at_ == sections_.size() || sections_[at_] != section) {
    if (left_ > 0 || at_ == 0 || sections_[at_ - 1] != section) return false;
    --at_;
    entries_ = EntryNames(section);
    left_ = entries_.size();
    removed_.assign(left_, false);
    expected_ = 0;
  }
  const std::size_t entry = entries_.find(name, expected_);
  if (entry == entries_.size() || removed_[entry]) return false;
  removed_[entry] = true;
  expected_ = entry + 1;
  --left_;
  return true;
}

}  // namespace hcipol::backends::palo_alto
