// Trees of chains by themselves: they lead where the list would, and grow without moving a line.
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <random>
#include <set>

#include "backends/iptables/branches.h"

namespace hcipol::test::iptables {
namespace {

namespace device = backends::iptables;
using backends::gateway::Match;

class Branches : public testing::TestWithParam<unsigned> {
 protected:
  net::Address address() {
    if (GetParam() % 2 == 0) {
      return {net::Family::ipv4, 0, (10U << 24 | random_() % (1U << 22))};
    }
    const std::uint64_t site = random_() % 3, subnet = random_() % 40;
    return {net::Family::ipv6, 0xfd00ULL << 48 | site << 16 | subnet, random_() % 300};
  }

  device::Line line(unsigned number) {
    const net::Address one = address();
    const unsigned width = net::width(one.family);
    const bool host = random_() % 3 == 0;
    const auto length = static_cast<unsigned>(host ? width : 6 + random_() % (width - 5));
    const net::Cidr prefix{net::first_of(one, length), length};
    device::Line out;
    out.to =
        &document_.matches.emplace_back(Match{Match::Kind::prefix, net::to_short_string(prefix)});
    out.comment = &document_.words.emplace_back("rule " + std::to_string(number));
    return out;
  }

  static bool has(const device::Line& line, const net::Address& address) {
    const net::Cidr prefix = net::parse_cidr(line.to->text).value();
    return address.family == prefix.network.family &&
           net::first_of(address, prefix.length) == prefix.network;
  }

  std::mt19937 random_{GetParam()};
  device::Document document_;
};

std::set<std::string> texts(const std::vector<device::Chain>& chains) {
  std::set<std::string> out;
  for (const device::Chain& chain : chains) {
    out.insert(chain.name);
    for (const device::Line& line : chain.lines) {
      out.insert(chain.name + " " + line.to->text + " " +
                 *(line.comment != nullptr ? line.comment : line.verdict.text));
    }
  }
  return out;
}

TEST_P(Branches, LeadWhereTheListWouldAndGrowWithoutMovingALine) {
  std::vector<device::Line> lines;
  const auto count = static_cast<unsigned>(20 + random_() % 400);
  for (unsigned i = 0; i < count; ++i) lines.push_back(line(i));
  const auto before = texts(branches({"HCI-prod.servers", lines}, device::Side::to, document_));
  lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(random_() % count), line(count));
  const auto chains = branches({"HCI-prod.servers", lines}, device::Side::to, document_);
  const auto after = texts(chains);
  EXPECT_TRUE(std::includes(after.begin(), after.end(), before.begin(), before.end()));

  std::map<std::string, const device::Chain*> by_name;
  for (const device::Chain& chain : chains) {
    EXPECT_TRUE(by_name.emplace(chain.name, &chain).second) << chain.name;
    EXPECT_LE(chain.name.size(), 28U) << chain.name;
  }
  for (unsigned i = 0; i < 300; ++i) {
    const auto& some = lines[random_() % lines.size()];
    const net::Address to = i % 2 == 0 ? address() : net::parse_cidr(some.to->text)->network;
    std::multiset<std::string> met, wanted;
    const std::function<void(const std::string&, unsigned)> walk = [&](const std::string& name,
                                                                       unsigned depth) {
      ASSERT_LE(depth, 6U);
      for (const device::Line& one : by_name.at(name)->lines) {
        if (!has(one, to)) continue;
        if (one.comment != nullptr) {
          met.insert(*one.comment);
        } else {
          walk(*one.verdict.text, depth + 1);
        }
      }
    };
    walk("HCI-prod.servers", 1);
    for (const device::Line& one : lines) {
      if (has(one, to)) wanted.insert(*one.comment);
    }
    EXPECT_EQ(met, wanted) << net::to_string(to);
  }
}

INSTANTIATE_TEST_SUITE_P(Lists, Branches, testing::Range(0u, 20u));

}  // namespace
}  // namespace hcipol::test::iptables
