// The laws that every type of sets keeps, whatever it is a set of.
#pragma once

#include <rapidcheck.h>

namespace hcipol::test {

/// For use in a RapidCheck property; `all` and `none` are the whole and the empty set.
template <class Set>
void check_set_laws(const Set& a, const Set& b, const Set& c, const Set& all, const Set& none) {
  RC_ASSERT((a | b) == (b | a));
  RC_ASSERT((a & b) == (b & a));
  RC_ASSERT((a | (b | c)) == ((a | b) | c));
  RC_ASSERT((a & (b & c)) == ((a & b) & c));
  RC_ASSERT((a & (b | c)) == ((a & b) | (a & c)));
  RC_ASSERT((a | (b & c)) == ((a | b) & (a | c)));
  RC_ASSERT((a | (a & b)) == a);
  RC_ASSERT((a & (a | b)) == a);
  RC_ASSERT((a - (b | c)) == ((a - b) - c));
  RC_ASSERT((a - (b & c)) == ((a - b) | (a - c)));
  RC_ASSERT((all - (a | b)) == ((all - a) & (all - b)));
  RC_ASSERT((all - (a & b)) == ((all - a) | (all - b)));
  RC_ASSERT((all - (all - a)) == a);
  RC_ASSERT(((a - b) | (a & b)) == a);
  RC_ASSERT(((a - b) & b) == none);
  RC_ASSERT((a | none) == a);
  RC_ASSERT((a & all) == a);
  RC_ASSERT((a - a).empty());
  RC_ASSERT(all.contains(a) && a.contains(none) && a.contains(a));
  RC_ASSERT(a.contains(b) == (b - a).empty());
  RC_ASSERT(a.contains(b) == ((a | b) == a));
  RC_ASSERT((a == b) == (a.contains(b) && b.contains(a)));
  RC_ASSERT(a.intersects(b) == !(a & b).empty());
}

}  // namespace hcipol::test
