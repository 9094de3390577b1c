// Policies whose rules gateways find by trees of chains and by maps, read back: they mean their
// flows, and no packet passes over many lines.
#include <gtest/gtest.h>

#include "backends/common/proof.h"
#include "tests/support/emitted.h"
#include "tests/support/many_rules.h"
#include "tests/support/random_policy.h"

namespace hcipol {
namespace {

const std::string targets_of_many = R"(
target "iptables" "gw" {}
target "iptables" "own" {
  table   = "own"
  default = "drop"
}
target "iptables" "host" {
  mode = "host"
  host = servers
}
target "nftables" "gw" {}
target "nftables" "host" {
  mode = "host"
  host = servers
}
)";

class ReadBackMany : public testing::TestWithParam<unsigned> {};

TEST_P(ReadBackMany, MeansWhatItsFlowsMean) {
  std::mt19937 random(GetParam());
  for (const unsigned rules : {60u, 250u, test::sanitized ? 300u : 700u}) {
    const std::string text = test::many_rules(random, rules) + targets_of_many;
    test::EmittedPolicy policy({{"main.hcipol", text}}, ".");
    unsigned proved = 0, found_by_more = 0;
    for (const test::Emitted& one : policy.devices()) {
      const std::string_view name = one.backend->name;
      if (name != "iptables" && name != "nftables") continue;
      ASSERT_FALSE(one.refused) << one.name << text;
      const auto found = backends::difference(*one.backend, *one.device, one.emission);
      ASSERT_FALSE(found) << one.name << ": " << *found << "\n" << text;
      ++proved;
      for (const auto& artefact : one.emission.artefacts) {
        const bool chains =
            artefact.path.starts_with("rules.") && artefact.text.find('+') != std::string::npos;
        const bool maps = artefact.text.find("/ports { type") != std::string::npos;
        found_by_more += chains || maps ? 1 : 0;
      }
    }
    ASSERT_EQ(proved, 5u) << text;
    EXPECT_TRUE(rules < 500 || found_by_more >= 5) << text;
  }
}

INSTANTIATE_TEST_SUITE_P(Devices, ReadBackMany, testing::Range(0u, test::sanitized ? 2u : 12u));

}  // namespace
}  // namespace hcipol
