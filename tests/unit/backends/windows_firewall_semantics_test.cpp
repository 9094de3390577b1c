// Rules of Windows Firewall decide packets as the flows do: random flows, every edge.
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "tests/unit/backends/windows_firewall_builder.h"
#include "tests/unit/backends/windows_firewall_reader.h"

namespace hcipol::test::windows_firewall {
namespace {

using Kind = policy::Rule::Kind;

bool has_service(const net::ServiceSet& set, unsigned protocol, unsigned detail) {
  const std::uint32_t point = protocol * 65536 + detail;
  return std::any_of(set.ranges().begin(), set.ranges().end(), [&](const net::ServiceRange& range) {
    return range.first <= point && point <= range.last;
  });
}

struct Probe {
  net::Address local;
  net::Address remote;
  unsigned protocol = 0;
  unsigned detail = 0;
};

// What the flows say, without any rule of Windows': a deny, then what is allowed, then nothing.
std::string meaning(const std::vector<flow::Flow>& flows, bool inbound, const Probe& probe) {
  std::string out = "Default";
  for (const flow::Flow& flow : flows) {
    const auto has = [](const std::vector<const policy::NamedSet*>& sets,
                        const net::Address& address) {
      return std::any_of(sets.begin(), sets.end(), [&](const policy::NamedSet* set) {
        return set->set.addresses.contains(address);
      });
    };
    if (!has(flow.from, inbound ? probe.remote : probe.local)) continue;
    if (!has(flow.to, inbound ? probe.local : probe.remote)) continue;
    if (!has_service(flow.service, probe.protocol, probe.detail)) continue;
    if (flow.kind == Kind::deny) return "Block";
    out = "Allow";
  }
  return out;
}

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  unsigned below(unsigned limit) { return static_cast<unsigned>(engine_() % limit); }
  template <class T>
  const T& of(const std::vector<T>& choices) {
    return choices[below(static_cast<unsigned>(choices.size()))];
  }

 private:
  std::mt19937 engine_;
};

const policy::NamedSet* random_peers(World& world, Random& random) {
  static const std::vector<std::vector<std::string>> choices{
      {"10.0.5.10"},
      {"10.0.5.10", "10.0.5.12"},
      {"10.0.5.0/28", "fd00:5::/64"},
      {"fd00:5::1-fd00:5::9"},
      {"10.0.5.3-10.0.5.9"},
      {"0.0.0.0/0"},
      {"::/0"},
      {"0.0.0.0/0", "fd00:5::7"},
      {"10.0.5.1", "::/0"},
      {"0.0.0.0-10.0.5.5", "::-fd00:5::3"},
      {"10.0.5.6-255.255.255.255"},
      {"::1", "fd00:5::2"},
      {"128.0.0.0/1", "8000::/1"},
  };
  if (random.below(6) == 0) return world.any();
  return world.set("peers", random.of(choices));
}

net::ServiceSet random_service(Random& random) {
  using net::ServiceSet;
  static const std::vector<ServiceSet> choices{
      tcp(135),
      tcp(0, 65535),
      tcp(5000, 5099) | udp(53),
      tcp(0) | tcp(65535),
      ServiceSet::icmp_type(1, 8),
      ServiceSet::icmp_type(58, 128) | ServiceSet::icmp_type(1, 0),
      ServiceSet::whole(1) | ServiceSet::whole(58),
      ServiceSet::of({{1u * 65536 + 3 * 256 + 4, 1u * 65536 + 5 * 256 + 1}}),
      ServiceSet::whole(47) | tcp(80),
      ServiceSet::any(),
      ServiceSet::any() - tcp(445),
      ServiceSet::whole(0) | ServiceSet::whole(255),
  };
  return random.of(choices);
}

void random_flows(World& world, flow::HostFlows& host, Random& random) {
  const std::vector<const policy::NamedSet*> own{host.node->set, world.set("some", {"10.0.0.11"}),
                                                 world.set("some", {"fd00::11"})};
  const unsigned count = 1 + random.below(5);
  for (unsigned i = 0; i < count; ++i) {
    const Kind kind =
        random.of(std::vector<Kind>{Kind::allow, Kind::allow, Kind::deny, Kind::exception});
    auto& rule = world.rule("main/r" + std::to_string(i), kind);
    const auto* far = random_peers(world, random);
    const auto* near = random.of(own);
    if (random.below(2) == 0) {
      host.inbound.push_back(World::flow(rule, far, near, random_service(random)));
      if (random.below(3) == 0) host.inbound.back().from.push_back(random_peers(world, random));
    } else {
      host.outbound.push_back(World::flow(rule, near, far, random_service(random)));
    }
  }
}

// The ends of every range of every set, and their neighbours.
std::set<net::Address> edges(const std::vector<const policy::NamedSet*>& sets) {
  std::set<net::Address> out;
  for (const auto* set : sets) {
    for (const net::AddressRange& range : set->set.addresses.ranges()) {
      for (const net::Address& end : {range.first, range.last}) {
        out.insert(end);
        if (const auto near = net::next(end)) out.insert(*near);
        if (const auto near = net::previous(end)) out.insert(*near);
      }
    }
  }
  // No packet has them; the backend leaves them out of lists.
  out.erase(net::Address{net::Family::ipv6, 0, 0});
  out.erase(net::Address{net::Family::ipv6, 0, 1});
  return out;
}

std::string bytes(const net::Address& address) {
  return bytes_of(net::to_string(address));
}

void expect_same_meaning(const World& world, const WindowsRules& rules) {
  static const std::vector<std::pair<unsigned, unsigned>> services{
      {6, 0},     {6, 80},    {6, 134},   {6, 135},   {6, 136},   {6, 445},
      {6, 4999},  {6, 5000},  {6, 5099},  {6, 5100},  {6, 65535}, {17, 53},
      {17, 54},   {17, 135},  {1, 0x800}, {1, 0x801}, {1, 0},     {1, 0x303},
      {1, 0x304}, {1, 0x3ff}, {1, 0x400}, {1, 0x501}, {1, 0x502}, {58, 0x8000},
      {58, 0},    {47, 0},    {0, 0},     {255, 0},   {50, 0}};
  std::vector<const policy::NamedSet*> sets;
  for (const auto& set : world.policy.sets) sets.push_back(&set);
  const std::set<net::Address> remotes = edges(sets);
  const auto& host = world.device.hosts.front();
  for (const char* text : {"10.0.0.11", "fd00::11", "10.0.0.12", "fd00::12"}) {
    const net::Address local = net::parse_address(text).value();
    for (const net::Address& remote : remotes) {
      if (remote.family != local.family) continue;
      for (const auto& [protocol, detail] : services) {
        if (protocol == (local.family == net::Family::ipv4 ? 58u : 1u)) continue;
        for (const bool inbound : {true, false}) {
          const std::string wanted = meaning(inbound ? host.inbound : host.outbound, inbound,
                                             {local, remote, protocol, detail});
          const std::string got =
              rules.verdict({inbound, bytes(local), bytes(remote), protocol, detail});
          ASSERT_EQ(got, wanted) << (inbound ? "in " : "out ") << text << " "
                                 << net::to_string(remote) << " " << protocol << "/" << detail;
        }
      }
    }
  }
}

TEST(WindowsFirewall, RulesMeanWhatTheFlowsMean) {
  NEEDS_POWERSHELL_GRAMMAR();
  for (unsigned seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    World world;
    auto& host = world.server("e1", {"10.0.0.11", "10.0.0.12", "fd00::11", "fd00::12"});
    random_flows(world, host, random);
    const auto artefacts = world.build();
    ASSERT_FALSE(world.reporter.has_errors()) << world.messages();
    const ParsedScript script(artefacts.front().text);
    expect_same_meaning(world, WindowsRules(script.table("rules")));
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace hcipol::test::windows_firewall
