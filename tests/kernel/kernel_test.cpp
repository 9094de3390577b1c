// Every example and random policies, on iptables (both variants) and nftables: what packets meet in
// the kernel is what the policy says of them.
#include <fmt/format.h>

#include "tests/kernel/fixture.h"
#include "tests/unit/backends/gateway_policy.h"

namespace hcipol::test::kernel {
namespace {

TEST_P(Kernel, ExamplesMeanWhatTheirPoliciesSay) {
  for (const std::string& example : example_names()) {
    EmittedPolicy policy(example_files(example), "examples/" + example);
    for (const Emitted& one : policy.devices()) {
      if (one.backend->name != GetParam().backend) continue;
      ASSERT_FALSE(one.refused) << one.name;
      Directory names;
      const auto probes = edges(*one.device->cluster, names);
      expect_agreement(one, example + ", " + one.name, probes, names);
    }
  }
}

TEST_P(Kernel, RandomPoliciesMeanWhatTheirTextsSay) {
  std::mt19937 random(20220601);
  Directory names;
  const auto probes = probes_of_random_policies(names);
  for (unsigned done = 0, drawn = 0; done < random_policies; ++drawn) {
    ASSERT_LT(drawn, 20 * random_policies) << "nearly everything is refused";
    const RandomPolicy policy = random_policy(random, 9);
    const std::string sees = policy.sees_all ? "any -> any" : "any <-> servers";
    const char* rests[] = {"reject", "drop", "return"};
    const std::string text =
        policy.text() + fmt::format(
                            "\ntarget \"{}\" \"other\" {{\n  sees = {}\n  default = "
                            "\"{}\"\n}}\n",
                            GetParam().backend, sees, rests[done % 3]);
    EmittedPolicy emitted({{"main.hcipol", text}}, ".");
    for (const Emitted& one : emitted.devices()) {
      if (one.backend->name != GetParam().backend || !one.name.ends_with("-other")) continue;
      if (one.refused) continue;
      ++done;
      expect_one_meaning(one, policy, probes, names);
      expect_agreement(one, one.name + "\n" + text, probes, names);
    }
    if (HasFailure()) return;
  }
}

Fate fate_of(const std::string& verdict, const GatewayLab::Probe& probe) {
  if (verdict == "DROP") return Fate::silent;
  if (verdict == "REJECT") return probe.service >> 16 == 6 ? Fate::reset : Fate::unreachable;
  return Fate::passed;
}

/// Of wide sets, many ports, and lists in one rule, between the ends of every set.
TEST_P(Kernel, RandomFlowsMeanWhatTheySay) {
  for (unsigned seed = 300; seed < 300 + random_policies; ++seed) {
    SCOPED_TRACE(seed);
    gateway::RandomPolicy policy(GetParam().backend, seed, seed % 3 == 0 ? 250 : 0);
    Directory names;
    for (gateway::Resolved& one : policy.resolved) {
      one.address = net::to_string(names.of(one.name, net::parse_address(one.address)->family));
    }
    std::map<GatewayLab::Probe, Fate> wanted;
    for (int round = 0; round < 5; ++round) {
      for (const gateway::ProbePacket& packet : policy.probes()) {
        const GatewayLab::Probe probe{packet.from, packet.to,
                                      packet.protocol << 16 | packet.detail};
        if (!GatewayLab::can_send(probe)) continue;
        wanted[probe] = fate_of(policy.expected(packet), probe);
      }
    }
    // A name that resolves in one family only has no address of the other's.
    std::vector<Expectation> expectations;
    for (const auto& [probe, fate] : wanted) expectations.push_back({probe, fate});
    expect_agreement("random flows", policy.b.emit(), expectations, names);
  }
}

TEST_P(Kernel, LongListsMeanWhatTheySay) {
  std::mt19937 random(7);
  EmittedPolicy policy({{"main.hcipol", many_prefixes(random)}}, ".");
  ASSERT_FALSE(policy.devices().empty());
  for (const Emitted& one : policy.devices()) {
    if (one.backend->name != GetParam().backend) continue;
    ASSERT_FALSE(one.refused);
    Directory names;
    const Files files = files_of(one.emission);
    if (one.backend->name == std::string("iptables")) {
      EXPECT_NE(files.at("rules.v4").find(".flows+10."), std::string::npos);
      EXPECT_NE(files.at("rules.v6").find(".flows+fd00"), std::string::npos);
      EXPECT_NE(files.at("ipset").find(".others-v4"), std::string::npos);
      // A set of its own would be called after it.
      EXPECT_EQ(files.at("ipset").find(".h1.example.com-"), std::string::npos);
    }
    const auto probes = edges(*one.device->cluster, names);
    expect_agreement(one, one.name, probes, names);
  }
}

// ---- that it can fail

std::vector<Fault> faults_of(const Loader& loader) {
  if (std::string_view(loader.backend) == "nftables") {
    return {{"ruleset.nft", "445", "446"},
            {"ruleset.nft", "10.0.9.0/28", "10.0.9.0/27"},
            {"ruleset.nft", "203.0.113.49", "203.0.113.51"},
            {"ruleset.nft", "accept comment \"main/monitoring.ping", "drop comment \"main/"},
            {"ruleset.nft", "established,related accept", "related accept"},
            {"ruleset.nft", "reject with tcp reset", "drop"}};
  }
  return {{"rules.v4", "445", "446"},
          {"rules.v4", "10.0.9.0/28", "10.0.9.0/27"},
          {"ipset", "203.0.113.49", "203.0.113.51"},
          {"rules.v6", "--icmpv6-type 128", "--icmpv6-type 129"},
          {"rules.v4", "RELATED,ESTABLISHED", "RELATED"},
          {"rules.v4", "REJECT --reject-with tcp-reset", "DROP"}};
}

TEST_P(Kernel, FaultsAreFound) {
  expect_found(small_policy, faults_of(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(Devices, Kernel, testing::ValuesIn(loaders),
                         [](const auto& loader) { return std::string(loader.param.name); });

}  // namespace
}  // namespace hcipol::test::kernel
