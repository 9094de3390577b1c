// Which devices have budgets is known before they are made: `plan` makes only those, twice.
#include <gtest/gtest.h>

#include "tests/support/emitted.h"

namespace hcipol::test {
namespace {

TEST(Budgets, ABackendSaysWhetherItHasThem) {
  std::map<std::string, bool> seen;
  EmittedPolicy policy(example_files("04-exceptions"), "examples/04-exceptions");
  for (const Emitted& one : policy.devices()) {
    const bool has = !one.emission.budgets.empty();
    EXPECT_EQ(has, one.backend->capabilities.budgets) << one.name;
    seen[std::string(one.backend->name)] = has;
  }
  EXPECT_EQ(seen.size(), backends::all().size());
  EXPECT_TRUE(seen["azure-firewall"] && seen["azure-nsg"]);
}

}  // namespace
}  // namespace hcipol::test
