// Every example and random policies, on iptables (both variants) and nftables: what packets meet in
// the kernel is what the policy says of them.
#include <gtest/gtest.h>

#include <iostream>

#include "tests/kernel/judge.h"
#include "tests/support/emitted.h"
#include "tests/support/random_policy.h"
#include "tests/unit/backends/gateway_policy.h"

namespace hcipol::test::kernel {
namespace {

constexpr std::size_t least_probes = 2000;
constexpr unsigned random_policies = 6;   ///< of each kind, for each loader
constexpr std::size_t most_at_once = 40;  ///< disagreements that are shown of one device

std::size_t counted = 0;

/// The program as a whole is worth what it has asked.
class Count : public testing::Environment {
 public:
  void TearDown() override {
    if (!Judge::missing().empty()) return;
    std::cout << "kernel: " << counted << " probes\n";
    if (GTEST_FLAG_GET(filter) != "*") return;
    EXPECT_GE(counted, least_probes);
  }
};
const auto* const environment = testing::AddGlobalTestEnvironment(new Count);

class Kernel : public testing::TestWithParam<Loader> {
 protected:
  void SetUp() override {
    if (!Judge::missing().empty()) GTEST_SKIP() << Judge::missing();
  }

  std::vector<std::string> ask(const Files& files, const std::vector<Expectation>& expectations,
                               const Directory& names) {
    Judge& judge = Judge::one();
    const std::size_t before = judge.probes();
    auto out = judge.disagreements(GetParam(), files, expectations, names);
    counted += judge.probes() - before;
    return out;
  }

  void expect_agreement(const std::string& what, const Files& files,
                        const std::vector<Expectation>& expectations, const Directory& names) {
    const auto wrong = ask(files, expectations, names);
    for (std::size_t i = 0; i < std::min(wrong.size(), most_at_once); ++i) {
      ADD_FAILURE() << what << ": " << wrong[i];
    }
    if (wrong.size() > most_at_once) ADD_FAILURE() << what << ": " << wrong.size() << " in all";
  }
};

Files files_of(const backends::Emission& emission) {
  Files out;
  for (const backends::Artefact& artefact : emission.artefacts) out[artefact.path] = artefact.text;
  return out;
}

net::Packet packet_of(const GatewayLab::Probe& probe, const Directory& names) {
  return {names.endpoint(probe.from), names.endpoint(probe.to), probe.service};
}

std::vector<Expectation> expectations_of(const Emitted& one,
                                         const std::vector<GatewayLab::Probe>& probes,
                                         const Directory& names) {
  const Meaning meaning(*one.device, one.emission);
  std::vector<Expectation> out;
  for (const GatewayLab::Probe& probe : probes) {
    const net::Packet packet = packet_of(probe, names);
    out.push_back({probe, meaning.fate(meaning.device(packet, probe), packet)});
  }
  return out;
}

TEST_P(Kernel, ExamplesMeanWhatTheirPoliciesSay) {
  for (const std::string& example : example_names()) {
    EmittedPolicy policy(example_files(example), "examples/" + example);
    for (const Emitted& one : policy.devices()) {
      if (one.backend->name != GetParam().backend) continue;
      ASSERT_FALSE(one.refused) << one.name;
      Directory names;
      const auto probes = edges(*one.device->cluster, names);
      expect_agreement(example + ", " + one.name, files_of(one.emission),
                       expectations_of(one, probes, names), names);
    }
  }
}

/// Packets at and around every boundary that random policies speak of.
std::vector<GatewayLab::Probe> probes_of_random_policies(Directory& names) {
  std::vector<GatewayLab::Probe> out;
  for (const net::Packet& packet : packets()) {
    for (const net::Family family : {net::Family::ipv4, net::Family::ipv6}) {
      const auto at = [&](const net::Endpoint& end) {
        const auto* name = std::get_if<std::string>(&end);
        return name != nullptr ? names.of(*name, family) : std::get<net::Address>(end);
      };
      const GatewayLab::Probe probe{at(packet.from), at(packet.to), packet.service};
      if (GatewayLab::can_send(probe)) out.push_back(probe);
    }
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

/// Both readings of the policy, one of its text and one of its rules, must say the same.
void expect_one_meaning(const Emitted& one, const RandomPolicy& policy,
                        const std::vector<Expectation>& expectations, const Directory& names) {
  const Meaning meaning(*one.device, one.emission);
  for (const Expectation& each : expectations) {
    const net::Packet packet = packet_of(each.probe, names);
    const bool seen = policy.seen(packet);
    ASSERT_EQ(meaning.policy(packet) == Meaning::Says::passes, seen && policy.allowed(packet));
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
      const auto expectations = expectations_of(one, probes, names);
      expect_one_meaning(one, policy, expectations, names);
      expect_agreement(one.name + "\n" + text, files_of(one.emission), expectations, names);
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
    gateway::RandomPolicy policy(GetParam().backend, seed);
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

/// More prefixes than stay in one chain, many of them within others.
std::string many_prefixes(std::mt19937& random) {
  const auto prefix = [&](bool v6) {
    net::Address address = net::parse_address(v6 ? "fd00::" : "10.0.0.0").value();
    (v6 ? address.high : address.low) |= random() % (v6 ? 1U << 20 : 1U << 22);
    const auto length = static_cast<unsigned>(v6 ? 44 + random() % 21 : 10 + random() % 23);
    return net::to_string(net::Cidr{net::first_of(address, length), length});
  };
  std::string rules;
  for (unsigned i = 0; i < 120; ++i) {
    const bool v6 = i % 3 == 0;
    const auto ends = random() % 4;
    const std::string from = ends == 0 ? "servers" : prefix(v6);
    const std::string to = ends == 1 ? "servers" : prefix(v6);
    rules += fmt::format("  {} \"r{}\" {} -> {} on {}/{}\n", i % 4 == 0 ? "deny" : "allow", i, from,
                         to, i % 2 == 0 ? "udp" : "tcp", 100 + random() % 3);
  }
  // Names of which each would have a set of its own, on one port; some lie below others.
  for (unsigned i = 0; i < 20; ++i) {
    rules += fmt::format("  allow \"h{0}\" servers -> \"h{0}.example.com\" on tcp/443\n", i);
    rules += fmt::format("  allow \"w{0}\" servers -> \"*.a.h{0}.example.com\" on tcp/443\n", i);
  }
  return "cluster \"c\" {\n  node \"n1\" { address = [10.0.1.1, fd00::11] }\n  enable "
         "\"x\"\n}\n\nfeature \"x\" {\n" +
         rules + "}\n";
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
      EXPECT_EQ(files.at("ipset").find("h1.example.com"), std::string::npos);
    }
    const auto probes = edges(*one.device->cluster, names);
    expect_agreement(one.name, files, expectations_of(one, probes, names), names);
  }
}

// ---- that it can fail

/// A file of the device with one fault in it, and what the fault is.
struct Fault {
  const char* file;
  const char* sane;
  const char* broken;
};

std::vector<Fault> faults_of(const Loader& loader) {
  if (std::string_view(loader.backend) == "nftables") {
    return {{"ruleset.nft", "445", "446"},
            {"ruleset.nft", "10.0.9.0/28", "10.0.9.0/27"},
            {"ruleset.nft", "203.0.113.49", "203.0.113.51"},
            {"ruleset.nft", "accept comment \"main/monitoring.ping", "drop comment \"main/"},
            {"ruleset.nft", "established : accept", "established : drop"},
            {"ruleset.nft", "reject with tcp reset", "drop"}};
  }
  return {{"rules.v4", "445", "446"},
          {"rules.v4", "10.0.9.0/28", "10.0.9.0/27"},
          {"ipset", "203.0.113.49", "203.0.113.51"},
          {"rules.v6", "--icmpv6-type 128", "--icmpv6-type 129"},
          {"rules.v4", "RELATED,ESTABLISHED", "RELATED"},
          {"rules.v4", "REJECT --reject-with tcp-reset", "DROP"}};
}

constexpr const char* small_policy = R"(
role "dns" {}

cluster "c" {
  node "n1" { address = [10.0.1.1, fd00::11] }

  role "dns" { members = [203.0.113.40, 203.0.113.41, 203.0.113.49] }

  enable "monitoring"
}

feature "monitoring" {
  allow "smb"  10.0.9.0/28 -> servers on tcp/445
  allow "ping" fd00:9::/64 -> servers on icmpv6/128
  allow "out"  servers -> dns on udp/53
}
)";

TEST_P(Kernel, FaultsAreFound) {
  EmittedPolicy policy({{"main.hcipol", small_policy}}, ".");
  ASSERT_FALSE(policy.devices().empty());
  for (const Emitted& one : policy.devices()) {
    if (one.backend->name != GetParam().backend) continue;
    Directory names;
    const auto probes = edges(*one.device->cluster, names);
    const auto expectations = expectations_of(one, probes, names);
    const Files files = files_of(one.emission);
    expect_agreement("without a fault", files, expectations, names);
    for (const Fault& fault : faults_of(GetParam())) {
      Files broken = files;
      std::string& text = broken.at(fault.file);
      // Files begin with comments about how to load them.
      const auto at = text.find(
          fault.sane, text.find("\n*filter") == std::string::npos ? 0 : text.find("\n*filter"));
      ASSERT_NE(at, std::string::npos) << fault.sane << "\n" << text;
      text.replace(at, std::string_view(fault.sane).size(), fault.broken);
      const auto wrong = ask(broken, expectations, names);
      EXPECT_FALSE(wrong.empty()) << fault.broken << "\n" << text;
      // A file that does not load would prove nothing.
      for (const std::string& what : wrong) EXPECT_FALSE(what.starts_with("does not load")) << what;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Devices, Kernel, testing::ValuesIn(loaders),
                         [](const auto& loader) { return std::string(loader.param.name); });

}  // namespace
}  // namespace hcipol::test::kernel
