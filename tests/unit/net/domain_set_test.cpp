// Domain patterns and sets: faults, texts, and the cases that people will meet.
#include "net/domain_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "support/bug.h"

namespace hcipol::net {
namespace {

DomainPattern pattern(const std::string& text) {
  return parse_pattern(text).value();
}
DomainSet set(const std::string& text) {
  return DomainSet(pattern(text));
}

TEST(DomainPattern, SaysWhatIsWrong) {
  const std::string label64(64, 'a');
  std::string long_name = "a";
  while (long_name.size() < 254) long_name += ".a";
  const struct {
    std::string text;
    std::string fault;
  } table[] = {
      {"", "it is empty"},
      {long_name, "it is longer than 253 characters"},
      {"10.0.0.1", "it is an address"},
      {"::1", "it is an address"},
      {"10.0.0.300", "its last label is a number, as in an address"},
      {"a.example.", "it ends with a dot"},
      {"a..example", "a label is empty"},
      {".example.com", "a label is empty"},
      {label64 + ".example", "a label is longer than 63 characters"},
      {"a.*.example", "a `*` can only stand alone in the leftmost label"},
      {"x*.example", "a `*` can only stand alone in the leftmost label"},
      {"*.*.example", "a `*` can only stand alone in the leftmost label"},
      {"a b.example", "a label has a character other than letters, digits, `-` and `_`"},
      {"m\xc3\xbcnchen.example", "a label has a character other than letters, digits, `-` and `_`"},
      {"-a.example", "a label starts or ends with `-`"},
      {"a-.example", "a label starts or ends with `-`"},
      {"localhost", "it has only one label"},
      {"*", "it has only one label"},
  };
  for (const auto& row : table) {
    EXPECT_EQ(pattern_fault(row.text).value_or("nothing"), row.fault) << row.text;
    EXPECT_FALSE(parse_pattern(row.text)) << row.text;
  }
}

TEST(DomainPattern, ReadsAndWrites) {
  EXPECT_EQ(pattern("*.Blob.Core.Windows.NET"), (DomainPattern{"blob.core.windows.net", true}));
  EXPECT_EQ(to_string(pattern("*.blob.core.windows.net")), "*.blob.core.windows.net");
  EXPECT_EQ(to_string(pattern("_sip._tcp.a-b.example")), "_sip._tcp.a-b.example");
  EXPECT_TRUE(parse_pattern(std::string(63, 'a') + ".example"));
}

TEST(DomainPattern, Covers) {
  EXPECT_TRUE(covers(pattern("*.core.windows.net"), pattern("*.blob.core.windows.net")));
  EXPECT_TRUE(covers(pattern("*.core.windows.net"), pattern("a.b.core.windows.net")));
  EXPECT_TRUE(covers(pattern("*.core.windows.net"), pattern("*.core.windows.net")));
  EXPECT_FALSE(covers(pattern("*.core.windows.net"), pattern("core.windows.net")));
  EXPECT_FALSE(covers(pattern("*.core.windows.net"), pattern("score.windows.net")));
  EXPECT_FALSE(covers(pattern("*.re.windows.net"), pattern("core.windows.net")));
  EXPECT_FALSE(covers(pattern("a.core.windows.net"), pattern("*.a.core.windows.net")));
  EXPECT_FALSE(covers(pattern("*.blob.core.windows.net"), pattern("*.core.windows.net")));
}

TEST(DomainSet, LeavesOutWhatIsCovered) {
  const DomainSet a = DomainSet::of({pattern("*.example.org"), pattern("x.example.org"),
                                     pattern("*.x.example.org"), pattern("*.example.org")});
  EXPECT_EQ(a, set("*.example.org"));
  EXPECT_TRUE(a.is_union());
  EXPECT_EQ(a - a, DomainSet());
  EXPECT_EQ(a | DomainSet::all(), DomainSet::all());
}

TEST(DomainSet, SuffixOrderKeepsSubtreesTogether) {
  // `-` sorts before `.`, so plain reversed text would put "x-example" inside the tree of
  // "example".
  const DomainSet a =
      DomainSet::of({pattern("*.a.example"), pattern("b.a.example"), pattern("c.example"),
                     pattern("x-a.example"), pattern("xa.example")});
  EXPECT_EQ(to_string(a), "*.a.example, x-a.example, xa.example, c.example");
}

TEST(DomainSet, Writes) {
  EXPECT_EQ(to_string(DomainSet()), "none");
  EXPECT_EQ(to_string(DomainSet::all()), "any name");
  EXPECT_EQ(to_string(set("a.example") | set("*.b.example")), "a.example, *.b.example");
  EXPECT_EQ(to_string(DomainSet::all() - set("*.c.example")), "any name except *.c.example");
  EXPECT_EQ(to_string(set("*.b.example") - set("x.b.example") - set("*.y.b.example")),
            "*.b.example except x.b.example and *.y.b.example");
  EXPECT_EQ(to_string((set("*.b.example") - set("*.y.b.example")) | set("z.y.b.example") |
                      set("c.example")),
            "*.b.example except *.y.b.example; z.y.b.example; c.example");
}

TEST(DomainSet, TakingOutKeepsTheRest) {
  const DomainSet a = set("*.b.example") - set("*.x.b.example");
  EXPECT_FALSE(a.is_union());
  EXPECT_EQ(a.patterns(), std::vector<DomainPattern>{pattern("*.b.example")});
  EXPECT_TRUE(a.contains("x.b.example"));
  EXPECT_FALSE(a.contains("y.x.b.example"));
  EXPECT_FALSE(a.contains("b.example"));
  EXPECT_FALSE(a.contains("c.example"));
  EXPECT_EQ(a | set("*.x.b.example"), set("*.b.example"));
  EXPECT_FALSE(a.contains(set("*.b.example")));
  EXPECT_TRUE(a.contains(set("x.b.example")));
  EXPECT_FALSE(a.intersects(set("*.y.x.b.example")));
}

TEST(DomainSet, RefusesAContradiction) {
  EXPECT_THROW(DomainSet::of(false, {{pattern("a.example"), true}, {pattern("a.example"), false}}),
               Bug);
}

TEST(DomainSet, ThousandsOfPatterns) {
  std::vector<DomainPattern> evens;
  std::vector<DomainPattern> all;
  for (int i = 0; i < 20000; ++i) {
    all.push_back(pattern("*.n" + std::to_string(i) + ".example"));
    if (i % 2 == 0) evens.push_back(all.back());
  }
  const DomainSet a = DomainSet::of(all);
  const DomainSet b = DomainSet::of(evens);
  EXPECT_EQ((a - b).entries().size(), 10000U);
  EXPECT_EQ((a - b) | b, a);
  EXPECT_EQ(a & b, b);
  EXPECT_TRUE(a.contains("x.n19999.example"));
  EXPECT_FALSE(b.contains("x.n19999.example"));
  EXPECT_TRUE(std::ranges::is_sorted(a.patterns()));
}

}  // namespace
}  // namespace hcipol::net
