// The lab loses nothing of its own, and is right about where packets vanish: they are made to
// vanish at a place that is known.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/kernel/judge.h"

namespace hcipol::test::kernel {
namespace {

constexpr std::uint16_t ports = 64;  ///< of UDP in each family, and of TCP

/// Takes away what concerns five ports, at one place of the gateway.
struct Thief {
  const char* name;
  const char* script;
  std::ptrdiff_t taken;
  const char* missed;  ///< of twice all packets: by the first place that does not see them
};

constexpr Thief thieves[] = {
    {"cable",
     "nft 'table netdev t { chain c { type filter hook ingress device to-left priority 0; udp "
     "dport < 5005 drop; }; }'",
     10, "openings: 374 read by the gateway, 10 lost before this"},
    {"tracking",
     "nft 'table inet t { chain c { type filter hook prerouting priority -150; tcp sport < 5005 "
     "drop; }; }'",
     5, "answers: 379 tracked and routed by it, rules not asked yet, 5 lost before this"},
    {"rules",
     "nft 'table inet t { chain c { type filter hook forward priority 0; udp dport < 5005 drop; "
     "}; }'",
     10, "openings: 374 past its rules, 10 lost before this"},
    {"reset",
     "nft 'table inet t { chain c { type filter hook forward priority 0; tcp dport < 5005 reject "
     "with tcp reset; }; }'",
     5, "openings: 379 past its rules, 5 lost before this"},
    {"refused_answer",
     "nft 'table inet t { chain c { type filter hook forward priority 0; udp sport < 5005 reject; "
     "}; }'",
     10, "answers: 374 past its rules, 10 lost before this"},
    {"exit",
     "nft 'table inet t { chain c { type filter hook postrouting priority 100; udp dport < 5005 "
     "drop; }; }'",
     10, "openings: 374 leaving it, connection not confirmed yet, 10 lost before this"},
    {"last",
     "nft 'table netdev t { chain c { type filter hook egress device to-right priority 0; udp "
     "dport < 5005 drop; }; }'",
     10, "openings: 374 at the far end of the cable, 10 lost before this"},
};

class KernelWatch : public testing::TestWithParam<Thief> {};

TEST_P(KernelWatch, NamesThePlaceWherePacketsVanish) {
  if (!Judge::missing().empty()) GTEST_SKIP() << Judge::missing();
  GatewayLab lab;
  lab.watch();
  const auto at = [](const char* text) { return net::parse_address(text).value(); };
  std::vector<GatewayLab::Probe> probes;
  for (std::uint16_t i = 0; i < ports; ++i) {
    const std::uint32_t port = 5000U + i;
    probes.push_back({at("10.0.0.1"), at("10.0.9.7"), 17U << 16 | port});
    probes.push_back({at("fd00::1"), at("fd00:9::7"), 17U << 16 | port});
    probes.push_back({at("fd00::1"), at("fd00:9::7"), 6U << 16 | port});
  }
  const auto lost = [&] {
    const auto fates = lab.send(probes);
    return std::count_if(fates.begin(), fates.end(),
                         [](Fate fate) { return fate != Fate::passed; });
  };
  const auto missed = [&]() -> std::string {
    for (const std::string& line : lab.watched()) {
      if (line.find("lost before") != std::string::npos) return line;
    }
    return {};
  };
  ASSERT_EQ(lost(), 0);
  ASSERT_EQ(missed(), "");
  const auto [status, out] = lab.run(GetParam().script);
  ASSERT_EQ(status, 0) << out;
  EXPECT_EQ(lost(), GetParam().taken);
  EXPECT_EQ(missed(), GetParam().missed) << fmt::format("{}", fmt::join(lab.watched(), "\n"));
  EXPECT_EQ(lab.overflowed(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Places, KernelWatch, testing::ValuesIn(thieves),
                         [](const auto& thief) { return std::string(thief.param.name); });

}  // namespace
}  // namespace hcipol::test::kernel
