// Trees of chains by themselves: they lead where the list would, and grow almost without moving a
// line.
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <map>
#include <random>
#include <set>

#include "backends/iptables/branches.h"

namespace hcipol::test::iptables {
namespace {

namespace device = backends::iptables;
using backends::gateway::Match;

struct Asked {
  net::Address to;
  std::uint8_t protocol = 6;
  std::uint16_t port = 0;
};

class Branches : public testing::TestWithParam<unsigned> {
 protected:
  net::Address address() {
    if (GetParam() % 2 == 0) {
      return {net::Family::ipv4, 0, (10U << 24 | random_() % (1U << 22))};
    }
    const std::uint64_t site = random_() % 3, subnet = random_() % 40;
    return {net::Family::ipv6, 0xfd00ULL << 48 | site << 16 | subnet, random_() % 300};
  }
  std::uint16_t port() { return static_cast<std::uint16_t>(random_() % 3000); }

  net::Cidr prefix() {
    const net::Address one = address();
    const unsigned width = net::width(one.family);
    const bool host = random_() % 3 == 0;
    const auto length = static_cast<unsigned>(host ? width : 6 + random_() % (width - 5));
    return {net::first_of(one, length), length};
  }

  /// To a prefix, to a set of two of them, or to who knows whom; on some ports, or on all.
  device::Line line(unsigned number) {
    device::Line out;
    const net::Cidr one = prefix(), two = prefix();
    switch (random_() % 4) {
      case 0:
        out.to = &document_.matches.emplace_back(Match{Match::Kind::learnt, "set", {}});
        break;
      case 1:
        if (!apart(one, two)) break;
        out.to = &document_.matches.emplace_back(
            Match{Match::Kind::list, "set", {std::min(one, two), std::max(one, two)}});
        break;
      default:
        out.to = &document_.matches.emplace_back(
            Match{Match::Kind::prefix, net::to_short_string(one), {one}});
    }
    if (random_() % 4 != 0) {
      device::Service& service = document_.services.emplace_back();
      service.protocol = random_() % 4 == 0 ? 17 : 6;
      for (std::uint16_t i = 0; i < 1 + number % 3; ++i) {
        const std::uint16_t first = port();
        service.ports.push_back({first, static_cast<std::uint16_t>(first + random_() % 2 * 40)});
      }
      if (random_() % 9 == 0) service.ports.clear();
      out.service = &service;
    }
    out.comment = &document_.words.emplace_back("rule " + std::to_string(number));
    return out;
  }

  static bool apart(const net::Cidr& a, const net::Cidr& b) {
    const unsigned length = std::min(a.length, b.length);
    return net::first_of(a.network, length) != net::first_of(b.network, length);
  }

  /// A set that nobody knows has all addresses.
  static bool has(const device::Line& line, const Asked& asked) {
    const device::Service* service = line.service;
    if (service != nullptr && service->protocol != asked.protocol) return false;
    if (service != nullptr && !service->ports.empty() &&
        std::none_of(service->ports.begin(), service->ports.end(), [&](const auto& range) {
          return range.first <= asked.port && asked.port <= range.last;
        }))
      return false;
    if (line.to == nullptr || line.to->within.empty()) return true;
    return std::any_of(line.to->within.begin(), line.to->within.end(), [&](const net::Cidr& one) {
      return net::first_of(asked.to, one.length) == one.network;
    });
  }

  std::vector<device::Chain> tree(const std::vector<device::Line>& lines) {
    constexpr std::array sides{device::Side::to, device::Side::service};
    std::vector<device::Chain> out;
    branches({"HCI-prod.servers", lines}, sides, device::room_for_source, document_, out);
    return out;
  }

  std::mt19937 random_{GetParam()};
  device::Document document_;
};

std::set<std::string> texts(const std::vector<device::Chain>& chains) {
  std::set<std::string> out;
  for (const device::Chain& chain : chains) {
    for (const device::Line& line : chain.lines) {
      out.insert(chain.name + " " + *(line.comment != nullptr ? line.comment : line.verdict.text));
    }
  }
  return out;
}

TEST_P(Branches, LeadWhereTheListWould) {
  std::vector<device::Line> lines;
  const auto count = static_cast<unsigned>(20 + random_() % 900);
  for (unsigned i = 0; i < count; ++i) lines.push_back(line(i));
  const auto chains = tree(lines);
  std::map<std::string, const device::Chain*> by_name;
  for (const device::Chain& chain : chains) {
    EXPECT_TRUE(by_name.emplace(chain.name, &chain).second) << chain.name;
    EXPECT_LE(chain.name.size(), 28U) << chain.name;
    EXPECT_FALSE(chain.lines.empty()) << chain.name;
  }
  for (unsigned i = 0; i < 300; ++i) {
    const auto& some = lines[random_() % lines.size()];
    Asked asked{address(), static_cast<std::uint8_t>(i % 5 == 0 ? 17 : 6), port()};
    if (i % 2 == 0 && some.to != nullptr && !some.to->within.empty())
      asked.to = some.to->within.back().network;
    if (i % 3 == 0 && some.service != nullptr && !some.service->ports.empty())
      asked.port = some.service->ports.back().last;
    std::multiset<std::string> met, wanted;
    const std::function<void(const std::string&, unsigned)> walk = [&](const std::string& name,
                                                                       unsigned depth) {
      ASSERT_LE(depth, 1 + device::room_for_source);
      for (const device::Line& one : by_name.at(name)->lines) {
        if (!has(one, asked)) continue;
        if (one.comment != nullptr) {
          met.insert(*one.comment);
        } else {
          walk(*one.verdict.text, depth + 1);
        }
      }
    };
    walk("HCI-prod.servers", 1);
    for (const device::Line& one : lines) {
      if (has(one, asked)) wanted.insert(*one.comment);
    }
    EXPECT_EQ(met, wanted) << net::to_string(asked.to) << " port " << asked.port;
  }
}

TEST_P(Branches, GrowAndMoveNoLineButThoseOfAFullBlock) {
  std::vector<device::Line> lines;
  auto count = static_cast<unsigned>(20 + random_() % 400);
  for (unsigned i = 0; i < count; ++i) lines.push_back(line(i));
  unsigned quiet = 0;
  for (unsigned i = 0; i < 30; ++i, ++count) {
    const auto before = texts(tree(lines));
    lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(random_() % count), line(count));
    const auto after = texts(tree(lines));
    std::vector<std::string> gone;
    std::set_difference(before.begin(), before.end(), after.begin(), after.end(),
                        std::back_inserter(gone));
    // A block of 16 becomes two, or what has more than 128 below it gets a step more.
    EXPECT_LE(gone.size(), 130U) << gone.front();
    quiet += gone.empty() ? 1 : 0;
  }
  EXPECT_GE(quiet, 10U);
}

INSTANTIATE_TEST_SUITE_P(Lists, Branches, testing::Range(0u, 20u));

}  // namespace
}  // namespace hcipol::test::iptables
