// What expressions come to: each line is a condition in the language that must hold, or must not.
#include <gtest/gtest.h>

#include <string>

#include "tests/support/session.h"

namespace hcipol::test {
namespace {

/// A policy whose only variable is valid exactly if the condition holds.
std::string policy_with(std::string_view condition) {
  return "variable \"v\" {\n  type    = bool\n  default = true\n\n  validation {\n    condition "
         "= " +
         std::string(condition) +
         "\n    message   = \"it does not hold\"\n  }\n}\n\n"
         "cluster \"c\" {\n  node \"n\" { address = 10.0.0.1 }\n}\n";
}

Outcome check(std::string_view condition) {
  Session session;
  session.files = TestFiles({{"main.hcipol", policy_with(condition)}});
  return session.run({"check", "--format", "short"});
}

class Holds : public testing::TestWithParam<const char*> {};

TEST_P(Holds, Condition) {
  const Outcome outcome = check(GetParam());
  EXPECT_EQ(outcome.exit, 0) << GetParam() << "\n" << outcome.err;
}

TEST_P(Holds, AndItsNegationDoesNot) {
  const Outcome outcome = check("!(" + std::string(GetParam()) + ")");
  EXPECT_EQ(outcome.exit, 1) << GetParam();
  EXPECT_NE(outcome.err.find("[E0312]"), std::string::npos) << outcome.err;
}

INSTANTIATE_TEST_SUITE_P(
    Language, Holds,
    testing::Values(
        // operators
        "1 < 2 && 2 <= 2 && 3 > 2 && 3 >= 3", "true || length(null) == 1", "!(false && true)",
        "\"a\" == \"a\" && \"a\" != \"b\"", "2022-02-28 < 2022-03-01", "36h < 2d && 14d == 2w",
        "\"tcp\" in [\"udp\", \"tcp\"]", "\"k\" in { k = 1 }", "10.0.0.7 in 10.0.0.0/29",
        "tcp/80 in tcp/1-100", "(true ? 1 : 2) == 1",
        // sets: three ways to say the same addresses
        "10.0.0.0/31 == 10.0.0.0-10.0.0.1", "union(10.0.0.0, 10.0.0.1) == 10.0.0.0/31",
        "(10.0.0.0/30 except 10.0.0.2/31) == 10.0.0.0/31",
        "intersect(10.0.0.0/24, 10.0.0.128-10.0.1.5) == 10.0.0.128/25",
        "overlaps(10.0.0.0/8, 10.9.0.0/16) && !overlaps(10.0.0.0/8, 11.0.0.0/8)",
        "covers(private, [10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, fc00::/7])",
        "!overlaps(private, internet)", "covers(internet, 8.8.8.8) && !covers(internet, 127.0.0.1)",
        "covers(any, internet) && covers(\"*.example.com\", \"a.b.example.com\")",
        "!covers(\"*.example.com\", \"example.com\")", "covers(tcp/1-100, [tcp/1-50, tcp/51-100])",
        "length(tcp/5000-5099) == 100 && length([tcp/1, udp/1]) == 2", "length(icmp) == 256",
        "host(10.0.0.0/24, 5) == 10.0.0.5 && host(fd00::/64, 1) == fd00::1",
        "subnet(10.0.0.0/8, 8, 3) == 10.3.0.0/16", "subnet(fd00::/48, 16, 2) == fd00:0:0:2::/64",
        // lists, objects, texts
        "length([1, 2, 3]) == 3 && length({ a = 1 }) == 1 && length(\"äb\") == 2",
        "contains([1, 2], 2) && !contains([1, 2], 3) && contains(\"haystack\", \"stack\")",
        "keys({ b = 1, a = 2 }) == [\"a\", \"b\"]", "values({ b = 1, a = 2 }) == [2, 1]",
        "merge({ a = 1, b = 1 }, { b = 2 }) == { a = 1, b = 2 }", "merge([1], [2, 3]) == [1, 2, 3]",
        "distinct([1, 2, 1, 3, 2]) == [1, 2, 3]", "sort([\"b\", \"a\"]) == [\"a\", \"b\"]",
        "join(\", \", [\"a\", 1, true]) == \"a, 1, true\"",
        "split(\".\", \"a.b..c\") == [\"a\", \"b\", \"\", \"c\"]",
        "lower(\"AbÄ\") == \"abÄ\" && upper(\"abc-1\") == \"ABC-1\"",
        "replace(\"a-b-c\", \"-\", \"--\") == \"a--b--c\"", "matches(\"n07\", \"^n[0-9]+$\")",
        "format(\"{}-{} {{}}\", \"a\", 1) == \"a-1 {}\"", "\"${1 < 2 ? \"x\" : \"y\"}z\" == \"xz\"",
        "[for x in [1, 2, 3] : x if x != 2] == [1, 3]",
        "[for i, x in [\"a\", \"b\"] : i] == [0, 1]",
        "{ for k, v in { a = 1 } : \"${k}!\" => v } == { \"a!\" = 1 }", "[[1, 2], [3]][1][0] == 3",
        "{ a = { b = 7 } }.a.b == 7"));

}  // namespace
}  // namespace hcipol::test
