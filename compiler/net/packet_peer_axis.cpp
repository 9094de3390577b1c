// Peers as positions: address runs by their starts, names by an Euler tour of their suffix tree.
#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

#include "net/packet_axis.h"
#include "support/bug.h"

namespace hcipol::net {
namespace {

template <class T>
void sort_unique(std::vector<T>& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

bool name_before(std::string_view a, std::string_view b) {
  return by_suffix(a, b) < 0;
}

/// Turns a sequence of "from this position on, in or out" into runs.
class RunWriter {
 public:
  RunWriter(Runs& runs, std::uint32_t position, bool in) : runs_(runs), from_(position), in_(in) {}

  void change(std::uint32_t position, bool in) {
    if (in == in_) return;
    if (in_ && position > from_) append(runs_, {from_, position - 1});
    from_ = position;
    in_ = in;
  }

 private:
  Runs& runs_;
  std::uint32_t from_;
  bool in_;
};

}  // namespace

PeerAxis::PeerAxis(std::span<const PeerSet* const> sets) : positions_(sets), atoms_(0, {}) {
  std::vector<Runs> runs;
  runs.reserve(sets.size() + 3);
  for (const PeerSet* set : sets) runs.push_back(positions_.of(*set));
  runs.push_back(positions_.of({AddressSet::all(Family::ipv4), {}}));
  runs.push_back(positions_.of({AddressSet::all(Family::ipv6), {}}));
  runs.push_back(positions_.of({{}, DomainSet::all()}));
  atoms_ = Atoms(positions_.count(), runs);
}

PeerPositions::PeerPositions(std::span<const PeerSet* const> sets) {
  starts_ = {first_address(Family::ipv4), first_address(Family::ipv6)};
  std::vector<std::string_view> names;
  for (const PeerSet* set : sets) {
    for (const AddressRange& range : set->addresses.ranges()) {
      starts_.push_back(range.first);
      if (const auto after = next(range.last)) starts_.push_back(*after);
    }
    for (const DomainSet::Entry& entry : set->names.entries()) names.push_back(entry.pattern.name);
  }
  sort_unique(starts_);
  std::sort(names.begin(), names.end(), name_before);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  names_.assign(names.begin(), names.end());

  const auto count = static_cast<std::uint32_t>(names_.size());
  subtree_ends_.assign(count, count);
  std::vector<std::uint32_t> open;
  for (std::uint32_t i = 0; i < count; ++i) {
    while (!open.empty() && !is_below(names_[i], names_[open.back()])) {
      subtree_ends_[open.back()] = i;
      open.pop_back();
    }
    open.push_back(i);
  }
}

/// Of the name itself; the position after it is that of the names below it.
std::uint32_t PeerPositions::name_position(std::size_t name) const {
  return static_cast<std::uint32_t>(starts_.size() + 1 + 2 * name);
}

/// The known name, or the number of known names.
std::size_t PeerPositions::index_of(std::string_view name) const {
  const auto at = std::lower_bound(names_.begin(), names_.end(), name, name_before);
  if (at == names_.end() || *at != name) return names_.size();
  return static_cast<std::size_t>(at - names_.begin());
}

Runs PeerPositions::of(const PeerSet& set) const {
  Runs runs;
  append_addresses(runs, set.addresses);
  append_names(runs, set.names);
  return runs;
}

void PeerPositions::append_addresses(Runs& runs, const AddressSet& set) const {
  for (const AddressRange& range : set.ranges()) {
    const std::uint32_t first = position_of(range.first);
    const std::uint32_t last = position_of(range.last);
    const auto after = next(range.last);
    const bool ends = !after || (last + 1 < starts_.size() && starts_[last + 1] == *after);
    if (starts_[first] != range.first || !ends) bug("a range that its universe does not know");
    append(runs, {first, last});
  }
}

void PeerPositions::append_names(Runs& runs, const DomainSet& set) const {
  struct Open {
    std::uint32_t end;
    bool included;
  };
  const auto others = static_cast<std::uint32_t>(starts_.size());
  const std::uint32_t end = count();
  RunWriter writer(runs, others, set.others());
  std::vector<Open> open = {{end, set.others()}};
  const auto close_until = [&](std::uint32_t position) {
    while (open.size() > 1 && open.back().end <= position) {
      const std::uint32_t at = open.back().end;
      open.pop_back();
      writer.change(at, open.back().included);
    }
  };

  for (const auto& [pattern, included] : set.entries()) {
    const std::size_t index = index_of(pattern.name);
    if (index == names_.size()) bug("a name that its universe does not know");
    const std::uint32_t exact = name_position(index);
    const std::uint32_t first = pattern.wildcard ? exact + 1 : exact;
    close_until(first);
    open.push_back({pattern.wildcard ? name_position(subtree_ends_[index]) : exact + 1, included});
    writer.change(first, included);
  }
  close_until(end);
  writer.change(end, false);
}

std::uint32_t PeerPositions::position_of(const Address& address) const {
  const auto after = std::upper_bound(starts_.begin(), starts_.end(), address);
  return static_cast<std::uint32_t>(after - starts_.begin() - 1);
}

std::uint32_t PeerPositions::position_of(const std::string& host) const {
  if (const std::size_t index = index_of(host); index != names_.size()) return name_position(index);
  std::string_view rest = host;
  for (std::size_t dot = rest.find('.'); dot != std::string_view::npos; dot = rest.find('.')) {
    rest.remove_prefix(dot + 1);
    const std::size_t index = index_of(rest);
    if (index != names_.size()) return name_position(index) + 1;
  }
  return static_cast<std::uint32_t>(starts_.size());
}

PeerSet PeerPositions::set_of(const Runs& positions) const {
  const auto others = static_cast<std::uint32_t>(starts_.size());
  std::vector<AddressRange> ranges;
  std::vector<bool> named(count() - others, false);
  for (const Run& run : positions) {
    for (std::uint32_t i = run.first; i <= run.last; ++i) {
      if (i >= others) {
        named[i - others] = true;
        continue;
      }
      const bool ends_family = i + 1 == others || starts_[i + 1].family != starts_[i].family;
      ranges.push_back(
          {starts_[i], ends_family ? last_address(starts_[i].family) : *previous(starts_[i + 1])});
    }
  }

  std::vector<DomainSet::Entry> entries;
  entries.reserve(2 * names_.size());
  for (std::size_t i = 0; i < names_.size(); ++i) {
    entries.push_back({{names_[i], false}, named[1 + 2 * i]});
    entries.push_back({{names_[i], true}, named[2 + 2 * i]});
  }
  return {AddressSet::of(std::move(ranges)), DomainSet::of(named[0], std::move(entries))};
}

std::uint32_t PeerPositions::of(const Endpoint& endpoint) const {
  const Address* address = std::get_if<Address>(&endpoint);
  return address ? position_of(*address) : position_of(std::get<std::string>(endpoint));
}

Endpoint PeerPositions::example(std::uint32_t position) const {
  if (position < starts_.size()) return starts_[position];
  const std::uint32_t name = position - static_cast<std::uint32_t>(starts_.size());
  if (name % 2 == 1) return names_[name / 2];
  return fresh_name(position);
}

/// A name that no set speaks of, at the position of those below a known name or below none.
std::string PeerPositions::fresh_name(std::uint32_t position) const {
  const bool others = position == starts_.size();
  const std::string known = others ? "" : names_[(position - starts_.size()) / 2 - 1];
  for (unsigned i = 1;; ++i) {
    const std::string number = i == 1 ? "" : std::to_string(i);
    // RFC 2606 keeps "invalid" from ever being a real name.
    const std::string suffix = others ? "invalid" + number : known;
    std::string name = "host" + number + "." + suffix;
    if (position_of(name) == position) return name;
  }
}

}  // namespace hcipol::net
