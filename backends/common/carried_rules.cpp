// Addresses by a search tree over ranges, names by their suffixes: a rule of thousands is carried
// in thousands of lines, and each of them asks.
#include "backends/common/carried_rules.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace hcipol::backends {

namespace {

bool ends_before(std::string_view a, std::string_view b) {
  return net::by_suffix(a, b) < 0;
}

void make_unique(WayEnds::Numbers& numbers) {
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
}

std::size_t middle_of(std::size_t first, std::size_t end) {
  return first + (end - first) / 2;
}

}  // namespace

WayEnds::WayEnds(std::vector<const policy::Peers*> ends) : ends_(std::move(ends)) {
  for (std::uint32_t way = 0; way < ends_.size(); ++way) {
    for (const policy::NamedSet* part : ends_[way]->parts) {
      for (const net::AddressRange& range : part->set.addresses.ranges()) {
        spans_.push_back({range.first, range.last, way, range.last});
      }
      const net::DomainSet& names = part->set.names;
      if (names.empty()) continue;
      named_.push_back(way);
      if (names.others()) unbounded_.push_back(way);
      for (const net::DomainSet::Entry& entry : names.entries()) {
        if (!entry.included) continue;
        names_.push_back({entry.pattern.name, way});
        wildcards_ = wildcards_ || entry.pattern.wildcard;
      }
    }
  }
  make_unique(named_);
  std::sort(spans_.begin(), spans_.end(),
            [](const Span& a, const Span& b) { return a.first < b.first; });
  settle(0, spans_.size());
  std::sort(names_.begin(), names_.end(),
            [](const Name& a, const Name& b) { return ends_before(a.name, b.name); });
}

/// The spans are a balanced tree: the middle one is the root, those before and after it its sides.
void WayEnds::settle(std::size_t first, std::size_t end) {
  if (first == end) return;
  const std::size_t middle = middle_of(first, end);
  settle(first, middle);
  settle(middle + 1, end);
  net::Address& furthest = spans_[middle].furthest;
  if (first < middle) furthest = std::max(furthest, spans_[middle_of(first, middle)].furthest);
  if (middle + 1 < end) furthest = std::max(furthest, spans_[middle_of(middle + 1, end)].furthest);
}

void WayEnds::find(std::size_t first, std::size_t end, const net::AddressRange& range,
                   Numbers& out) const {
  while (first < end) {
    const std::size_t middle = middle_of(first, end);
    const Span& span = spans_[middle];
    if (span.furthest < range.first) return;
    find(first, middle, range, out);
    if (span.first > range.last) return;
    if (span.last >= range.first) out.push_back(span.way);
    first = middle + 1;
  }
}

std::vector<WayEnds::Name>::const_iterator WayEnds::first_named(std::string_view name) const {
  return std::lower_bound(
      names_.begin(), names_.end(), name,
      [](const Name& one, std::string_view wanted) { return ends_before(one.name, wanted); });
}

/// Candidates are those with a name that is one of `names`, below one or, as only wildcards can
/// mean it, above one.
void WayEnds::find(const net::DomainSet& names, Numbers& out) const {
  if (names.empty()) return;
  Numbers near = names.others() ? named_ : unbounded_;
  for (const net::DomainSet::Entry& entry : names.entries()) {
    if (!entry.included || names.others()) continue;
    const std::string_view name = entry.pattern.name;
    for (auto one = first_named(name); one != names_.end(); ++one) {
      const bool below = entry.pattern.wildcard && net::is_below(one->name, name);
      if (one->name != name && !below) break;
      near.push_back(one->way);
    }
    for (std::size_t dot = wildcards_ ? name.find('.') : std::string_view::npos;
         dot != std::string_view::npos; dot = name.find('.', dot + 1)) {
      const std::string_view above = name.substr(dot + 1);
      for (auto one = first_named(above); one != names_.end() && one->name == above; ++one) {
        near.push_back(one->way);
      }
    }
  }
  make_unique(near);
  std::copy_if(near.begin(), near.end(), std::back_inserter(out), [&](std::uint32_t way) {
    const auto& parts = ends_[way]->parts;
    return std::any_of(parts.begin(), parts.end(), [&](const policy::NamedSet* part) {
      return part->set.names.intersects(names);
    });
  });
}

const WayEnds::Numbers& WayEnds::in(const policy::NamedSet& set,
                                    std::optional<net::Family> family) {
  std::optional<Numbers>& known = known_[&set][family ? static_cast<std::size_t>(*family) : 2];
  if (known) return *known;
  Numbers& out = known.emplace();
  for (const net::AddressRange& range : set.set.addresses.ranges()) {
    if (!family || range.first.family == *family) find(0, spans_.size(), range, out);
  }
  find(set.set.names, out);
  make_unique(out);
  return out;
}

CarriedRules::Ways::Ways(const policy::Rule& whole) {
  for (std::size_t i = 0; i < whole.carries.size(); ++i) {
    const policy::Rule& rule = *whole.carries[i];
    const auto add = [&](const policy::Peers& source, const policy::Peers& destination) {
      from.push_back(&source);
      to.push_back(&destination);
      rules.push_back(i);
    };
    add(rule.from, rule.to);
    if (rule.both_ways) add(rule.to, rule.from);
  }
}

CarriedRules::CarriedRules(const policy::Rule& whole) : CarriedRules(whole, Ways(whole)) {}

CarriedRules::CarriedRules(const policy::Rule& whole, Ways ways)
    : whole_(whole),
      rule_of_(std::move(ways.rules)),
      from_(std::move(ways.from)),
      to_(std::move(ways.to)) {}

std::vector<const policy::Rule*> CarriedRules::in(const Sets& from, const Sets& to,
                                                  const net::ServiceSet& service,
                                                  std::optional<net::Family> family) {
  WayEnds::Numbers kept[2];
  const auto ways_of = [&](WayEnds& ends, const Sets& sets,
                           WayEnds::Numbers& out) -> const WayEnds::Numbers& {
    if (sets.size() == 1) return ends.in(*sets.front(), family);
    for (const policy::NamedSet* set : sets) {
      const WayEnds::Numbers& more = ends.in(*set, family);
      out.insert(out.end(), more.begin(), more.end());
    }
    make_unique(out);
    return out;
  };
  const WayEnds::Numbers* fewer = &ways_of(from_, from, kept[0]);
  const WayEnds::Numbers* more = &ways_of(to_, to, kept[1]);
  if (fewer->size() > more->size()) std::swap(fewer, more);
  std::vector<const policy::Rule*> out;
  for (const std::uint32_t way : *fewer) {
    const policy::Rule* rule = whole_.carries[rule_of_[way]];
    if (!out.empty() && out.back() == rule) continue;  // the other way of the same rule
    if (!rule->service.intersects(service)) continue;
    if (std::binary_search(more->begin(), more->end(), way)) out.push_back(rule);
  }
  return out;
}

}  // namespace hcipol::backends
