// Which of the rules that a joined one carries have packets in a part of it, found without asking
// each of them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "policy/model.h"

namespace hcipol::backends {

/// One end of many ways, by number: which of them begin, or end, in a set.
class WayEnds {
 public:
  using Numbers = std::vector<std::uint32_t>;  ///< ascending

  explicit WayEnds(std::vector<const policy::Peers*> ends);

  /// Those with addresses of the family, or names, in common with the set. The set must live as
  /// long as this.
  const Numbers& in(const policy::NamedSet& set, std::optional<net::Family> family);

 private:
  struct Span {
    net::Address first, last;
    std::uint32_t way;
    net::Address furthest;  ///< `last` of this and of those that find() asks for after it
  };
  struct Name {
    std::string_view name;
    std::uint32_t way;
  };

  void settle(std::size_t first, std::size_t end);
  void find(std::size_t first, std::size_t end, const net::AddressRange& range, Numbers& out) const;
  void find(const net::DomainSet& names, Numbers& out) const;
  std::vector<Name>::const_iterator first_named(std::string_view name) const;

  std::vector<const policy::Peers*> ends_;
  std::vector<Span> spans_;  ///< by first address
  std::vector<Name> names_;  ///< by suffix
  bool wildcards_ = false;   ///< one of these is a wildcard's
  Numbers named_;            ///< those with names
  Numbers unbounded_;        ///< of these, those with names that no pattern stands for
  /// By set, for each family and for both.
  std::unordered_map<const policy::NamedSet*, std::array<std::optional<Numbers>, 3>> known_;
};

/// The rules that one carries, each as the ways that its packets go.
class CarriedRules {
 public:
  using Sets = std::vector<const policy::NamedSet*>;

  explicit CarriedRules(const policy::Rule& whole);

  /// Those with packets from the sets to the others, in the order of the rule that carries them.
  std::vector<const policy::Rule*> in(const Sets& from, const Sets& to,
                                      const net::ServiceSet& service,
                                      std::optional<net::Family> family);

 private:
  struct Ways {
    explicit Ways(const policy::Rule& whole);

    std::vector<const policy::Peers*> from, to;
    std::vector<std::size_t> rules;  ///< by way: the number of its rule
  };

  CarriedRules(const policy::Rule& whole, Ways ways);

  const policy::Rule& whole_;
  std::vector<std::size_t> rule_of_;
  WayEnds from_, to_;
};

}  // namespace hcipol::backends
