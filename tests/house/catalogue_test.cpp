// Every diagnostic has a page that explains it, and a golden test that shows it.
#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <string>
#include <vector>

#include "tests/support/repository.h"

namespace hcipol::test {
namespace {

const std::vector<std::string> codes{
#define HCIPOL_DIAGNOSTIC(code, severity, name, message) #code,
#include "diagnostics/catalogue.def"
#undef HCIPOL_DIAGNOSTIC
};

const std::string pages = "compiler/diagnostics/explain/";

TEST(Catalogue, CodesAreUniqueAndSaySeverity) {
  std::set<std::string> seen;
  for (const std::string& code : codes) {
    EXPECT_TRUE(seen.insert(code).second) << code << " is there twice";
    EXPECT_TRUE(std::regex_match(code, std::regex("[EW][0-9]{4}"))) << code;
  }
}

TEST(Catalogue, EveryCodeHasAPage) {
  const auto files = files_below(pages);
  for (const std::string& code : codes) {
    const auto page = files.find(pages + code + ".md");
    if (page == files.end()) {
      ADD_FAILURE() << "there is no " << pages << code << ".md";
      continue;
    }
    std::size_t at = 0;
    EXPECT_TRUE(page->second.starts_with("# " + code)) << page->first << " begins with its code";
    for (const std::string heading :
         {"## What it means", "## Why it matters", "## Wrong", "## Right"}) {
      const std::size_t found = page->second.find("\n" + heading + "\n", at);
      EXPECT_NE(found, std::string::npos)
          << page->first << " lacks `" << heading << "` in its place";
      if (found != std::string::npos) at = found;
    }
  }
}

TEST(Catalogue, EveryPageHasACode) {
  const std::set<std::string> known(codes.begin(), codes.end());
  for (const auto& [path, text] : files_below(pages)) {
    const std::string name = path.substr(pages.size());
    EXPECT_TRUE(name.ends_with(".md") && known.contains(name.substr(0, name.size() - 3)))
        << path << " explains no code";
  }
}

TEST(Catalogue, EveryCodeIsSeenInAGoldenTest) {
  std::set<std::string> seen;
  const std::regex pattern("\\[([EW][0-9]{4})\\]");
  for (const auto& [path, text] : files_below("tests/golden", {".txt"})) {
    for (std::sregex_iterator it(text.begin(), text.end(), pattern), end; it != end; ++it) {
      seen.insert((*it)[1]);
    }
  }
  // What no file of a readable size can show: a file of more than 64 MiB (tests/unit/syntax), and
  // packet sets of more than 30 million edges (tests/unit/net).
  const std::set<std::string> elsewhere{"E0134", "E0440"};
  for (const std::string& code : codes) {
    if (elsewhere.contains(code)) continue;
    EXPECT_TRUE(seen.contains(code)) << "no file of tests/golden expects [" << code << "]";
  }
}

}  // namespace
}  // namespace hcipol::test
