// Address sets: the built-in ones member by member, text forms, prefix covers.
#include "net/address_set.h"

#include <gtest/gtest.h>

#include <string>

#include "support/bug.h"

namespace hcipol::net {
namespace {

Address address(const std::string& text) {
  return parse_address(text).value();
}
AddressSet from_to(const std::string& first, const std::string& last) {
  return AddressSet(AddressRange{address(first), address(last)});
}

TEST(AddressSet, JoinsNeighboursButNotFamilies) {
  const auto set = AddressSet::of({{address("10.0.0.4"), address("10.0.0.7")},
                                   {address("10.0.0.0"), address("10.0.0.3")},
                                   {address("10.0.0.2"), address("10.0.0.5")}});
  EXPECT_EQ(to_string(set), "10.0.0.0/29");
  EXPECT_EQ(AddressSet::all().ranges().size(), 2U);
  EXPECT_EQ(to_string(AddressSet::all()), "0.0.0.0/0, ::/0");
  EXPECT_EQ(AddressSet::all(Family::ipv4) | AddressSet::all(Family::ipv6), AddressSet::all());
}

TEST(AddressSet, Writes) {
  EXPECT_EQ(to_string(AddressSet()), "none");
  EXPECT_EQ(to_string(from_to("10.0.0.0", "10.0.0.15") | from_to("10.0.0.20", "10.0.0.22") |
                      AddressSet(address("2001:db8::1"))),
            "10.0.0.0/28, 10.0.0.20-10.0.0.22, 2001:db8::1");
}

TEST(AddressSet, FewestPrefixes) {
  std::string text;
  for (const Cidr& cidr : from_to("10.0.0.1", "10.0.0.14").cidrs()) text += to_string(cidr) + " ";
  EXPECT_EQ(text, "10.0.0.1/32 10.0.0.2/31 10.0.0.4/30 10.0.0.8/30 10.0.0.12/31 10.0.0.14/32 ");
  EXPECT_EQ(AddressSet::all().cidrs().size(), 2U);
  // All but one address: one prefix per length, 1 … 128.
  EXPECT_EQ((AddressSet::all(Family::ipv6) - AddressSet(address("::"))).cidrs().size(), 128U);
  EXPECT_EQ((AddressSet::all(Family::ipv4) - AddressSet(last_address(Family::ipv4))).cidrs().size(),
            32U);
}

TEST(AddressSet, Families) {
  const AddressSet both = AddressSet(address("10.0.0.1")) | AddressSet(address("::1"));
  EXPECT_TRUE(both.has(Family::ipv4));
  EXPECT_TRUE(both.has(Family::ipv6));
  EXPECT_EQ(both.only(Family::ipv6), AddressSet(address("::1")));
  EXPECT_FALSE(both.only(Family::ipv6).has(Family::ipv4));
  EXPECT_FALSE(AddressSet().has(Family::ipv4));
}

TEST(AddressSet, RefusesABackwardRange) {
  EXPECT_THROW(from_to("10.0.0.2", "10.0.0.1"), Bug);
  EXPECT_THROW(from_to("10.0.0.2", "::1"), Bug);
}

TEST(AddressSet, PrivateIsRfc1918UlaAndLinkLocal) {
  for (const char* text : {"10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255",
                           "192.168.0.0", "192.168.255.255", "169.254.0.0", "169.254.255.255",
                           "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                           "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}) {
    EXPECT_TRUE(private_addresses().contains(address(text))) << text;
    EXPECT_FALSE(internet_addresses().contains(address(text))) << text;
  }
  for (const char* text : {"9.255.255.255", "11.0.0.0", "172.15.255.255", "172.32.0.0",
                           "192.167.255.255", "192.169.0.0", "169.253.255.255", "169.255.0.0",
                           "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe00::"}) {
    EXPECT_FALSE(private_addresses().contains(address(text))) << text;
    EXPECT_TRUE(internet_addresses().contains(address(text))) << text;
  }
}

TEST(AddressSet, InternetLeavesOutWhatIsNeverGlobal) {
  for (const char* text : {"0.0.0.0",
                           "0.255.255.255",
                           "100.64.0.0",
                           "100.127.255.255",
                           "127.0.0.0",
                           "127.255.255.255",
                           "192.0.0.0",
                           "192.0.0.8",
                           "192.0.0.11",
                           "192.0.0.255",
                           "198.18.0.0",
                           "198.19.255.255",
                           "224.0.0.0",
                           "239.255.255.255",
                           "240.0.0.0",
                           "255.255.255.255",
                           "::",
                           "::1",
                           "::ffff:808:808",
                           "64:ff9b:1::",
                           "64:ff9b:1:ffff:ffff:ffff:ffff:ffff",
                           "100::1",
                           "100:0:0:1::",
                           "2001:2::1",
                           "5f00::1",
                           "fec0::1",
                           "feff::1",
                           "ff02::1"}) {
    EXPECT_FALSE(internet_addresses().contains(address(text))) << text;
    EXPECT_FALSE(private_addresses().contains(address(text))) << text;
  }
}

TEST(AddressSet, InternetKeepsGlobalAndDocumentationAddresses) {
  for (const char* text : {"1.0.0.0",
                           "8.8.8.8",
                           "100.63.255.255",
                           "100.128.0.0",
                           "126.255.255.255",
                           "128.0.0.0",
                           "192.0.0.9",
                           "192.0.0.10",
                           "192.0.1.0",
                           "192.0.2.1",
                           "192.88.99.1",
                           "198.17.255.255",
                           "198.20.0.0",
                           "198.51.100.7",
                           "203.0.113.40",
                           "223.255.255.255",
                           "64:ff9b::808:808",
                           "100:0:0:2::",
                           "2001:db8::1",
                           "2001:1::1",
                           "2001:3::",
                           "2002::1",
                           "2600::",
                           "3fff::1",
                           "2a00:1450:4001::200e"}) {
    EXPECT_TRUE(internet_addresses().contains(address(text))) << text;
  }
}

}  // namespace
}  // namespace hcipol::net
