// What a reviewer reads instead of addresses.
#include "flow/naming.h"

#include <gtest/gtest.h>

namespace hcipol {
namespace {

using SetKind = sema::NamedSet::Kind;

net::PeerSet of(std::initializer_list<const char*> addresses) {
  net::PeerSet out;
  for (const char* text : addresses) {
    out.addresses = out.addresses | net::AddressSet(net::parse_address(text).value());
  }
  return out;
}

class NamingTest : public testing::Test {
 protected:
  const sema::NamedSet& add(SetKind kind, std::string name, net::PeerSet set) {
    sets_.push_back({});
    sets_.back().kind = kind;
    sets_.back().name = std::move(name);
    sets_.back().set = std::move(set);
    cluster_.named.emplace(sets_.back().name, &sets_.back());
    return sets_.back();
  }
  std::string text(const net::PeerSet& set, std::size_t limit = 6) {
    return flow::Naming(cluster_, {}).text(set, limit);
  }

  policy::Cluster cluster_;
  std::deque<sema::NamedSet> sets_;
};

TEST_F(NamingTest, AnExactNameWins) {
  add(SetKind::node, "node.a", of({"10.0.0.1"}));
  add(SetKind::servers, "servers", of({"10.0.0.1", "10.0.0.2"}));
  EXPECT_EQ(text(of({"10.0.0.1"})), "node.a");
  EXPECT_EQ(text(of({"10.0.0.1", "10.0.0.2"})), "servers");
  EXPECT_EQ(text(of({"10.0.0.3"})), "10.0.0.3");
  EXPECT_EQ(text(net::PeerSet::all()), "any");
}

TEST_F(NamingTest, TheBetterKnownOfTwoEqualSetsWins) {
  add(SetKind::role, "all-of-them", of({"10.0.0.1"}));
  add(SetKind::servers, "servers", of({"10.0.0.1"}));
  EXPECT_EQ(text(of({"10.0.0.1"})), "servers");
}

TEST_F(NamingTest, TheWidestNamesComeFirstAndTheRestIsSpeltOut) {
  add(SetKind::node, "node.a", of({"10.0.0.1"}));
  add(SetKind::role, "pair", of({"10.0.0.1", "10.0.0.2"}));
  EXPECT_EQ(text(of({"10.0.0.1", "10.0.0.2", "10.0.0.9"})), "pair, 10.0.0.9");
}

TEST_F(NamingTest, ALongUnionIsSaidByWhatItLacks) {
  add(SetKind::node, "node.a", of({"10.0.0.1"}));
  const net::PeerSet most = net::PeerSet::all() - of({"10.0.0.1"});
  EXPECT_EQ(text(most), "any except node.a");
  EXPECT_EQ(text(net::PeerSet::all() - of({"10.0.0.1", "10.0.0.7"})),
            "any except [node.a, 10.0.0.7]");
}

TEST_F(NamingTest, ANameAndWhatItLacksIsExact) {
  add(SetKind::role, "wide", of({"10.0.0.1", "10.0.0.3", "10.0.0.5", "10.0.0.7"}));
  add(SetKind::node, "node.c", of({"10.0.0.3"}));
  // Three literals against one name and what it lacks.
  EXPECT_EQ(text(of({"10.0.0.1", "10.0.0.5", "10.0.0.7"})), "wide except node.c");
}

TEST_F(NamingTest, ALongListSaysHowMuchIsLeftOut) {
  EXPECT_EQ(text(of({"10.0.0.1", "10.0.0.3", "10.0.0.5", "10.0.0.7"}), 2),
            "10.0.0.1, 10.0.0.3 and 2 more");
}

TEST(Naming, PacketsAreReadable) {
  const net::Packet packet{net::parse_address("10.0.0.5").value(), std::string("a.example"),
                           6u * 65536 + 443};
  EXPECT_EQ(flow::to_string(packet), "10.0.0.5 -> a.example on tcp/443");
  EXPECT_EQ(flow::to_string(net::Endpoint(std::string("!tag.AzureCloud"))),
            "service tag AzureCloud");
}

}  // namespace
}  // namespace hcipol
