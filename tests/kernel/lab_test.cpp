// The lab loses nothing of its own, and sees what others lose.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/kernel/judge.h"

namespace hcipol::test::kernel {
namespace {

// What waits for its turn on a busy machine must not find its connection gone.
TEST(KernelLab, KeepsConnectionsForLongerThanAnyTest) {
  if (!Judge::missing().empty()) GTEST_SKIP() << Judge::missing();
  GatewayLab lab;
  const auto at = [](const char* text) { return net::parse_address(text).value(); };
  ASSERT_EQ(lab.run("nft 'table inet t { chain c { type filter hook forward priority 0; ct state "
                    "established accept; }; }'")
                .first,
            0);
  const std::vector<GatewayLab::Probe> probes{
      {at("10.0.0.1"), at("10.0.9.7"), 17U << 16 | 53},
      {at("fd00::1"), at("fd00:9::7"), 17U << 16 | 53},
      {at("10.0.0.1"), at("10.0.9.7"), 6U << 16 | 443},
      {at("10.0.0.1"), at("10.0.9.7"), 1U << 16 | 8U << 8},
      {at("fd00::1"), at("fd00:9::7"), 58U << 16 | 128U << 8}};
  for (const Fate fate : lab.send(probes)) EXPECT_EQ(fate, Fate::passed);
  const auto [known, all] = lab.run("cat /proc/net/nf_conntrack");
  if (known != 0) GTEST_SKIP() << all;
  EXPECT_GE(std::count(all.begin(), all.end(), '\n'), std::ssize(probes));
  // The fifth word says in how many seconds it ends.
  EXPECT_EQ(lab.run("awk '$5 < 3600' /proc/net/nf_conntrack").second, "");
}

// A gateway that refuses an answer quotes it, to the side where the answer is awaited.
TEST(KernelLab, TakesNoRefusalOfAnAnswerForTheAnswer) {
  if (!Judge::missing().empty()) GTEST_SKIP() << Judge::missing();
  GatewayLab lab;
  const auto at = [](const char* text) { return net::parse_address(text).value(); };
  ASSERT_EQ(lab.run("nft 'table inet t { chain c { type filter hook forward priority 0; iifname "
                    "to-right reject; }; }'")
                .first,
            0);
  const std::vector<GatewayLab::Probe> probes{
      {at("10.0.0.1"), at("10.0.9.7"), 17U << 16 | 53},
      {at("fd00::1"), at("fd00:9::7"), 17U << 16 | 53},
      {at("10.0.0.1"), at("10.0.9.7"), 6U << 16 | 443},
      {at("10.0.0.1"), at("10.0.9.7"), 1U << 16 | 8U << 8},
      {at("fd00::1"), at("fd00:9::7"), 58U << 16 | 128U << 8}};
  for (const Fate fate : lab.send(probes)) EXPECT_EQ(fate, Fate::one_way);
}

}  // namespace
}  // namespace hcipol::test::kernel
