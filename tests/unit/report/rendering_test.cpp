// Where a rule stands in an artefact.
#include "report/rendering.h"

#include <gtest/gtest.h>

#include "driver/pipeline.h"
#include "support/text.h"
#include "tests/support/repository.h"

namespace hcipol {
namespace {

TEST(LineOf, IsTheLineOfTheWholeId) {
  const std::string text = "a/b.rpc-dynamic\n-A chain \"a/b.rpc: Title\"\n<entry name=\"x-a.1\">\n";
  EXPECT_EQ(report::line_of(text, "a/b.rpc"), 2u);
  EXPECT_EQ(report::line_of(text, "chain a/b.rpc"), 2u);
  EXPECT_EQ(report::line_of(text, "other a/b.rpc"), 0u);
  EXPECT_EQ(report::line_of(text, "x-a.1"), 3u);
  EXPECT_EQ(report::line_of(text, "a/b"), 0u);
}

// Every backend writes every id that it names, so that `why` can point at it.
TEST(LineOf, FindsEveryIdOfTheExamples) {
  std::size_t ids = 0;
  for (const std::string example : {"02-stretched-cluster", "04-exceptions"}) {
    MemoryFileSystem files(test::files_below("examples/" + example, {".hcipol"}));
    driver::Environment environment;
    environment.files = &files;
    environment.today = parse_date("2022-06-01").value();
    driver::Options options;
    options.path = "examples/" + example;
    const std::vector<std::string> targets{"azure-firewall", "iptables", "nftables", "palo-alto",
                                           "windows-firewall"};
    driver::Compilation c;
    ASSERT_TRUE(driver::compile(options, targets, environment, c));
    for (const driver::BuiltFile& file : driver::emit(c).files) {
      const auto lines = split(file.text, '\n');
      for (const auto& [id, rule] : file.rules) {
        const std::size_t line = report::line_of(file.text, id);
        ASSERT_GT(line, 0u) << file.path << ": " << id;
        const std::string_view last = split(id, ' ').back();
        EXPECT_NE(lines[line - 1].find(last), std::string_view::npos);
        ++ids;
      }
    }
  }
  EXPECT_GT(ids, 100u);
}

}  // namespace
}  // namespace hcipol
