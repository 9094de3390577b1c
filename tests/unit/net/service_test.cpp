// Services: the axis, text forms, and what the invariants refuse.
#include "net/service.h"

#include <gtest/gtest.h>

#include "support/bug.h"

namespace hcipol::net {
namespace {

using protocol::icmp;
using protocol::icmpv6;
using protocol::tcp;
using protocol::udp;

TEST(ServiceSet, WritesAsTheLanguageDoes) {
  EXPECT_EQ(to_string(ServiceSet()), "none");
  EXPECT_EQ(to_string(ServiceSet::any()), "any");
  EXPECT_EQ(to_string(ServiceSet::ports(tcp, 445, 445)), "tcp/445");
  EXPECT_EQ(to_string(ServiceSet::ports(tcp, 5000, 5099)), "tcp/5000-5099");
  EXPECT_EQ(to_string(ServiceSet::ports(udp, 0, 65535)), "udp/any");
  EXPECT_EQ(to_string(ServiceSet::whole(tcp)), "tcp/any");
  EXPECT_EQ(to_string(ServiceSet::whole(icmp)), "icmp");
  EXPECT_EQ(to_string(ServiceSet::icmp_type(icmp, 8)), "icmp/8");
  EXPECT_EQ(to_string(ServiceSet::icmp_type(icmpv6, 128)), "icmpv6/128");
  EXPECT_EQ(to_string(ServiceSet::whole(47)), "ip/47");
  EXPECT_EQ(to_string(ServiceSet::whole(50) | ServiceSet::whole(51)), "ip/50-51");
  EXPECT_EQ(to_string(ServiceSet::ports(udp, 53, 53) | ServiceSet::ports(tcp, 443, 443) |
                      ServiceSet::ports(tcp, 53, 53)),
            "tcp/53, tcp/443, udp/53");
  EXPECT_EQ(to_string(ServiceSet::any() - ServiceSet::ports(tcp, 445, 445)), "any except tcp/445");
}

TEST(ServiceSet, WritesIcmpCodes) {
  const std::uint32_t type3 = icmp * 65536U + 3 * 256U;
  EXPECT_EQ(to_string(ServiceSet::of({{type3 + 4, type3 + 4}})), "icmp/3:4");
  EXPECT_EQ(to_string(ServiceSet::of({{type3 + 4, type3 + 9}})), "icmp/3:4-9");
  EXPECT_EQ(to_string(ServiceSet::of({{type3 + 254, type3 + 3 * 256 + 1}})),
            "icmp/3:254-255, icmp/4-5, icmp/6:0-1");
  EXPECT_EQ(to_string(ServiceSet::of({{type3 + 255, type3 + 256}})), "icmp/3:255, icmp/4:0");
}

TEST(ServiceSet, AProtocolIsPartOfEveryMember) {
  const ServiceSet set = ServiceSet::ports(tcp, 443, 443) | ServiceSet::ports(udp, 53, 53);
  EXPECT_FALSE(set.contains(ServiceSet::ports(tcp, 53, 53)));
  EXPECT_FALSE(set.intersects(ServiceSet::ports(udp, 443, 443)));
  EXPECT_EQ(set.protocols(), (std::vector<std::uint8_t>{tcp, udp}));
  EXPECT_EQ(set.only(udp), ServiceSet::ports(udp, 53, 53));
  EXPECT_EQ(set.ports(tcp), (std::vector<PortRange>{{443, 443}}));
  EXPECT_TRUE(set.ports(icmp).empty());
}

TEST(ServiceSet, WholeProtocols) {
  EXPECT_TRUE(ServiceSet::any().is_any());
  EXPECT_EQ(ServiceSet::any().protocols().size(), 256U);
  EXPECT_EQ(ServiceSet::any().ports(tcp), (std::vector<PortRange>{{0, 65535}}));
  EXPECT_TRUE(ServiceSet::any().contains_whole(255));
  const ServiceSet most = ServiceSet::any() - ServiceSet::ports(tcp, 1, 1);
  EXPECT_FALSE(most.is_any());
  EXPECT_FALSE(most.contains_whole(tcp));
  EXPECT_TRUE(most.contains_whole(udp));
  EXPECT_EQ(most.ports(tcp), (std::vector<PortRange>{{0, 0}, {2, 65535}}));
  EXPECT_EQ(most | ServiceSet::whole(tcp), ServiceSet::any());
}

TEST(ServiceSet, RefusesPartsOfProtocolsWithoutDetails) {
  EXPECT_THROW(ServiceSet::ports(47, 1, 2), Bug);
  EXPECT_THROW(ServiceSet::of({{47 * 65536, 47 * 65536 + 1}}), Bug);
  EXPECT_THROW(ServiceSet::of({{2, 1}}), Bug);
  EXPECT_THROW(ServiceSet::of({{0, 1U << 24}}), Bug);
}

TEST(Protocols, Names) {
  EXPECT_EQ(protocol_name(6), "tcp");
  EXPECT_EQ(protocol_name(58), "icmpv6");
  EXPECT_EQ(protocol_name(132), "132");
  EXPECT_EQ(protocol_number("udp"), std::optional<std::uint8_t>(17));
  EXPECT_EQ(protocol_number("TCP"), std::nullopt);
  EXPECT_EQ(protocol_number("47"), std::nullopt);
}

}  // namespace
}  // namespace hcipol::net
