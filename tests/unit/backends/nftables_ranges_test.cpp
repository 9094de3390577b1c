// Ranges of ports, and prefixes beside ports, are rules: kernels find them in a map by a bit for
// each of its elements.
#include <gtest/gtest.h>

#include "gateway_builder.h"

namespace hcipol::test::nftables {
namespace {

using gateway::Builder;

TEST(NftablesRanges, AreRulesAndSinglePortsOfHostsAreElements) {
  Builder b("nftables");
  b.servers({"10.0.0.1", "10.0.0.2"});
  const auto* one = b.set("one", {"10.1.0.1"});
  const auto* two = b.set("two", {"10.1.0.2"});
  b.allow("m/a", one, two, gateway::tcp(49152, 65535));
  b.allow("m/b", one, two, gateway::tcp(135) | gateway::tcp(40000, 50000));
  b.allow("m/c", one, b.set("net", {"10.2.0.0/16"}), gateway::udp(1, 3));
  net::ServiceSet seventeen;
  for (std::uint16_t port = 1; port < 34; port = static_cast<std::uint16_t>(port + 2)) {
    seventeen = seventeen | gateway::tcp(port);
  }
  b.allow("m/d", one, b.set("three", {"10.1.0.3"}), seventeen);
  b.allow("m/e", one, b.set("four", {"10.1.0.4"}), gateway::tcp(1, 16));
  b.allow("m/f", b.set("site", {"10.3.0.0/16"}), two, gateway::udp(53));
  const std::string text = b.emit().at("ruleset.nft");
  for (const char* part : {R"(  chain allow.one {
    tcp dport 49152-65535 ip daddr 10.1.0.2 accept comment "m/a"
    tcp dport { 135, 40000-50000 } ip daddr 10.1.0.2 accept comment "m/b"
    udp dport 1-3 ip daddr 10.2.0.0/16 accept comment "m/c"
    tcp dport { 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31, 33 } ip daddr 10.1.0.3 accept comment "m/d"
  }
)",
                           R"(  map allow.pairs4 {
    type ipv4_addr . ipv4_addr . inet_proto . inet_service : verdict;
    elements = {
      10.1.0.1 . 10.1.0.4 . tcp . 1 comment "m/e" : accept,
)",
                           R"(  map allow.site.to4 {
    type ipv4_addr . inet_proto . inet_service : verdict;
    elements = {
      10.1.0.2 . udp . 53 comment "m/f" : accept,
    }
  }
)"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << text;
  }
  EXPECT_EQ(text.find("inet_service : verdict; flags interval"), std::string::npos) << text;
}

// Many ranges of names are found by maps of their own, in which nft refuses what overlaps; so does
// the reader.
TEST(NftablesRanges, OfMapsDoNotOverlap) {
  Builder b("nftables");
  b.servers({"10.0.0.1"});
  for (std::uint16_t i = 0; i < 40; ++i) {
    const std::string name = "h" + std::to_string(i);
    const auto first = static_cast<std::uint16_t>(1024 + 64 * i);
    b.allow("m/" + name, b.cluster.servers, b.set(name, {name + ".example"}),
            gateway::tcp(first, static_cast<std::uint16_t>(first + 63)));
  }
  const std::string text = b.emit().at("ruleset.nft");
  const auto map = text.find("  map allow.servers/ports {\n    type");
  ASSERT_NE(map, std::string::npos) << text;
  const auto range = text.find("tcp . ", map) + 6;
  const auto dash = text.find('-', range);
  const auto end = text.find(' ', range);
  ASSERT_LT(dash, end);
  const unsigned last = static_cast<unsigned>(std::stoul(text.substr(dash + 1, end - dash - 1)));
  for (const std::string& broken : {std::to_string(last + 1), std::to_string(last - 1),
                                    std::string("65536"), std::string("1")}) {
    backends::Emission faulty = b.emission;
    faulty.artefacts.front().text.replace(dash + 1, end - dash - 1, broken);
    EXPECT_TRUE(backends::difference(*backends::find("nftables"), b.device, faulty)) << broken;
  }
}

}  // namespace
}  // namespace hcipol::test::nftables
