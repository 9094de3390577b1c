// The laws of sets for every type of set, IPv6 and names included. What members they have is
// checked elsewhere; here, that the operations fit together.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <string>
#include <vector>

#include "net/peer_set.h"
#include "net/service.h"
#include "tests/support/set_laws.h"

namespace hcipol::net {
namespace {

AddressSet any_range() {
  static const std::vector<std::string> texts = {"0.0.0.0",
                                                 "10.0.0.0",
                                                 "10.0.0.1",
                                                 "10.0.0.127",
                                                 "10.0.0.255",
                                                 "10.1.0.0",
                                                 "255.255.255.255",
                                                 "::",
                                                 "fd00::",
                                                 "fd00::1",
                                                 "fd00::ff",
                                                 "fd00:0:0:1::",
                                                 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"};
  Address a = parse_address(*rc::gen::elementOf(texts)).value();
  Address b = parse_address(*rc::gen::elementOf(texts)).value();
  if (b < a) std::swap(a, b);
  if (a.family != b.family) b = last_address(a.family);
  return AddressSet(AddressRange{a, b});
}

DomainSet any_domain_set() {
  static const std::vector<std::string> patterns = {"a.t",
                                                    "*.a.t",
                                                    "x.a.t",
                                                    "*.x.a.t",
                                                    "b.t",
                                                    "*.b.t",
                                                    "*.core.windows.net",
                                                    "*.blob.core.windows.net",
                                                    "y.blob.core.windows.net"};
  return DomainSet(parse_pattern(*rc::gen::elementOf(patterns)).value());
}

ServiceSet any_service() {
  const auto protocol = *rc::gen::element<std::uint8_t>(1, 6, 17, 47, 58);
  if (!has_ports(protocol)) {
    if (has_types(protocol) && *rc::gen::arbitrary<bool>()) {
      return ServiceSet::icmp_type(protocol, *rc::gen::element<std::uint8_t>(0, 8, 128, 255));
    }
    return ServiceSet::whole(protocol);
  }
  auto a = *rc::gen::element<std::uint16_t>(0, 1, 79, 80, 81, 443, 65534, 65535);
  auto b = *rc::gen::element<std::uint16_t>(0, 1, 79, 80, 81, 443, 65534, 65535);
  if (b < a) std::swap(a, b);
  return ServiceSet::ports(protocol, a, b);
}

/// A few pieces put in and taken out.
template <class Set, class Piece>
Set any_set(const Set& all, Piece piece) {
  Set out = *rc::gen::weightedElement<bool>({{3, false}, {1, true}}) ? all : Set();
  const int steps = *rc::gen::inRange(0, 6);
  for (int i = 0; i < steps; ++i) out = *rc::gen::arbitrary<bool>() ? out | piece() : out - piece();
  return out;
}

template <class Set, class Piece>
void check_laws(const Set& all, Piece piece) {
  const Set none;
  const Set a = any_set(all, piece);
  const Set b = any_set(all, piece);
  const Set c = any_set(all, piece);
  test::check_set_laws(a, b, c, all, none);
}

TEST(NetSetLaws, Addresses) {
  EXPECT_TRUE(rc::check("addresses", [] { check_laws(AddressSet::all(), any_range); }));
}

TEST(NetSetLaws, Names) {
  EXPECT_TRUE(rc::check("names", [] { check_laws(DomainSet::all(), any_domain_set); }));
}

TEST(NetSetLaws, Services) {
  EXPECT_TRUE(rc::check("services", [] { check_laws(ServiceSet::any(), any_service); }));
}

TEST(NetSetLaws, Peers) {
  EXPECT_TRUE(rc::check("peers", [] {
    check_laws(PeerSet::all(), [] {
      return *rc::gen::arbitrary<bool>() ? PeerSet{any_range(), {}} : PeerSet{{}, any_domain_set()};
    });
  }));
}

}  // namespace
}  // namespace hcipol::net
