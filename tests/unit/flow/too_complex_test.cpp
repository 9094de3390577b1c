// Who is told what when packet sets grow too large.
#include "flow/too_complex.h"

#include <gtest/gtest.h>

namespace hcipol {
namespace {

net::PeerSet addresses(std::size_t count) {
  net::PeerSet out;
  net::Address at = net::parse_address("10.0.0.0").value();
  for (std::size_t i = 0; i < count; ++i, at.low += 2) {
    out.addresses = out.addresses | net::AddressSet(at);
  }
  return out;
}

TEST(TooComplex, NamesTheClusterAndTheWidestRules) {
  std::deque<sema::NamedSet> sets;
  policy::Cluster cluster;
  cluster.name = "prod";
  cluster.span.begin = 7;
  const auto add = [&](std::string address, std::size_t from, std::size_t to, std::uint32_t at) {
    policy::Rule& rule = cluster.rules.emplace_back();
    rule.address = std::move(address);
    rule.origin.span.begin = at;
    for (auto [peers, count] : {std::pair{&rule.from, from}, {&rule.to, to}}) {
      sets.emplace_back().set = addresses(count);
      peers->parts.push_back(&sets.back());
    }
    rule.service = net::ServiceSet::ports(6, 80, 80);
  };
  add("main/x.a", 1, 1, 10);
  add("main/x.b", 20, 30, 20);
  add("main/x.c", 2, 1, 30);
  add("main/x.d", 5, 4, 40);

  Reporter reporter;
  flow::report_too_complex(cluster, reporter);
  const auto all = reporter.sorted();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].id, Diag::set_too_complex);
  EXPECT_EQ(all[0].span.begin, 7u);
  EXPECT_NE(all[0].message.find("`prod`"), std::string::npos);
  ASSERT_EQ(all[0].labels.size(), 3u);
  EXPECT_EQ(all[0].labels[0].text,
            "rule `main/x.b`: 20 sources, 30 destinations, 1 range of services");
  EXPECT_EQ(all[0].labels[0].span.begin, 20u);
  EXPECT_EQ(all[0].labels[1].span.begin, 40u);
  EXPECT_EQ(all[0].labels[2].span.begin, 30u);
}

}  // namespace
}  // namespace hcipol
