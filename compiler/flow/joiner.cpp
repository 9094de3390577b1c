// Works on numbers only; contents are looked at once for each number.
#include "flow/joiner.h"

#include <algorithm>
#include <map>
#include <utility>

namespace hcipol::flow {

namespace {

/// What decides how a device can match a peer. Joined peers must not change that.
struct Peering {
  bool names = false, patterns = false, wide = false, tagged = false, addressed = false;

  unsigned bits() const {
    return (names ? 1u : 0u) | (patterns ? 2u : 0u) | (wide ? 4u : 0u) | (tagged ? 8u : 0u) |
           (addressed ? 16u : 0u);
  }
};

Peering peering(const Sets& sets, const RuleCapabilities& device) {
  Peering out;
  for (const NamedSet* set : sets) {
    const net::DomainSet& domains = set->set.names;
    out.names = out.names || set->has_names();
    out.wide = out.wide || domains.others();
    out.tagged = out.tagged || !set->tag.empty();
    out.addressed = out.addressed || !set->addresses.empty() || !set->set.addresses.empty();
    for (const net::DomainSet::Entry& entry : domains.entries()) {
      out.patterns = out.patterns || entry.pattern.wildcard || !entry.included;
    }
  }
  // Every device has its own way with wildcards; what stands beside them is not added to.
  if (out.patterns || out.wide) return out;
  if (device.names_with_addresses) out.names = out.addressed = false;
  if (device.tags_with_addresses) out.tagged = false;
  return out;
}

/// Numbers the ways in which a device treats flows.
class Treatments {
 public:
  Treatments(const Numbers& numbers, const RuleCapabilities& device) : device_(device) {
    for (Number i = 0; i < numbers.sets_count(); ++i) {
      peerings_.push_back(peering(numbers.sets(i), device));
    }
    for (Number i = 0; i < numbers.service_count(); ++i) {
      const net::ServiceSet& service = numbers.service(i);
      const bool ports = net::all_have_ports(service);
      const bool types = net::all_have_types(service);
      services_.push_back(
          {(ports ? 1u : 0u) | (types ? 2u : 0u), net::web_services().contains(service)});
    }
  }

  Number of(const JoinedFlow& part) {
    const Peering from = peerings_[part.shape.from], to = peerings_[part.shape.to];
    const Service service = services_[part.shape.service];
    // Some devices read names from the traffic itself, which they can for these services only.
    const bool by_port = !device_.names_on_any_port || from.patterns || to.patterns;
    const unsigned traits = from.bits() | to.bits() << 5 | service.traits << 10 |
                            (by_port && service.web ? 1u << 12 : 0u) |
                            (part.flow->rule->log ? 1u << 13 : 0u) |
                            static_cast<unsigned>(part.flow->kind) << 14;
    return numbers_.of(part.origin, traits).number;
  }

 private:
  struct Service {
    unsigned traits;
    bool web;
  };

  const RuleCapabilities& device_;
  std::vector<Peering> peerings_;  ///< by number of sets
  std::vector<Service> services_;  ///< by number of service
  Pairs numbers_;
};

class Joiner {
 public:
  Joiner(std::vector<JoinedFlow> parts, Numbers& numbers, const RuleCapabilities& device)
      : parts_(std::move(parts)), numbers_(numbers) {
    Treatments treatments(numbers, device);
    for (JoinedFlow& part : parts_) part.treatment = treatments.of(part);
  }

  std::vector<JoinedFlow> run() {
    // A way to join finds nothing more until another one has joined something.
    constexpr std::size_t ways = 3;
    for (std::size_t way = 0, settled = 0; settled < ways; way = (way + 1) % ways) {
      const std::size_t before = parts_.size();
      switch (way) {
        case 0: join_services(); break;
        case 1: join_ends(&Shape::from, &Shape::to, &JoinedFlow::joined_to); break;
        default: join_ends(&Shape::to, &Shape::from, &JoinedFlow::joined_from); break;
      }
      settled = parts_.size() < before ? 1 : settled + 1;
    }
    return std::move(parts_);
  }

 private:
  using Members = std::vector<std::size_t>;

  void join_services() {
    join([](const Shape& s) { return std::pair(s.from, s.to); },
         [&](JoinedFlow& first, const Members& more) {
           std::vector<net::ServiceRange> ranges;
           const auto add = [&](const JoinedFlow& part) {
             const auto own = numbers_.service(part.shape.service).ranges();
             ranges.insert(ranges.end(), own.begin(), own.end());
           };
           add(first);
           for (const std::size_t i : more) add(parts_[i]);
           first.shape.service = numbers_.of(net::ServiceSet::of(std::move(ranges)));
         });
  }

  /// Those that are equal in the end `same`.
  void join_ends(Number Shape::*same, Number Shape::*end, bool JoinedFlow::*joined) {
    join([=](const Shape& s) { return std::pair(s.*same, s.service); },
         [=, this](JoinedFlow& first, const Members& more) {
           unite(first, more, end);
           first.*joined = true;
         });
  }

  void unite(JoinedFlow& first, const Members& more, Number Shape::*end) {
    Sets all = numbers_.sets(first.shape.*end);
    for (const std::size_t i : more) {
      const Sets& sets = numbers_.sets(parts_[i].shape.*end);
      all.insert(all.end(), sets.begin(), sets.end());
    }
    first.shape.*end = numbers_.of(as_set(std::move(all)));
  }

  /// Joins parts of one treatment and equal keys to the first of them; `add` leaves its key as it
  /// is.
  template <class Key, class Add>
  void join(Key key, Add add) {
    Triples known(parts_.size());
    std::vector<std::size_t> firsts;
    firsts.reserve(parts_.size());
    std::map<std::size_t, Members> more;
    std::vector<bool> joined(parts_.size());
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      const auto [a, b] = key(parts_[i].shape);
      const auto [number, fresh] = known.of(parts_[i].treatment, a, b);
      if (fresh) {
        firsts.push_back(i);
      } else {
        more[firsts[number]].push_back(i);
        joined[i] = true;
      }
    }
    if (more.empty()) return;
    for (const auto& [number, members] : more) {
      JoinedFlow& first = parts_[number];
      add(first, members);
      for (const std::size_t i : members) {
        first.more.push_back(parts_[i].flow->rule);
        first.more.insert(first.more.end(), parts_[i].more.begin(), parts_[i].more.end());
      }
    }
    std::size_t at = 0;
    std::erase_if(parts_, [&](const JoinedFlow&) { return joined[at++]; });
  }

  std::vector<JoinedFlow> parts_;
  Numbers& numbers_;
};

}  // namespace

std::vector<JoinedFlow> joined(std::vector<JoinedFlow> parts, Numbers& numbers,
                               const RuleCapabilities& device) {
  return Joiner(std::move(parts), numbers, device).run();
}

}  // namespace hcipol::flow
