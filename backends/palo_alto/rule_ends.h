// What stands at one end of a rule: the objects of a union of sets, and the zones they are in.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <string_view>
#include <vector>

#include "backends/common/unions.h"
#include "backends/palo_alto/families.h"
#include "backends/palo_alto/objects.h"

namespace hcipol::backends::palo_alto {

struct End {
  NamesBy by = NamesBy::address;
  bool any = false;
  Members members;
  Where where;
  std::vector<std::string_view> hosts;  ///< of these names the members have the addresses
  std::vector<const sema::NamedSet*> wildcards;
  std::vector<const sema::NamedSet*> unusable;

  void add(const Endpoint& endpoint);
  bool empty() const { return !any && members.empty(); }
  /// Sorted; `any` alone.
  Members list() const;
};

/// An end as rules point to it.
struct Listed {
  End end;
  const Members* members = nullptr;
  const Members* zones = nullptr;
};

class RuleEnds {
 public:
  /// `lists` owns the lists that are pointed to.
  RuleEnds(Objects& objects, std::deque<Members>& lists) : objects_(objects), lists_(lists) {}

  /// Of the sets, those that packets of these families can be from or to.
  const Listed& of(const Union& sets, Families both, NamesBy by);

 private:
  const Members* zones(const Where& where);

  Objects& objects_;
  std::deque<Members>& lists_;
  std::map<Members, const Members*> zones_;  ///< lists of them: most ends share theirs
  std::array<ByUnion<Listed>, 8> known_;     ///< by families and NamesBy
};

}  // namespace hcipol::backends::palo_alto
