// Domain sets against membership host by host, with matching spelt out independently.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <string>
#include <vector>

#include "net/domain_set.h"

namespace hcipol::net {
namespace {

/// All names of up to `depth` of the labels before ".t", and "t" itself.
std::vector<std::string> names(const std::vector<std::string>& labels, int depth) {
  std::vector<std::string> out = {"t"};
  std::size_t begin = 0;
  for (int level = 0; level < depth; ++level) {
    const std::size_t end = out.size();
    for (std::size_t i = begin; i < end; ++i) {
      for (const std::string& label : labels) out.push_back(label + "." + out[i]);
    }
    begin = end;
  }
  return out;
}

/// Patterns are at most three labels above "t". The hosts go one label further and have a label
/// that no pattern has, so every two different sets differ on one of the hosts.
const std::vector<std::string>& hosts() {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> out = names({"a", "b", "b-a", "z"}, 4);
    out.push_back("other.q");
    return out;
  }();
  return all;
}

bool matches(const std::string& host, const std::string& pattern) {
  if (pattern.rfind("*", 0) != 0) return host == pattern;
  const std::string tail = pattern.substr(1);
  return host.size() > tail.size() &&
         host.compare(host.size() - tail.size(), tail.size(), tail) == 0;
}

std::string any_pattern() {
  static const std::vector<std::string> bases = names({"a", "b", "b-a"}, 3);
  const std::string base = *rc::gen::elementOf(bases);
  return *rc::gen::arbitrary<bool>() || base == "t" ? "*." + base : base;
}

/// A set and what it should say of every host.
struct Checked {
  DomainSet set;
  std::vector<bool> members;
};

Checked any_set() {
  const bool from_all = *rc::gen::weightedElement<bool>({{3, false}, {1, true}});
  Checked result{from_all ? DomainSet::all() : DomainSet(),
                 std::vector<bool>(hosts().size(), from_all)};
  const int steps = *rc::gen::inRange(0, 8);
  for (int step = 0; step < steps; ++step) {
    const std::string pattern = any_pattern();
    const bool add = *rc::gen::arbitrary<bool>();
    const DomainSet one(parse_pattern(pattern).value());
    result.set = add ? result.set | one : result.set - one;
    for (std::size_t i = 0; i < hosts().size(); ++i) {
      if (matches(hosts()[i], pattern)) result.members[i] = add;
    }
  }
  return result;
}

void check_members(const DomainSet& set, const std::vector<bool>& expected) {
  for (std::size_t i = 0; i < hosts().size(); ++i) {
    if (set.contains(hosts()[i]) != expected[i]) RC_FAIL(to_string(set) + ": " + hosts()[i]);
  }
}

TEST(NetDomainSetProperty, AgreesHostByHost) {
  EXPECT_TRUE(rc::check("domain set algebra", [] {
    const Checked a = any_set();
    const Checked b = any_set();
    check_members(a.set, a.members);

    std::vector<bool> both(hosts().size());
    std::vector<bool> either(hosts().size());
    std::vector<bool> only_a(hosts().size());
    for (std::size_t i = 0; i < hosts().size(); ++i) {
      both[i] = a.members[i] && b.members[i];
      either[i] = a.members[i] || b.members[i];
      only_a[i] = a.members[i] && !b.members[i];
    }
    check_members(a.set & b.set, both);
    check_members(a.set | b.set, either);
    check_members(a.set - b.set, only_a);

    const std::vector<bool> nothing(hosts().size(), false);
    const std::vector<bool> everything(hosts().size(), true);
    RC_ASSERT((a.set == b.set) == (a.members == b.members));
    RC_ASSERT(a.set.empty() == (a.members == nothing));
    RC_ASSERT(a.set.is_all() == (a.members == everything));
    RC_ASSERT(a.set.intersects(b.set) == (both != nothing));
    RC_ASSERT(a.set.contains(b.set) == (either == a.members));
  }));
}

TEST(NetDomainSetProperty, EntriesAreCanonical) {
  EXPECT_TRUE(rc::check("canonical entries", [] {
    const Checked a = any_set();
    const auto entries = a.set.entries();
    // Leaving out any entry changes the set, and the order of the entries does not matter.
    std::vector<DomainSet::Entry> reversed(entries.rbegin(), entries.rend());
    RC_ASSERT(DomainSet::of(a.set.others(), reversed) == a.set);
    for (std::size_t i = 0; i < reversed.size(); ++i) {
      auto without = reversed;
      without.erase(without.begin() + static_cast<std::ptrdiff_t>(i));
      RC_ASSERT(DomainSet::of(a.set.others(), without) != a.set);
    }
    if (a.set.is_union()) RC_ASSERT(DomainSet::of(a.set.patterns()) == a.set);
  }));
}

TEST(NetDomainSetProperty, CoversIsInclusion) {
  EXPECT_TRUE(rc::check("covers", [] {
    const DomainPattern a = parse_pattern(any_pattern()).value();
    const DomainPattern b = parse_pattern(any_pattern()).value();
    RC_ASSERT(covers(a, b) == DomainSet(a).contains(DomainSet(b)));
    // The family is laminar.
    RC_ASSERT(covers(a, b) || covers(b, a) || !DomainSet(a).intersects(DomainSet(b)));
  }));
}

}  // namespace
}  // namespace hcipol::net
