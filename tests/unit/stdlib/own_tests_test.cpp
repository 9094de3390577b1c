// The library's tests in its own language: all pass, and no rule is without one.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include <nlohmann/json.hpp>

#include "library.h"
#include "support/text.h"
#include "tests/support/repository.h"
#include "tests/support/session.h"

namespace hcipol::test {
namespace {

class OwnTests : public testing::TestWithParam<std::string> {};

TEST_P(OwnTests, PassAndTouchEveryRule) {
  const std::string folder = "stdlib/hci/" + GetParam();
  Session session;
  session.files = TestFiles(files_below(folder, {".hcipol"}));
  const Outcome outcome = session.run({"test", folder, "--coverage", "--json"});
  ASSERT_EQ(outcome.exit, 0) << outcome.err << outcome.out;
  const auto json = nlohmann::json::parse(outcome.out);
  EXPECT_GT(json.at("passed"), 3);
  EXPECT_EQ(json.at("coverage").at("untouched"), nlohmann::json::array());
}

INSTANTIATE_TEST_SUITE_P(Releases, OwnTests, testing::ValuesIn(releases()),
                         [](const auto& release) { return "Release" + release.param; });

// One beside each file that has a feature.
TEST(OwnTests, StandBesideEachFeature) {
  const auto files = files_below("stdlib/hci", {".hcipol"});
  for (const auto& [path, text] : files) {
    if (text.find("\nfeature \"") == std::string::npos && !text.starts_with("feature \"")) continue;
    EXPECT_TRUE(files.contains(path.substr(0, path.size() - 7) + ".test.hcipol")) << path;
  }
}

// README shows how a feature is added. Its two files, put where it says, work without anything
// else.
TEST(OwnTests, TheFeatureOfTheReadme) {
  std::map<std::string, std::string> files = files_below("stdlib", {".hcipol"});
  const auto pages = files_below("", {"README.md"});
  std::string path;
  for (const std::string_view line : split(pages.at("README.md"), '\n')) {
    if (path.empty() && line.starts_with("# stdlib/")) path = line.substr(2);
    if (line == "```") path.clear();
    if (path.empty()) continue;
    EXPECT_FALSE(line.starts_with("# stdlib/") && files.contains(path)) << path;
    files[path] += std::string(line) + "\n";
  }
  const std::string folder = "stdlib/hci/21h2";
  ASSERT_TRUE(files.contains(folder + "/acme_backup.hcipol"));
  ASSERT_TRUE(files.contains(folder + "/acme_backup.test.hcipol"));
  files["main.hcipol"] = R"(use "std/hci/21h2"

cluster "lab" {
  node "n1" { address = 10.0.0.1 }

  enable "acme-backup" { catalogue = false }
}
)";
  Session session;
  session.files = TestFiles(std::move(files));
  const Outcome tested = session.run({"test", folder, "--run", "agents reach the vaults"});
  EXPECT_EQ(tested.exit, 0) << tested.err;
  EXPECT_NE(tested.out.find("1 test passed"), std::string::npos) << tested.out;
  const Outcome shown = session.run({"show", "main.hcipol", "--stdlib", "stdlib"});
  EXPECT_EQ(shown.exit, 0) << shown.err;
  EXPECT_NE(shown.out.find("hci/acme-backup.vault"), std::string::npos) << shown.out;
  EXPECT_EQ(shown.out.find("hci/acme-backup.catalogue"), std::string::npos) << shown.out;
  // Of the pages, a section and a line of the table are new, and nothing that was there is gone.
  for (const std::string& release : releases()) {
    const Outcome page = session.run({"doc", "std/hci/" + release, "--stdlib", "stdlib"});
    EXPECT_EQ(page.exit, 0) << page.err;
    const std::string before = pages.at("stdlib/hci/" + release + "/README.md");
    if (!is_from(release, "21h2")) {
      EXPECT_TRUE(page.out == before) << release;
      continue;
    }
    EXPECT_NE(page.out.find("\n## `acme-backup`: Acme Backup agents\n"), std::string::npos);
    std::size_t kept = 0;
    const auto lines = split(before, '\n');
    for (const std::string_view line : split(page.out, '\n')) {
      if (kept < lines.size() && line == lines[kept]) ++kept;
    }
    EXPECT_EQ(kept, lines.size()) << release
                                  << " has lost: " << lines[std::min(kept, lines.size() - 1)];
  }
  const Outcome layout = session.run({"fmt", "--check", folder});
  EXPECT_EQ(layout.exit, 0) << layout.out;
}

}  // namespace
}  // namespace hcipol::test
