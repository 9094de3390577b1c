// The longest way of a packet through the rules, for every shape of policy that comes to mind, of a
// thousand rules and of ten thousand.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>

#include "gateway_builder.h"
#include "tests/support/longest_path.h"
#include "tests/support/random_policy.h"

namespace hcipol::test::gateway {
namespace {

using net::Family;

class Policy : public Builder {
 public:
  explicit Policy(const std::string& backend) : Builder(backend) {
    servers({"192.168.0.1", "fd00::1"});
  }

  /// Flow by flow, which emit_sorted() puts in order.
  policy::Rule& add(unsigned i, const NamedSet* from, const NamedSet* to, net::ServiceSet service,
                    Kind kind = Kind::allow) {
    policy::Rule& rule = rules.emplace_back();
    rule.address = fmt::format("x.r{:05}", i);
    rule.kind = kind;
    device.flows.push_back({kind, {from}, {to}, std::move(service), &rule, rule.address});
    return rule;
  }
  const NamedSet* one(const char* what, unsigned i, std::vector<std::string> members) {
    return set(fmt::format("{}{}", what, i), members);
  }
  const NamedSet* name(unsigned i) { return one("h", i, {fmt::format("h{}.example.com", i)}); }

  GatewayFiles emit_sorted() {
    const auto rank = [](Kind k) { return k == Kind::exception ? 0 : k == Kind::deny ? 1 : 2; };
    std::sort(device.flows.begin(), device.flows.end(), [&](const auto& a, const auto& b) {
      return std::pair(rank(a.kind), std::string_view(a.id)) <
             std::pair(rank(b.kind), std::string_view(b.id));
    });
    return emit();
  }
};

net::ServiceSet port(unsigned i) {
  return tcp(static_cast<std::uint16_t>(1024 + i));
}
std::string host_of_64(unsigned i) {
  const std::uint64_t number = 1 + i * 2654435761ULL % (1ULL << 44);
  return fmt::format("fd01::{:x}:{:x}:{:x}", number >> 32, number >> 16 & 65535, number & 65535);
}
std::string net48(unsigned i) {
  return fmt::format("fd02:1:{:x}::/48", i);
}
std::string net24(unsigned i) {
  return fmt::format("10.{}.{}.0/24", i / 250, i % 250);
}
/// Two hosts near each other.
std::vector<std::string> pair_of(unsigned i) {
  return {fmt::format("10.{}.{}.1", i / 250, i % 250), fmt::format("10.{}.{}.9", i / 250, i % 250),
          fmt::format("fd03::{:x}:1", i), fmt::format("fd03::{:x}:9", i)};
}
/// Two hosts in two sites.
std::vector<std::string> stretched(unsigned i) {
  return {fmt::format("10.{}.{}.1", i / 250, i % 250), fmt::format("172.{}.{}.1", i / 250, i % 250),
          fmt::format("fd03::{:x}:1", i), fmt::format("fdff::{:x}:1", i)};
}
/// Hosts all over the world.
std::vector<std::string> scattered(unsigned i) {
  std::vector<std::string> out;
  for (unsigned n = 0; n < 12; ++n) {
    out.push_back(fmt::format("{}.{}.{}.1", 20 + n * 15, i / 250, i % 250));
    out.push_back(fmt::format("{:x}::{:x}", 0x2001 + n * 0x100, i + 1));
  }
  return out;
}

struct Shape {
  const char* name;
  std::size_t most;  ///< lines
  std::function<void(Policy&, unsigned i, unsigned count)> add;
};

const std::vector<Shape>& shapes() {
  static const std::vector<Shape> all{
      {"NamesOnDistinctPorts", 120,
       [](Policy& p, unsigned i, unsigned) { p.add(i, p.cluster.servers, p.name(i), port(i)); }},
      {"NamesOnPortsAndOneMore", 120,
       [](Policy& p, unsigned i, unsigned) {
         p.add(i, p.cluster.servers, p.name(i), port(i) | udp(static_cast<std::uint16_t>(i + 1)));
       }},
      {"NamesOnRanges", 120,
       [](Policy& p, unsigned i, unsigned count) {
         const unsigned first = 1024 + i * (60000 / count);
         p.add(i, p.cluster.servers, p.name(i),
               tcp(static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(first + 9)));
       }},
      {"DeniedNames", 120,
       [](Policy& p, unsigned i, unsigned) {
         p.add(i, p.cluster.servers, p.name(i), port(i), Kind::deny);
       }},
      {"ExceptedNames", 120,
       [](Policy& p, unsigned i, unsigned) {
         p.add(i, p.cluster.servers, p.name(i), port(i), Kind::exception).log = i % 2 == 0;
       }},
      {"NamesAsSources", 150,
       [](Policy& p, unsigned i, unsigned) { p.add(i, p.name(i), p.cluster.servers, port(i)); }},
      {"HostsOfOneSubnet", 120,
       [](Policy& p, unsigned i, unsigned) {
         p.add(i, p.one("a", i, {host_of_64(i)}), p.cluster.servers, tcp(445));
       }},
      {"HostsThatAreAsked", 120,
       [](Policy& p, unsigned i, unsigned) {
         p.add(i, p.cluster.servers, p.one("a", i, {host_of_64(i)}), tcp(100, 300));
       }},
      {"NetworksOfOneSite", 120,
       [](Policy& p, unsigned i, unsigned) {
         p.add(i, p.one("a", i, {net48(i)}), p.cluster.servers, tcp(445)).log = true;
       }},
      {"NetworksOfIpv4", 120,
       [](Policy& p, unsigned i, unsigned) {
         p.add(i, p.one("a", i, {net24(i)}), p.cluster.servers, port(i));
       }},
      {"DeniedHosts", 120,
       [](Policy& p, unsigned i, unsigned) {
         p.add(i, p.one("a", i, {net24(i), host_of_64(i)}), p.any(), tcp(22), Kind::deny);
       }},
      {"DeniedPairs", 170,
       [](Policy& p, unsigned i, unsigned count) {
         const unsigned side = count == 1000 ? 32 : 100;
         p.add(i, p.one("a", i % side, {net24(i % side)}),
               p.one("b", i / side, {net48(i / side), fmt::format("172.16.{}.0/24", i / side)}),
               tcp(22), Kind::deny);
       }},
      {"PairsAsSources", 120,
       [](Policy& p, unsigned i, unsigned) {
         p.add(i, p.one("a", i, pair_of(i)), p.cluster.servers, tcp(445));
       }},
      {"StretchedSources", 120,
       [](Policy& p, unsigned i, unsigned) {
         p.add(i, p.one("a", i, stretched(i)), p.cluster.servers, tcp(445));
       }},
      {"StretchedDestinations", 120,
       [](Policy& p, unsigned i, unsigned) {
         p.add(i, p.cluster.servers, p.one("a", i, stretched(i)), tcp(100, 300));
       }},
      {"ScatteredSources", 120,
       [](Policy& p, unsigned i, unsigned) {
         p.add(i, p.one("a", i, scattered(i)), p.cluster.servers, port(i));
       }},
      {"ScatteredDestinations", 120,
       [](Policy& p, unsigned i, unsigned) {
         p.add(i, p.cluster.servers, p.one("a", i, scattered(i)), port(i));
       }},
      {"OneHostOnManyPorts", 120,
       [](Policy& p, unsigned i, unsigned) {
         static const std::vector<std::string> host{"172.16.0.1", "fd05::1"};
         p.add(i, p.cluster.servers, p.one("a", i, host),
               tcp(static_cast<std::uint16_t>(2 * i + 1)))
             .log = true;
       }},
      {"BetweenOthers", 120,
       [](Policy& p, unsigned i, unsigned) {
         p.add(i, p.one("a", i, pair_of(i)), p.one("b", i, {fmt::format("fd06::{:x}", i)}),
               tcp(22));
       }},
      {"Mixed", 350,
       [](Policy& p, unsigned i, unsigned) {
         const auto* servers = p.cluster.servers;
         switch (i % 10) {
           case 0: p.add(i, servers, p.name(i), port(i)); break;
           case 1: p.add(i, p.one("a", i, {net24(i)}), servers, port(i)); break;
           case 2: p.add(i, servers, p.one("a", i, {host_of_64(i)}), port(i)); break;
           case 3: p.add(i, p.one("a", i, stretched(i)), servers, port(i)); break;
           case 4: p.add(i, servers, p.one("a", i, scattered(i)), port(i)); break;
           case 5: p.add(i, p.one("a", i, {net48(i)}), p.any(), port(i), Kind::deny); break;
           case 6: p.add(i, servers, p.name(i), port(i), Kind::deny); break;
           case 7: p.add(i, p.one("a", i, pair_of(i)), servers, port(i), Kind::exception); break;
           case 8:
             p.add(i, p.one("a", i, scattered(i)), p.name(i),
                   udp(static_cast<std::uint16_t>(1024 + i)));
             break;
           default: p.add(i, p.one("a", i, {net24(i)}), p.one("b", i, pair_of(i)), port(i));
         }
       }},
  };
  return all;
}

class GatewayPaths : public testing::TestWithParam<Shape> {
 protected:
  using Longest = LongestPath (*)(const GatewayFiles&, const std::string&, Family);

  static void expect_short(const std::string& backend, Longest longest, const std::string& top) {
    std::map<Family, std::size_t> before;
    for (const unsigned count : {1000u, sanitized ? 2000u : 10000u}) {
      Policy policy(backend);
      for (unsigned i = 0; i < count; ++i) GetParam().add(policy, i, count);
      const GatewayFiles files = policy.emit_sorted();
      ASSERT_FALSE(policy.reporter.has_errors()) << policy.reports().front();
      for (const Family family : {Family::ipv4, Family::ipv6}) {
        const LongestPath path = longest(files, top, family);
        if (std::getenv("HCIPOL_PATHS") != nullptr) {
          fmt::print("{:>24} {:>8} {:>5} {} {:>5} lines {:>3} deep\n", GetParam().name, backend,
                     count, family == Family::ipv4 ? "v4" : "v6", path.lines, path.depth);
        }
        EXPECT_LE(path.lines, GetParam().most) << count;
        // The kernel takes no more below a hook.
        EXPECT_LE(path.depth, 15u);
        if (count != 1000) {
          EXPECT_LE(path.lines, before[family] + 60);
        }
        before[family] = path.lines;
      }
    }
  }
};

TEST_P(GatewayPaths, OfIptablesStayShort) {
  expect_short("iptables", longest_path_of_iptables, "HCI-prod");
}

TEST_P(GatewayPaths, OfNftablesStayShort) {
  expect_short("nftables", longest_path_of_nftables, "forward");
}

INSTANTIATE_TEST_SUITE_P(Shapes, GatewayPaths, testing::ValuesIn(shapes()),
                         [](const auto& shape) { return shape.param.name; });

}  // namespace
}  // namespace hcipol::test::gateway
