// Every policy in the repository is in canonical layout, those inside Markdown parse as well.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/text.h"
#include "tests/support/repository.h"
#include "tests/support/session.h"

namespace hcipol::test {
namespace {

TEST(Policies, AreFormatted) {
  for (const std::string folder : {"stdlib", "examples"}) {
    const auto files = files_below(folder, {".hcipol"});
    ASSERT_FALSE(files.empty()) << folder;
    for (const auto& [path, text] : files) {
      Session session;
      session.files = TestFiles(std::map<std::string, std::string>{{path, text}});
      const Outcome outcome = session.run({"fmt", "--diff", path});
      EXPECT_EQ(outcome.exit, 0) << outcome.err;
      EXPECT_EQ(outcome.out, "") << outcome.err;
    }
  }
}

struct Snippet {
  std::size_t line;
  std::string text;
};

/// The ```hcipol blocks of a page, without those below `## Wrong`.
std::vector<Snippet> snippets_of(const std::string& markdown) {
  std::vector<Snippet> out;
  bool inside = false, wrong = false;
  std::size_t number = 0;
  for (const std::string_view line : split(markdown, '\n')) {
    ++number;
    if (inside && line == "```") {
      inside = false;
    } else if (inside) {
      out.back().text += std::string(line) + "\n";
    } else if (line.starts_with("## ")) {
      wrong = line == "## Wrong";
    } else if (line == "```hcipol" && !wrong) {
      inside = true;
      out.push_back({number, ""});
    }
  }
  EXPECT_FALSE(inside) << "a block is open";
  return out;
}

TEST(Policies, InsideMarkdownParse) {
  const auto pages = files_below("", {".md"});
  ASSERT_TRUE(pages.contains("README.md"));
  EXPECT_FALSE(snippets_of(pages.at("README.md")).empty()) << "README.md shows no policy";
  for (const auto& [path, text] : pages) {
    SCOPED_TRACE(path);
    for (const Snippet& snippet : snippets_of(text)) {
      Session session;
      session.stdin_text = snippet.text;
      const Outcome outcome = session.run({"fmt", "-", "--stdin-filename", path});
      EXPECT_EQ(outcome.exit, 0) << path << ":" << snippet.line << "\n" << outcome.err;
    }
  }
}

}  // namespace
}  // namespace hcipol::test
