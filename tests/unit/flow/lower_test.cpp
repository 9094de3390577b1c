// What flows go by, where the optimiser and a device's view leave several of one rule.
#include "flow/lower.h"

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <vector>

namespace hcipol {
namespace {

class NameFlowsTest : public testing::Test {
 protected:
  NameFlowsTest() {
    for (const char* name : {"servers", "internet"}) sets_.emplace_back().name = name;
    for (policy::Rule* rule : {&alone_, &other_, &joined_}) rule->address = "main/x.r0";
    other_.address = "main/x.r1";
    joined_.carries = {&alone_, &other_};
  }

  void add(const policy::Rule& rule, bool outwards, net::ServiceSet service) {
    const auto *from = &sets_[outwards ? 0 : 1], *to = &sets_[outwards ? 1 : 0];
    flows_.push_back({policy::Rule::Kind::allow, {from}, {to}, std::move(service), &rule, {}});
  }
  std::vector<std::string> ids() {
    flow::name_flows(flows_);
    std::vector<std::string> out;
    for (const flow::Flow& flow : flows_) out.push_back(flow.id);
    return out;
  }

  const net::ServiceSet ping_ = net::ServiceSet::whole(net::protocol::icmp);
  const net::ServiceSet web_ = net::ServiceSet::ports(net::protocol::tcp, 443, 443);
  std::deque<sema::NamedSet> sets_;
  policy::Rule alone_, other_, joined_;
  std::vector<flow::Flow> flows_;
};

using Ids = std::vector<std::string>;

TEST_F(NameFlowsTest, OneFlowOfARuleGoesByItsAddress) {
  add(alone_, true, ping_);
  add(other_, true, ping_);
  EXPECT_EQ(ids(), (Ids{"main/x.r0", "main/x.r1"}));
}

TEST_F(NameFlowsTest, DirectionsAreTold) {
  add(alone_, true, ping_);
  add(alone_, false, ping_);
  EXPECT_EQ(ids(), (Ids{"main/x.r0 (internet -> servers)", "main/x.r0 (servers -> internet)"}));
}

// Whichever comes first: the joined rule stands for the other as well.
TEST_F(NameFlowsTest, OfTheSameTheOneForMoreRulesRemains) {
  for (const bool joined_first : {false, true}) {
    flows_.clear();
    add(joined_first ? joined_ : alone_, true, ping_);
    add(joined_first ? alone_ : joined_, true, ping_);
    EXPECT_EQ(ids(), Ids{"main/x.r0"});
    EXPECT_EQ(flows_.front().rule, &joined_);
  }
}

TEST_F(NameFlowsTest, ServicesAreToldWhereNothingElseDiffers) {
  add(joined_, true, ping_ | web_);
  add(alone_, true, ping_);
  add(alone_, false, ping_);
  EXPECT_EQ(ids(),
            (Ids{"main/x.r0 (internet -> servers)", "main/x.r0 (servers -> internet on icmp)",
                 "main/x.r0 (servers -> internet on icmp, tcp/443)"}));
}

}  // namespace
}  // namespace hcipol
