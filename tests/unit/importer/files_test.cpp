// What a file may look like from outside: marks, line ends, depth, size.
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "tests/support/imported.h"

namespace hcipol::test {
namespace {

TEST(ImportedFiles, AByteOrderMarkIsNoPartOfTheList) {
  const Outcome outcome = import_list("a.json", "\xEF\xBB\xBF[{\"URL\": \"your.x.com\"}]");
  EXPECT_EQ(outcome.exit, 1);
  EXPECT_TRUE(outcome.err.starts_with("a.json:1:11: error[E0804]")) << outcome.err;
}

TEST(ImportedFiles, AColumnAloneIsATable) {
  const Outcome outcome = import_list("a.csv", "URL\r\nhttps://a.example.com\r\n");
  ASSERT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_EQ(difference({{"a.example.com", "tcp/443"}}, opened_by(outcome.out, "public")), "");
}

TEST(ImportedFiles, ATextOfArraysIsAList) {
  const Outcome outcome = import_list("a", R"(["https://a.example.com", "http://b.example.com"])");
  ASSERT_EQ(outcome.exit, 0) << outcome.err;
  const Opened expected{{"a.example.com", "tcp/443"}, {"b.example.com", "tcp/80"}};
  EXPECT_EQ(difference(expected, opened_by(outcome.out, "public")), "");
}

TEST(ImportedFiles, DepthHasALimit) {
  const Outcome outcome = import_list("a.json", std::string(100000, '['));
  EXPECT_EQ(outcome.exit, 1);
  EXPECT_TRUE(outcome.err.starts_with("a.json:1:65: error[E0802]")) << outcome.err;
}

// What would take hours if a reader looked for the end of each of them anew.
TEST(ImportedFiles, MarksThatNothingClosesCostLittle) {
  std::string marks = "[";
  std::string brackets = "[\"";
  for (int i = 0; i < 300000; ++i) {
    marks += "“";
    brackets += "<(";
  }
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(import_list("a.json", marks).exit, 1);
  EXPECT_EQ(import_list("b.json", brackets + "\"]").exit, 1);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::minutes(1));
}

}  // namespace
}  // namespace hcipol::test
