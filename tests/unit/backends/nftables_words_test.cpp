// What the nftables backend writes for services and for text.
#include <gtest/gtest.h>

#include "backends/nftables/print.h"
#include "backends/nftables/services.h"
#include "gateway_builder.h"

namespace hcipol::test::nftables {
namespace {

using gateway::tcp;
using gateway::udp;
using net::ServiceSet;

TEST(NftablesServices, HaveNoLimitOfPortsAndNoNumberForAny) {
  ServiceSet set;
  for (std::uint16_t i = 0; i < 400; ++i) set = set | tcp(static_cast<std::uint16_t>(10 + 2 * i));
  set = set | udp(53) | ServiceSet::whole(0) | ServiceSet::whole(47) |
        ServiceSet::icmp_type(1, 255) | ServiceSet::icmp_type(1, 254) |
        ServiceSet::of({{65536 + 3 * 256 + 4, 65536 + 4 * 256 + 1}});
  const auto rules = backends::nftables::rules_of(set, net::Family::ipv4);
  using Kind = backends::nftables::Service::Kind;
  ASSERT_EQ(rules.size(), 6U);
  EXPECT_EQ(rules[0].kind, Kind::codes);
  EXPECT_EQ(rules[0].numbers, (std::vector<net::PortRange>{{3 * 256 + 4, 3 * 256 + 255}}));
  EXPECT_EQ(rules[1].numbers, (std::vector<net::PortRange>{{4 * 256, 4 * 256 + 1}}));
  EXPECT_EQ(rules[2].kind, Kind::types);
  EXPECT_EQ(rules[2].numbers, (std::vector<net::PortRange>{{254, 255}}));
  EXPECT_EQ(rules[3].numbers.size(), 400U);
  EXPECT_EQ(rules[4].protocol, net::protocol::udp);
  EXPECT_EQ(rules[5].numbers, (std::vector<net::PortRange>{{0, 0}, {47, 47}}));
}

TEST(NftablesServices, IcmpBelongsToOneFamily) {
  using net::Family;
  const auto numbers = [](const ServiceSet& set, Family family) {
    std::vector<net::PortRange> out;
    for (const auto& rule : backends::nftables::rules_of(set, family)) {
      out.insert(out.end(), rule.numbers.begin(), rule.numbers.end());
    }
    return out;
  };
  const auto both = ServiceSet::icmp_type(1, 8) | ServiceSet::whole(58);
  EXPECT_EQ(numbers(both, Family::ipv4), (std::vector<net::PortRange>{{8, 8}}));
  EXPECT_EQ(numbers(both, Family::ipv6), (std::vector<net::PortRange>{{58, 58}}));
  const auto most = ServiceSet::any() - ServiceSet::whole(6);
  EXPECT_EQ(numbers(most, Family::ipv4), (std::vector<net::PortRange>{{0, 5}, {7, 255}}));
  EXPECT_EQ(numbers(most, Family::ipv6), (std::vector<net::PortRange>{{0, 5}, {7, 255}}));
}

TEST(NftablesPrint, NoQuoteEndsATextAndNoDollarStartsAVariable) {
  std::string comment, prefix;
  backends::nftables::put_comment(comment, "a\"b\\c$d");
  backends::nftables::put_prefix(prefix, "a\"b\\c$d");
  EXPECT_EQ(comment, "\"a'b\\c$d\"");
  EXPECT_EQ(prefix, "\"a'b\\c_d\"");
}

}  // namespace
}  // namespace hcipol::test::nftables
