// One machine's own firewall, on iptables (both variants) and nftables: what packets meet that it
// receives and sends is what the policy says of them.
#include <fmt/format.h>

#include "tests/kernel/fixture.h"

namespace hcipol::test::kernel {
namespace {

/// Whose one end is a server, or one node, or a node and what is no server.
constexpr const char* machines[] = {"servers", "node.n1", "[node.n2, 10.0.0.3]"};

/// A target for the machine with these addresses; `more` are lines of options.
std::string machine_target(const Loader& loader, const std::string& host,
                           const std::string& more = "") {
  return fmt::format("\ntarget \"{}\" \"machine\" {{\n  mode = \"host\"\n  host = {}\n{}}}\n",
                     loader.backend, host, more);
}

class KernelMachine : public Kernel {
 protected:
  bool is_asked(const Emitted& one) const {
    return one.backend->name == GetParam().backend && one.name.ends_with("-machine");
  }
};

TEST_P(KernelMachine, ServersOfExamplesDoWhatTheirPoliciesSay) {
  for (const std::string& example : example_names()) {
    auto files = example_files(example);
    files["examples/" + example + "/machine.hcipol"] = machine_target(GetParam(), "servers");
    EmittedPolicy policy(files, "examples/" + example);
    std::size_t asked = 0;
    for (const Emitted& one : policy.devices()) {
      if (!is_asked(one)) continue;
      ASSERT_FALSE(one.refused) << one.name;
      Directory names;
      const auto probes = edges(*one.device->cluster, names);
      expect_agreement(one, example + ", " + one.name, probes, names);
      ++asked;
    }
    EXPECT_GT(asked, 0U) << example;
  }
}

TEST_P(KernelMachine, RandomPoliciesMeanWhatTheirTextsSay) {
  std::mt19937 random(20220602);
  Directory names;
  const auto probes = probes_of_random_policies(names);
  for (unsigned done = 0, drawn = 0; done < random_policies; ++drawn) {
    ASSERT_LT(drawn, 20 * random_policies) << "nearly everything is refused";
    const RandomPolicy policy = random_policy(random, 9);
    const char* rests[] = {"reject", "drop", "return"};
    // One of them sees one way only.
    const bool one_way = done == 4;
    const std::string text =
        policy.text() + machine_target(GetParam(), machines[done % 3],
                                       fmt::format("  default = \"{}\"\n{}", rests[done / 2 % 3],
                                                   one_way ? "  sees = node.n1 -> any\n" : ""));
    EmittedPolicy emitted({{"main.hcipol", text}}, ".");
    for (const Emitted& one : emitted.devices()) {
      if (!is_asked(one) || one.refused) continue;
      ++done;
      if (!one_way) expect_one_meaning(one, policy, probes, names);
      expect_agreement(one, one.name + "\n" + text, probes, names);
    }
    if (HasFailure()) return;
  }
}

TEST_P(KernelMachine, LongListsMeanWhatTheySay) {
  std::mt19937 random(8);
  EmittedPolicy policy(
      {{"main.hcipol", many_prefixes(random) + machine_target(GetParam(), "servers")}}, ".");
  ASSERT_FALSE(policy.devices().empty());
  for (const Emitted& one : policy.devices()) {
    if (!is_asked(one)) continue;
    ASSERT_FALSE(one.refused);
    Directory names;
    const auto probes = edges(*one.device->cluster, names);
    expect_agreement(one, one.name, probes, names);
  }
}

/// A table of nftables is always one beside others.
class KernelWholeTable : public KernelMachine {};

TEST_P(KernelWholeTable, DeniesAllElseWhateverItSees) {
  for (const char* sees : {"", "  sees = servers -> any\n"}) {
    EmittedPolicy policy(
        {{"main.hcipol", small_policy + machine_target(GetParam(), "servers",
                                                       std::string("  table = \"own\"\n") + sees)}},
        ".");
    ASSERT_FALSE(policy.devices().empty());
    for (const Emitted& one : policy.devices()) {
      if (!is_asked(one)) continue;
      ASSERT_FALSE(one.refused);
      Directory names;
      expect_agreement(one, one.name + sees, edges(*one.device->cluster, names), names);
    }
  }
}

// ---- that it can fail

std::vector<Fault> faults_of_machine(const Loader& loader) {
  if (std::string_view(loader.backend) == "nftables") {
    return {{"ruleset.nft", " 445", " 446"},
            {"ruleset.nft", "10.0.9.0/28", "10.0.9.0/27"},
            {"ruleset.nft", "203.0.113.49", "203.0.113.51"},
            {"ruleset.nft", "accept comment \"main/monitoring.ping", "drop comment \"main/"},
            {"ruleset.nft", "established,related accept", "related accept"},
            // An error about what came in goes out.
            {"ruleset.nft", "chain out.ours {\n    ct state established,related accept",
             "chain out.ours {\n    ct state established accept"},
            {"ruleset.nft", "reject with tcp reset", "drop"},
            {"ruleset.nft", "hook input", "hook forward"},
            {"ruleset.nft", "ip daddr 10.0.1.1 goto in.ours", "ip saddr 10.0.1.1 goto in.ours"},
            {"ruleset.nft", "ip saddr 10.0.1.1 goto out.ours", "ip daddr 10.0.1.1 goto out.ours"},
            {"ruleset.nft", "    iifname \"lo\" return\n", ""},
            {"ruleset.nft", "    oifname \"lo\" return\n", ""}};
  }
  return {{"rules.v4", "445", "446"},
          {"rules.v4", "10.0.9.0/28", "10.0.9.0/27"},
          {"ipset", "203.0.113.49", "203.0.113.51"},
          {"rules.v6", "--icmpv6-type 128", "--icmpv6-type 129"},
          {"rules.v4", "RELATED,ESTABLISHED", "RELATED"},
          {"rules.v4", "HCI-c.o.ours -m conntrack --ctstate RELATED,",
           "HCI-c.o.ours -m conntrack --ctstate "},
          {"rules.v4", "REJECT --reject-with tcp-reset", "DROP"},
          {"rules.v4", "-d 10.0.1.1 -g HCI-c.i.ours", "-s 10.0.1.1 -g HCI-c.i.ours"},
          {"rules.v4", "-s 10.0.1.1 -g HCI-c.o.ours", "-d 10.0.1.1 -g HCI-c.o.ours"},
          {"rules.v4", "-A HCI-c.in -i lo -j RETURN\n", ""},
          {"rules.v4", "-A HCI-c.out -o lo -j RETURN\n", ""},
          {"apply.sh", " OUTPUT:HCI-c.out", ""}};
}

TEST_P(KernelMachine, FaultsAreFound) {
  // What it sends itself is asked as well.
  expect_found(small_policy + machine_target(GetParam(), "[node.n1, 10.0.9.0]"),
               faults_of_machine(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(Devices, KernelWholeTable, testing::ValuesIn(loaders, loaders + 2),
                         [](const auto& loader) { return std::string(loader.param.name); });
INSTANTIATE_TEST_SUITE_P(Devices, KernelMachine, testing::ValuesIn(loaders),
                         [](const auto& loader) { return std::string(loader.param.name); });

}  // namespace
}  // namespace hcipol::test::kernel
