// Text forms of addresses against the tables of the RFCs, and arithmetic at the ends.
#include "net/address.h"

#include <gtest/gtest.h>

#include <string>

namespace hcipol::net {
namespace {

Address at(const std::string& text) {
  return parse_address(text).value();
}

TEST(Address, WritesIpv6AsRfc5952Says) {
  const struct {
    const char* text;
    const char* canonical;
  } table[] = {
      // Section 1 to 2: eight ways to write one address.
      {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
      {"2001:0db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
      {"2001:db8::1:0:0:1", "2001:db8::1:0:0:1"},
      {"2001:db8::0:1:0:0:1", "2001:db8::1:0:0:1"},
      {"2001:0db8::1:0:0:1", "2001:db8::1:0:0:1"},
      {"2001:db8:0:0:1::1", "2001:db8::1:0:0:1"},
      {"2001:db8:0000:0:1::1", "2001:db8::1:0:0:1"},
      {"2001:DB8:0:0:1::1", "2001:db8::1:0:0:1"},
      // 4.1 leading zeros, 4.2.1 shorten as much as possible.
      {"2001:0db8::0001", "2001:db8::1"},
      {"2001:db8:0:0:0:0:2:1", "2001:db8::2:1"},
      // 4.2.2 one group is not shortened.
      {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
      {"2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
      // 4.2.3 the longest run, the first of equals.
      {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
      {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
      // 4.3 lower case.
      {"ABCD:EF01:2345:6789:ABCD:EF01:2345:6789", "abcd:ef01:2345:6789:abcd:ef01:2345:6789"},
      // RFC 4291, 2.2.
      {"FF01:0:0:0:0:0:0:101", "ff01::101"},
      {"0:0:0:0:0:0:0:1", "::1"},
      {"0:0:0:0:0:0:0:0", "::"},
      {"1:0:0:0:0:0:0:0", "1::"},
      {"1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"},
      {"0:0:1:2:3:4:5:6", "::1:2:3:4:5:6"},
  };
  for (const auto& row : table) {
    const auto address = parse_address(row.text);
    ASSERT_TRUE(address) << row.text;
    EXPECT_EQ(address->family, Family::ipv6) << row.text;
    EXPECT_EQ(to_string(*address), row.canonical) << row.text;
  }
}

TEST(Address, ReadsTheRightBits) {
  EXPECT_EQ(at("2001:db8::ff00:42:8329"),
            (Address{Family::ipv6, 0x20010db800000000, 0x0000ff0000428329}));
  EXPECT_EQ(at("192.0.2.235"), (Address{Family::ipv4, 0, 3221226219}));
  EXPECT_EQ(to_string(at("10.0.0.255")), "10.0.0.255");
}

TEST(Address, RefusesWhatIsNoAddress) {
  for (const char* text : {"",
                           ".",
                           "1",
                           "1.2.3",
                           "1.2.3.4.5",
                           "1.2.3.256",
                           "1.2.3.-4",
                           "1.2.3.+4",
                           "01.2.3.4",
                           "1.2.3.00",
                           "1.2.3.4 ",
                           " 1.2.3.4",
                           "1.2..4",
                           "1.2.3.",
                           ".1.2.3",
                           "1.2.3.4/8",
                           "0x1.2.3.4",
                           "1.2.3.99999999999999999999",
                           "a.b.c.d",
                           ":",
                           ":::",
                           "::1::",
                           "1::2::3",
                           ":1::2",
                           "1::2:",
                           "1:2:3:4:5:6:7",
                           "1:2:3:4:5:6:7:8:9",
                           "1:2:3:4:5:6:7::8",
                           "::1:2:3:4:5:6:7:8",
                           "12345::",
                           "g::",
                           "fe80::1%eth0",
                           "::ffff:1.2.3.4",
                           "1:2:3:4:5:6:1.2.3.4",
                           "[::1]",
                           "::1 ",
                           "::-1",
                           "::+1",
                           "0x1::"}) {
    EXPECT_FALSE(parse_address(text)) << text;
  }
  EXPECT_FALSE(parse_address(std::string_view("1.2.3.4\0", 8)));
}

TEST(Address, NeighboursStopAtTheEndsOfAFamily) {
  EXPECT_EQ(next(at("255.255.255.255")), std::nullopt);
  EXPECT_EQ(previous(at("0.0.0.0")), std::nullopt);
  EXPECT_EQ(previous(at("::")), std::nullopt);
  EXPECT_EQ(next(at("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")), std::nullopt);
  EXPECT_EQ(next(at("::ffff:ffff:ffff:ffff")), at("0:0:0:1::"));
  EXPECT_EQ(previous(at("0:0:0:1::")), at("::ffff:ffff:ffff:ffff"));
  EXPECT_EQ(next(at("10.0.0.255")), at("10.0.1.0"));
  EXPECT_LT(at("255.255.255.255"), at("::"));
}

TEST(Address, PrefixesClearAndSetHostBits) {
  const Address a = at("192.168.129.77");
  EXPECT_EQ(first_of(a, 20), at("192.168.128.0"));
  EXPECT_EQ(last_of(a, 20), at("192.168.143.255"));
  EXPECT_EQ(first_of(a, 32), a);
  EXPECT_EQ(last_of(a, 0), at("255.255.255.255"));

  const Address b = at("2001:db8:1:2:3:4:5:6");
  EXPECT_EQ(first_of(b, 0), at("::"));
  EXPECT_EQ(last_of(b, 0), last_address(Family::ipv6));
  EXPECT_EQ(first_of(b, 63), at("2001:db8:1:2::"));
  EXPECT_EQ(last_of(b, 63), at("2001:db8:1:3:ffff:ffff:ffff:ffff"));
  EXPECT_EQ(last_of(b, 64), at("2001:db8:1:2:ffff:ffff:ffff:ffff"));
  EXPECT_EQ(first_of(b, 65), at("2001:db8:1:2::"));
  EXPECT_EQ(last_of(b, 65), at("2001:db8:1:2:7fff:ffff:ffff:ffff"));
  EXPECT_EQ(last_of(b, 128), b);
}

TEST(Address, WritesPrefixes) {
  EXPECT_EQ(to_string(Cidr{at("10.0.0.1"), 32}), "10.0.0.1/32");
  EXPECT_EQ(parse_cidr("10.0.0.0/28"), (Cidr{at("10.0.0.0"), 28}));
  EXPECT_EQ(parse_cidr("10.0.0.1"), (Cidr{at("10.0.0.1"), 32}));
  EXPECT_EQ(parse_cidr("fd00::/8"), (Cidr{at("fd00::"), 8}));
  EXPECT_EQ(parse_cidr("::/0"), (Cidr{at("::"), 0}));
  for (const char* wrong : {"10.0.0.1/28", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/+8", "10.0.0.0/8 ",
                            "fd00::/129", "/8", "", "10.0.0/8"}) {
    EXPECT_FALSE(parse_cidr(wrong)) << wrong;
  }
  EXPECT_EQ(to_short_string(Cidr{at("10.0.0.1"), 32}), "10.0.0.1");
  EXPECT_EQ(to_short_string(Cidr{at("::"), 32}), "::/32");
  EXPECT_EQ(to_short_string(Cidr{at("::1"), 128}), "::1");
}

}  // namespace
}  // namespace hcipol::net
