// A comment has room for 60,000 characters: what does not fit is named, never dropped in silence.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "report/plan.h"
#include "tests/support/session.h"

namespace hcipol {
namespace {

constexpr std::size_t most = 60'000;

std::size_t count_of(std::string_view part, std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string_view::npos; ++at) ++count;
  return count;
}

report::DeviceLimits device_with(std::size_t limits) {
  report::DeviceLimits out{"lab/azure-firewall", {}};
  for (std::size_t i = 0; i < limits; ++i) {
    out.uses.push_back({fmt::format("things of the kind {:04}", i), i, i + 1, 10'000});
  }
  return out;
}

TEST(PlanMarkdown, SaysThatLimitsDidNotFit) {
  const policy::Policy none;
  report::Plan plan;
  plan.base.policy.policy = plan.head.policy.policy = &none;
  plan.limits = {device_with(3)};
  const std::string small = plan_markdown(plan);
  EXPECT_NE(small.find("things of the kind 0002"), std::string::npos) << small;
  EXPECT_EQ(small.find("--json"), std::string::npos) << small;
  plan.limits = {device_with(3000)};
  const std::string large = plan_markdown(plan);
  EXPECT_NE(large.find("\n… the limits of devices: `hcipolc plan --json` has them all\n"),
            std::string::npos)
      << large;
  EXPECT_LE(large.size(), most);
}

std::string clusters_with(unsigned port) {
  std::string out = "target \"iptables\" {}\n";
  for (unsigned i = 0; i < 300; ++i) {
    out += fmt::format(
        "feature \"f{0:03}\" {{ allow \"rule\" 10.{1}.{2}.128/25 -> servers on tcp/{3} }}\n"
        "cluster \"a-cluster-with-a-long-name-{0:03}\" {{\n"
        "  node \"n\" {{ address = 10.{1}.{2}.1 }}\n  enable \"f{0:03}\"\n}}\n",
        i, i / 250, i % 250, port + i);
  }
  return out;
}

TEST(PlanMarkdown, SaysWhoseDevicesDidNotFit) {
  test::Session session;
  session.files = test::TestFiles(
      {{"base/main.hcipol", clusters_with(1000)}, {"head/main.hcipol", clusters_with(2000)}});
  const auto [exit, out, err] = session.run({"plan", "--markdown", "--base", "base", "head"});
  EXPECT_LE(out.size(), most);
  EXPECT_GT(out.size(), most / 2) << err;
  const std::size_t last = out.find("\n… ");
  ASSERT_NE(last, std::string::npos) << err;
  const std::string left = out.substr(last, out.find('\n', last + 1) - last);
  for (const auto* what : {" more rows, ", " more clusters and ", "the devices of "}) {
    EXPECT_NE(left.find(what), std::string::npos) << left;
  }
  // Every cluster has one row: what is shown and what is counted are all of them.
  const std::size_t shown = count_of("\n#### ", out);
  EXPECT_NE(left.find(fmt::format("{} more clusters", 300 - shown)), std::string::npos) << left;
}

TEST(PlanMarkdown, ClosesWhatItFoldsWhereverTheRowsEnd) {
  std::string rules;
  for (unsigned i = 0; i < 1000; ++i) {
    rules += fmt::format("  allow \"rule-{0:04}\" 10.9.{1}.{2} -> servers on tcp/{3}\n", i, i / 250,
                         i % 250, 1000 + i);
  }
  const std::string cluster =
      "cluster \"lab\" {\n  node \"n\" { address = 10.0.0.1 }\n  enable \"f\"\n}\n";
  test::Session session;
  session.files =
      test::TestFiles({{"base/main.hcipol",
                        cluster + "feature \"f\" { allow \"r\" 10.8.0.1 -> servers on tcp/1 }\n"},
                       {"head/main.hcipol", cluster + "feature \"f\" {\n" + rules + "}\n"}});
  const auto [exit, out, err] = session.run({"plan", "--markdown", "--base", "base", "head"});
  EXPECT_NE(out.find(" more rows: `hcipolc plan --json`"), std::string::npos) << err;
  EXPECT_EQ(count_of("<details>", out), count_of("</details>", out));
  EXPECT_GT(count_of("<details>", out), 0u);
}

}  // namespace
}  // namespace hcipol
