// Covered boxes, by examples that a person can check.
#include "net/cover.h"

#include <gtest/gtest.h>

#include "boxes.h"

namespace hcipol::net {
namespace {

using Answers = std::vector<std::vector<std::size_t>>;

/// By both ways, which must agree.
Answers covers_of(const std::vector<Box>& boxes) {
  PacketUniverse universe(boxes);
  const Answers out = covers(universe, boxes);
  EXPECT_EQ(covers(boxes), out);
  return out;
}

TEST(Cover, NothingCoversNothing) {
  EXPECT_EQ(covers_of({}), Answers{});
  EXPECT_EQ(covers_of({{clients, servers, tcp_ports(80, 80)}}), Answers{{}});
}

TEST(Cover, AWiderBoxCoversWhereverItStands) {
  const Box narrow{addresses("10.0.0.7", "10.0.0.7"), servers, tcp_ports(80, 80)};
  const Box wide{clients, servers, tcp_ports(80, 90)};
  EXPECT_EQ(covers_of({narrow, wide}), (Answers{{1}, {}}));
  EXPECT_EQ(covers_of({wide, narrow}), (Answers{{}, {0}}));
}

TEST(Cover, OfEqualBoxesTheFirstStays) {
  const Box box{clients, servers, tcp_ports(80, 80)};
  EXPECT_EQ(covers_of({box, box, box}), (Answers{{}, {0}, {0}}));
}

TEST(Cover, AUnionCovers) {
  const Box half{addresses("10.0.0.0", "10.0.0.127"), PeerSet::all(), tcp_ports(1, 100)};
  const Box other{addresses("10.0.0.128", "10.0.0.255"), PeerSet::all(), tcp_ports(50, 200)};
  const Box far{addresses("10.9.0.0", "10.9.0.1"), PeerSet::all(), tcp_ports(1, 65535)};
  EXPECT_EQ(covers_of({half, far, {clients, servers, tcp_ports(60, 90)}, other}),
            (Answers{{}, {}, {0, 3}, {}}));
  // One port more, and nothing is left out.
  EXPECT_EQ(covers_of({half, far, {clients, servers, tcp_ports(49, 90)}, other}),
            (Answers{{}, {}, {}, {}}));
}

TEST(Cover, OneBoxIsABetterAnswerThanTwo) {
  const Box low{clients, servers, tcp_ports(1, 50)};
  const Box high{clients, servers, tcp_ports(51, 100)};
  const Box both{clients, servers, tcp_ports(1, 100)};
  EXPECT_EQ(covers_of({low, high, both}), (Answers{{2}, {2}, {}}));
}

TEST(Cover, BlockersAreThemselvesKept) {
  const Box tiny{addresses("10.0.0.7", "10.0.0.7"), servers, tcp_ports(80, 80)};
  const Box small{addresses("10.0.0.0", "10.0.0.15"), servers, tcp_ports(80, 80)};
  const Box large{clients, servers, tcp_ports(80, 80)};
  EXPECT_EQ(covers_of({tiny, small, large}), (Answers{{2}, {2}, {}}));
}

TEST(Cover, NamesAndIpv6) {
  const ServiceSet https = tcp_ports(443, 443);
  const Box exact{servers, named("x.blob.core.windows.net"), https};
  const Box blobs{servers, named("*.blob.core.windows.net"), https};
  const Box core{servers, named("*.core.windows.net"), https};
  EXPECT_EQ(covers_of({exact, blobs, core}), (Answers{{2}, {2}, {}}));
  const Box apex{servers, named("core.windows.net"), https};
  EXPECT_EQ(covers_of({apex, core}), (Answers{{}, {}}));

  const Box v6{addresses("fd00::1", "fd00::2"), addresses("fd00:1::", "fd00:1::ff"), https};
  const Box v6_low{addresses("fd00::", "fd00::1"), PeerSet::all(), https};
  const Box v6_high{addresses("fd00::2", "fd00::ffff"), PeerSet::all(), https};
  EXPECT_EQ(covers_of({v6, v6_low, v6_high}), (Answers{{1, 2}, {}, {}}));
}

TEST(Cover, OfOneBoxByOthers) {
  const Box box{clients, servers, tcp_ports(60, 90)};
  const std::vector<Box> by = {{clients, servers, tcp_ports(1, 70)},
                               {clients, servers, tcp_ports(65, 80)},
                               {clients, servers, tcp_ports(71, 99)}};
  std::vector<Box> all = by;
  all.push_back(box);
  PacketUniverse universe(all);
  EXPECT_EQ(cover(universe, box, by), (std::vector<std::size_t>{0, 2}));
  EXPECT_EQ(cover(universe, box, std::span(by).first(2)), std::nullopt);
  EXPECT_EQ(cover(universe, box, all), (std::vector<std::size_t>{3}));
  EXPECT_EQ(cover(universe, box, {}), std::nullopt);
}

TEST(Cover, AnEmptyBoxIsABug) {
  const std::vector<Box> boxes = {{clients, servers, {}}};
  PacketUniverse universe(boxes);
  EXPECT_THROW(covers(universe, boxes), Bug);
  EXPECT_THROW(covers(boxes), Bug);
}

// A list too long to be compared two by two goes through a universe.
TEST(Cover, LongListsSayTheSame) {
  std::vector<Box> boxes;
  for (std::uint16_t port = 1; port <= 1200; ++port) {
    boxes.push_back(
        {clients, servers, tcp_ports(port, static_cast<std::uint16_t>(port + port % 2))});
  }
  const Answers answers = covers(boxes);
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    // tcp/1-2 covers tcp/2.
    EXPECT_EQ(answers[i], i % 2 == 0 ? std::vector<std::size_t>{} : std::vector{i - 1}) << i;
  }
}

}  // namespace
}  // namespace hcipol::net
