// Islands of boxes, by examples that a person can check.
#include "net/islands.h"

#include <gtest/gtest.h>

#include "boxes.h"

namespace hcipol::net {
namespace {

using Numbers = std::vector<std::uint32_t>;
using Places = std::vector<std::size_t>;

TEST(Islands, NothingHasNone) {
  EXPECT_EQ(islands({}), Numbers{});
  EXPECT_EQ(not_alone(std::vector<Box>{}), Places{});
}

TEST(Islands, EachAxisParts) {
  const std::vector<Box> boxes = {{clients, servers, tcp_ports(80, 80)},
                                  {clients, servers, tcp_ports(81, 90)},
                                  {servers, servers, tcp_ports(80, 80)},
                                  {clients, clients, tcp_ports(80, 80)},
                                  {clients, servers, tcp_ports(70, 80)}};
  EXPECT_EQ(islands(boxes), (Numbers{0, 1, 2, 3, 0}));
  EXPECT_EQ(not_alone(boxes), (Places{0, 4}));
}

TEST(Islands, NamesPartToo) {
  const auto to = [](const char* pattern) {
    return Box{clients, named(pattern), tcp_ports(443, 443)};
  };
  const std::vector<Box> boxes = {to("a.b.example"), to("c.example"), to("*.b.example"),
                                  to("b.example"), to("x.a.b.example")};
  EXPECT_EQ(islands(boxes), (Numbers{0, 1, 0, 3, 0}));
  // A name and the addresses that it may have are apart.
  EXPECT_EQ(not_alone(std::vector<Box>{to("c.example"), {clients, servers, tcp_ports(443, 443)}}),
            Places{});
}

TEST(Islands, ACutAlongOneAxisMakesAnotherPossible) {
  // By service the wide box holds the two others together; it has another destination.
  const std::vector<Box> boxes = {{clients, servers, tcp_ports(80, 80)},
                                  {clients, clients, tcp_ports(80, 90)},
                                  {clients, servers, tcp_ports(90, 90)}};
  EXPECT_EQ(not_alone(boxes), Places{});
}

TEST(Islands, OfAListOfAddressesEveryPartCounts) {
  const PeerSet two = addresses("10.0.0.1", "10.0.0.1") | addresses("10.9.0.1", "10.9.0.1");
  const std::vector<Box> boxes = {{addresses("10.0.0.1", "10.0.0.9"), servers, tcp_ports(80, 80)},
                                  {addresses("10.5.0.1", "10.5.0.9"), servers, tcp_ports(80, 80)},
                                  {two, servers, tcp_ports(80, 80)},
                                  {addresses("10.9.0.1", "10.9.0.9"), servers, tcp_ports(80, 80)}};
  EXPECT_EQ(islands(boxes), (Numbers{0, 1, 0, 0}));
}

TEST(Islands, AreNeverTooSmallForLongLists) {
  PeerSet every_other;
  for (std::uint64_t i = 0; i < 100; ++i) {
    every_other = every_other | PeerSet{AddressSet(Address{Family::ipv4, 0, 2 * i}), {}};
  }
  const PeerSet last{AddressSet(Address{Family::ipv4, 0, 198}), {}};
  const PeerSet past{AddressSet(Address{Family::ipv4, 0, 199}), {}};
  EXPECT_EQ(islands(std::vector<Box>{{every_other, servers, tcp_ports(80, 80)},
                                     {past, servers, tcp_ports(80, 80)},
                                     {last, servers, tcp_ports(80, 80)}}),
            (Numbers{0, 1, 0}));
}

}  // namespace
}  // namespace hcipol::net
