// The library's tests in its own language: all pass, and no rule is without one.
#include <gtest/gtest.h>

#include <string>

#include <nlohmann/json.hpp>

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

INSTANTIATE_TEST_SUITE_P(Releases, OwnTests, testing::Values("20h2", "21h2", "22h2", "23h2", "24h2"),
                         [](const auto& release) { return "Release" + release.param; });

// One beside each file that has a feature.
TEST(OwnTests, StandBesideEachFeature) {
  const auto files = files_below("stdlib/hci", {".hcipol"});
  for (const auto& [path, text] : files) {
    if (text.find("\nfeature \"") == std::string::npos && !text.starts_with("feature \"")) continue;
    EXPECT_TRUE(files.contains(path.substr(0, path.size() - 7) + ".test.hcipol")) << path;
  }
}

}  // namespace
}  // namespace hcipol::test
