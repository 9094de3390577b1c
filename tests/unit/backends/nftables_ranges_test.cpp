// More ports than a map should have elements for are ranges of them.
#include <gtest/gtest.h>

#include "gateway_builder.h"

namespace hcipol::test::nftables {
namespace {

using gateway::Builder;

TEST(NftablesRanges, AreElementsAndNoneOverlaps) {
  Builder b("nftables");
  b.servers({"10.0.0.1", "10.0.0.2"});
  const auto* one = b.set("one", {"10.1.0.1"});
  b.allow("m/a", one, b.set("two", {"10.1.0.2"}), gateway::tcp(49152, 65535));
  b.allow("m/b", one, b.set("two", {"10.1.0.2"}),
          gateway::tcp(50000, 50100) | gateway::tcp(135) | gateway::tcp(40000, 50000));
  b.allow("m/c", one, b.set("net", {"10.2.0.0/16"}), gateway::udp(1, 100));
  net::ServiceSet scattered;
  for (std::uint16_t port = 1; port < 200; port = static_cast<std::uint16_t>(port + 3)) {
    scattered = scattered | gateway::tcp(port);
  }
  b.allow("m/d", one, b.set("three", {"10.1.0.3"}), scattered);
  b.allow("m/e", b.cluster.servers, b.set("two", {"10.1.0.2"}), gateway::udp(5000, 6000));
  const std::string text = b.emit().at("ruleset.nft");
  EXPECT_NE(text.find(R"(  map allow.pairs4-32-32.ranges {
    type ipv4_addr . ipv4_addr . inet_proto . inet_service : verdict; flags interval;
    elements = {
      10.1.0.1 . 10.1.0.2 . tcp . 49152-65535 comment "m/a" : accept,
      10.1.0.1 . 10.1.0.2 . tcp . 135 comment "m/b" : accept,
      10.1.0.1 . 10.1.0.2 . tcp . 40000-49151 comment "m/b" : accept,
    }
)"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("      10.1.0.1 . 10.2.0.0/16 . udp . 1-100 comment \"m/c\" : accept,\n"),
            std::string::npos);
  EXPECT_NE(text.find("      10.1.0.2 . udp . 5000-6000 comment \"m/e\" : accept,\n"),
            std::string::npos);
  // More ranges than that are one rule.
  EXPECT_NE(text.find(" } ip daddr 10.1.0.3 accept comment \"m/d\"\n"), std::string::npos) << text;

  // nft refuses what overlaps, and so does the reader.
  for (const auto& [sane, broken] :
       {std::pair("40000-49151", "40000-49152"), std::pair(". 135", ". 50000"),
        std::pair("49152-65535", "65535-49152"), std::pair("49152-65535", "49152-65536"),
        std::pair("49152-65535", "49152-65534")}) {
    backends::Emission faulty = b.emission;
    std::string& file = faulty.artefacts.front().text;
    const auto at = file.find(sane);
    ASSERT_NE(at, std::string::npos) << sane;
    file.replace(at, std::string_view(sane).size(), broken);
    EXPECT_TRUE(backends::difference(*backends::find("nftables"), b.device, faulty)) << broken;
  }
}

}  // namespace
}  // namespace hcipol::test::nftables
