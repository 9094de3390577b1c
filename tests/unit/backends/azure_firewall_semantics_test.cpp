// Random policies: the template, read as Azure would, allows what the flows allow; and Microsoft's
// schemas take it.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

#include "azure_firewall_builder.h"
#include "azure_firewall_validator.h"
#include "tests/support/repository.h"

namespace hcipol::test::azure {
namespace {

namespace fs = std::filesystem;

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  std::size_t below(std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(engine_);
  }
  bool chance(int percent) { return below(100) < static_cast<std::size_t>(percent); }
  template <class T>
  const T& of(const std::vector<T>& items) {
    return items[below(items.size())];
  }

 private:
  std::mt19937 engine_;
};

struct World {
  Builder builder;
  Sets sources;
  Sets destinations;
  Sets hosts;  ///< endpoints without patterns

  explicit World(Random& random) {
    for (const char* name : {"servers", "management", "site.east"}) {
      sources.push_back(builder.set(name, some_addresses(random, 3)));
    }
    sources.push_back(builder.set("10.0.7.0/27", {"10.0.7.0/27"}, NamedSet::Kind::literal));
    if (random.chance(20)) sources.push_back(builder.any());
    destinations = sources;
    destinations.push_back(builder.internet());
    destinations.push_back(builder.set("partners", some_addresses(random, 40)));
    hosts = {builder.endpoint("m/clock", {"time.a.example"}),
             builder.endpoint("m/pair", {"x.b.example", "y.b.example", "a.example"})};
    destinations.insert(destinations.end(), hosts.begin(), hosts.end());
    destinations.push_back(builder.endpoint("m/wild", {"*.a.example", "b.example"}));
    destinations.push_back(builder.endpoint("m/deep", {"*.c.b.example"}));
  }

  /// Small numbers in a /24, so that sets overlap and touch; some IPv6 for company.
  static std::vector<std::string> some_addresses(Random& random, std::size_t n) {
    std::vector<std::string> out{"fd00::1"};
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t at = random.below(250);
      out.push_back("10.0.0." + std::to_string(at));
      if (random.chance(40)) out.back() += "-10.0.0." + std::to_string(at + random.below(5));
    }
    return out;
  }
};

/// What every rule can have: the web for names of any kind, TCP and UDP for whole names.
ServiceSet service(Random& random, bool patterns, bool named) {
  static const std::vector<std::uint16_t> ports{1, 53, 80, 443, 8084, 65535};
  ServiceSet out;
  if (!named && random.chance(10)) return ServiceSet::any();
  if (!named && random.chance(15)) out = ServiceSet::whole(net::protocol::icmp);
  for (std::size_t i = 0; i < 1 + random.below(3); ++i) {
    if (patterns) {
      out = out | (random.chance(50) ? tcp(443) : tcp(80));
    } else if (random.chance(20)) {
      out = out | (random.chance(50) ? tcp(0, 65535) : udp(0, 65535));
    } else {
      const std::uint16_t first = random.of(ports);
      const std::uint16_t last = random.chance(30) ? std::max<std::uint16_t>(first, 1024) : first;
      out = out | (random.chance(60) ? tcp(first, last) : udp(first, last));
    }
  }
  return out;
}

void add_flows(World& world, Random& random) {
  for (int i = 0; i < 12; ++i) {
    Sets from{random.of(world.sources)};
    if (random.chance(30)) from.push_back(random.of(world.sources));
    Sets to{random.of(world.destinations)};
    if (random.chance(40)) to.push_back(random.of(world.destinations));
    bool patterns = false;
    bool named = false;
    for (const NamedSet* set : to) {
      named = named || set->has_names();
      for (const auto& pattern : set->set.names.patterns()) patterns = patterns || pattern.wildcard;
    }
    world.builder.flow("m/f" + std::to_string(i % 5) + ".r" + std::to_string(i), from, to,
                       service(random, patterns, named),
                       random.chance(20) ? Kind::exception : Kind::allow);
  }
}

bool expected(const std::vector<flow::Flow>& flows, std::uint32_t from, const Destination& to,
              const Service& asked) {
  const auto holds = [](const Sets& sets, const Destination& end) {
    for (const NamedSet* set : sets) {
      const bool in = end.address
                          ? set->set.addresses.contains({net::Family::ipv4, 0, *end.address})
                          : set->has_names() && set->set.names.contains(end.name);
      if (in) return true;
    }
    return false;
  };
  // ICMP: any type will do, since only whole ICMP is asked for here.
  const auto point = static_cast<std::uint32_t>(asked.protocol << 16 | asked.port);
  const ServiceSet one = asked.protocol == 6 || asked.protocol == 17
                             ? ServiceSet::of({{point, point}})
                             : ServiceSet::whole(static_cast<std::uint8_t>(asked.protocol));
  for (const flow::Flow& flow : flows) {
    if (holds(flow.from, {from, ""}) && holds(flow.to, to) && flow.service.contains(one))
      return true;
  }
  return false;
}

struct Edges {
  std::vector<std::uint32_t> addresses;
  std::vector<std::string> names{"a.example",       "time.a.example", "x.time.a.example",
                                 "xa.example",      "b.example",      "x.b.example",
                                 "z.b.example",     "c.b.example",    "q.c.b.example",
                                 "p.q.c.b.example", "other.example"};
  std::vector<Service> services;

  Edges(const std::vector<flow::Flow>& flows) {
    std::set<std::uint32_t> points{0x08080808};
    std::set<std::uint16_t> ports{1, 65535};
    for (const flow::Flow& flow : flows) {
      for (const Sets* side : {&flow.from, &flow.to}) {
        for (const NamedSet* set : *side) {
          const net::AddressSet ipv4 = set->set.addresses.only(net::Family::ipv4);
          for (const auto& range : ipv4.ranges()) {
            for (const std::uint64_t point :
                 {range.first.low - 1, range.first.low, range.last.low, range.last.low + 1}) {
              points.insert(static_cast<std::uint32_t>(point));
            }
          }
        }
      }
      for (const std::uint8_t protocol : {net::protocol::tcp, net::protocol::udp}) {
        for (const auto& range : flow.service.ports(protocol)) {
          for (const int port :
               {range.first - 1, int{range.first}, int{range.last}, range.last + 1}) {
            // Nothing uses port 0, and Azure has none.
            if (port >= 1 && port <= 65535) ports.insert(static_cast<std::uint16_t>(port));
          }
        }
      }
    }
    addresses.assign(points.begin(), points.end());
    for (const std::uint16_t port : ports) {
      services.push_back({6, port});
      services.push_back({17, port});
    }
    services.push_back({1, 0});
    services.push_back({47, 0});
  }
};

std::string show(std::uint32_t from, const Destination& to, const Service& asked) {
  const auto dotted = [](std::uint32_t n) {
    return net::to_string(net::Address{net::Family::ipv4, 0, n});
  };
  return dotted(from) + " -> " + (to.address ? dotted(*to.address) : to.name) + " on " +
         std::to_string(asked.protocol) + "/" + std::to_string(asked.port);
}

/// Every edge of one field with random edges of the others.
int compare(const std::vector<flow::Flow>& flows, const Template& deployment, Random& random) {
  const Edges edges(flows);
  int allowed = 0;
  const auto check = [&](std::uint32_t from, const Destination& to, const Service& asked) {
    const bool should = expected(flows, from, to, asked);
    allowed += should;
    if (deployment.allows(from, to, asked) == should) return;
    ADD_FAILURE() << show(from, to, asked) << (should ? " is not allowed" : " is allowed");
  };
  const auto destination = [&]() -> Destination {
    if (random.chance(50)) return {std::nullopt, random.of(edges.names)};
    return {random.of(edges.addresses), ""};
  };
  for (int round = 0; round < 3; ++round) {
    for (const std::uint32_t from : edges.addresses)
      check(from, destination(), random.of(edges.services));
    for (const std::uint32_t to : edges.addresses) {
      check(random.of(edges.addresses), {to, ""}, random.of(edges.services));
    }
  }
  for (int round = 0; round < 40; ++round) {
    for (const std::string& name : edges.names) {
      check(random.of(edges.addresses), {std::nullopt, name}, random.of(edges.services));
    }
    for (const Service& asked : edges.services)
      check(random.of(edges.addresses), destination(), asked);
  }
  return allowed;
}

TEST(AzureFirewallSemantics, TemplatesAllowWhatTheFlowsAllow) {
  int allowed = 0;
  for (unsigned seed = 0; seed < 60 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    World world(random);
    add_flows(world, random);
    if (random.chance(25)) world.builder.option("ip_groups", false);
    const Outcome outcome = world.builder.emit();
    ASSERT_FALSE(outcome.reporter.has_errors()) << outcome.messages();
    EXPECT_EQ(outcome.count(Diag::widened), 0u) << outcome.messages();
    const Template deployment(outcome.text(), outcome.parameters());
    for (const std::string& fault : faults(deployment)) ADD_FAILURE() << fault;
    allowed += compare(world.builder.device().flows, deployment, random);
  }
  EXPECT_GT(allowed, 1'000) << "hardly anything was allowed, so hardly anything was tried";
}

/// The reader and the comparison themselves: a template that allows more must not pass.
TEST(AzureFirewallSemantics, ComparisonSeesAWiderTemplate) {
  Builder builder;
  const NamedSet* servers = builder.set("servers", {"10.1.0.1"});
  builder.flow("m/f.r", {servers}, {builder.set("d", {"10.2.0.0/24"})}, tcp(443));
  const Outcome outcome = builder.emit();
  std::string text = outcome.text();
  text.replace(text.find("10.2.0.0/24"), 11, "10.2.0.0/23");
  const Template wider(text, outcome.parameters());
  const Destination outside{Template::number("10.2.1.0"), ""};
  EXPECT_TRUE(wider.allows(Template::number("10.1.0.1"), outside, {6, 443}));
  EXPECT_FALSE(expected(builder.device().flows, Template::number("10.1.0.1"), outside, {6, 443}));
}

/// Writes the files of twelve policies, of every mode and of the versions whose schemas are here.
std::string write_templates(const fs::path& folder) {
  const std::vector<std::string> versions{"2025-05-01", "2024-05-01", "2024-10-01"};
  std::string files;
  for (unsigned seed = 0; seed < 12; ++seed) {
    Random random(seed);
    World world(random);
    add_flows(world, random);
    world.builder.option("api_version", versions[seed % 3]);
    if (seed % 4 == 1) world.builder.option("mode", "attach").option("policy", "afwp-hub");
    if (seed % 4 == 2) {
      world.builder.option("mode", "child")
          .option("base_policy",
                  "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/"
                  "firewallPolicies/p");
    }
    for (const auto& artefact : world.builder.emit().emission.artefacts) {
      const fs::path path = folder / (std::to_string(seed) + artefact.path);
      std::ofstream(path) << artefact.text;
      files += " '" + path.string() + "'";
    }
  }
  return files;
}

TEST(AzureFirewallSemantics, SchemasTakeTheTemplates) {
  const fs::path root = test::repository();
  const fs::path schemas = root / "../shared/schemas/azure";
  if (!fs::exists(schemas)) GTEST_SKIP() << "Microsoft's schemas are not here";
  if (!fs::exists("/usr/bin/python3")) GTEST_SKIP() << "/usr/bin/python3 is not here";
  const auto run = [&](const std::string& what) {
    const fs::path script = root / "tests/unit/backends/azure_firewall_schema.py";
    const std::string command =
        "/usr/bin/python3 '" + script.string() + "' '" + schemas.string() + "'" + what;
    return WEXITSTATUS(std::system(command.c_str()));
  };
  const fs::path folder = fs::path(testing::TempDir()) / "azure_firewall_schema";
  fs::create_directories(folder);
  const int status = run(write_templates(folder));
  if (status == 77) GTEST_SKIP() << "python3-jsonschema is not installed";
  EXPECT_EQ(status, 0);

  // And they do not take everything.
  std::ifstream good(folder / "0prod.azuredeploy.json");
  std::string text(std::istreambuf_iterator<char>(good), {});
  text.replace(text.find("\"priority\": 1000"), 16, "\"priority\": \"1\"");
  const fs::path bad = folder / "bad.json";
  std::ofstream(bad) << text;
  EXPECT_EQ(run(" '" + bad.string() + "' > '" + (folder / "bad.txt").string() + "'"), 1);
}

}  // namespace
}  // namespace hcipol::test::azure
