// Every device of every example and of random policies, read back: its files mean its flows.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>

#include "backends/common/proof.h"
#include "tests/support/emitted.h"
#include "tests/support/random_policy.h"

namespace hcipol {
namespace {

using test::Emitted;
using test::EmittedPolicy;

class ReadBackExamples : public testing::TestWithParam<std::string> {};

TEST_P(ReadBackExamples, MeanWhatTheirFlowsMean) {
  EmittedPolicy policy(test::example_files(GetParam()), "examples/" + GetParam());
  ASSERT_FALSE(policy.devices().empty());
  for (const Emitted& one : policy.devices()) {
    ASSERT_FALSE(one.refused) << one.name;
    const auto found = backends::difference(*one.backend, *one.device, one.emission);
    EXPECT_FALSE(found) << one.name << ": " << found.value_or("");
  }
}

INSTANTIATE_TEST_SUITE_P(Devices, ReadBackExamples, testing::ValuesIn(test::example_names()));

/// One target of each kind that has a reading of its own.
const std::string more_targets = R"(
target "iptables" "left" { default = "return" }
target "iptables" "drop" {
  sees    = servers <-> any
  default = "drop"
  log     = false
}
target "iptables" "host" {
  mode = "host"
  host = servers
}
target "iptables" "host-left" {
  mode    = "host"
  host    = [node.n1, 10.0.0.3]
  default = "return"
}
target "iptables" "host-one-way" {
  mode = "host"
  host = servers
  sees = servers -> any
}
target "iptables" "host-own" {
  mode    = "host"
  host    = node.n1
  table   = "own"
  default = "drop"
}
target "iptables" "own" { table = "own" }
target "iptables" "locked" {
  names        = "lockfile"
  lockfile     = "addresses.txt"
  lockfile_age = 365d
}
target "iptables" "host-locked" {
  mode         = "host"
  host         = servers
  names        = "lockfile"
  lockfile     = "addresses.txt"
  lockfile_age = 365d
}
target "nftables" "locked" {
  names        = "lockfile"
  lockfile     = "addresses.txt"
  lockfile_age = 365d
}
target "nftables" "host" {
  mode = "host"
  host = servers
}
target "nftables" "host-left" {
  mode    = "host"
  host    = [node.n1, 10.0.0.3]
  default = "return"
}
target "nftables" "host-one-way" {
  mode    = "host"
  host    = node.n1
  sees    = node.n1 -> any
  default = "drop"
}
target "nftables" "host-in" {
  mode = "host"
  host = servers
  sees = any -> servers
}
target "nftables" "host-locked" {
  mode         = "host"
  host         = servers
  names        = "lockfile"
  lockfile     = "addresses.txt"
  lockfile_age = 365d
}
target "nftables" "left" { default = "return" }
target "nftables" "drop" {
  sees    = servers <-> any
  default = "drop"
  log     = false
}
target "palo-alto" {}
target "palo-alto" "zones" {
  zones = { "inside" = servers, "ops" = [10.0.0.0/30, fd00::/125] }
}
target "palo-alto" "panorama" {
  sees         = servers <-> any
  device_group = "hci"
  zones        = { "inside" = servers, "ops" = 10.0.0.0/30 }
  outside_zone = "untrust"
  default_deny = false
}
target "palo-alto" "set" {
  format = "set"
  shared = "all"
  app_id = true
}
target "azure-firewall" {}
target "azure-firewall" "literals" { ip_groups = false }
target "azure-firewall" "array" { format = "rcg-json" }
target "azure-firewall" "parts" { templates = "several" }
target "azure-nsg" {}
target "azure-nsg" "wide" { sees = servers <-> any }
target "azure-nsg" "left" {
  sees    = servers <-> any
  default = "azure"
}
target "windows-firewall" {}
target "windows-firewall" "names" { names = "dynamic-keywords" }
target "windows-firewall" "locked" {
  lock_down = true
  builtin   = true
}
)";

/// Exceptions with ends of their own, which devices may enforce.
std::string more_exceptions(std::mt19937& random) {
  const auto one_of = [&](std::initializer_list<const char*> texts) {
    return texts.begin()[random() % texts.size()];
  };
  std::string out;
  for (const char* end : {"2029-12-31", "2031-05-05"}) {
    out += fmt::format(
        "\nexception \"until-{0}\" {{\n  reason  = \"r\"\n  owner   = \"o\"\n  expires = {0}\n"
        "  allow \"one\" {1} -> {2} on {3}\n}}\n",
        end, one_of({"10.0.0.0/29", "10.0.0.1", "servers", "fd00::/126"}),
        one_of({"servers", "10.0.0.0/30", "fd00::/64", "any"}),
        one_of({"tcp/443", "udp/53", "icmp/8", "tcp/1-1024", "any"}));
  }
  return out;
}

/// Every name of random policies, with addresses that are the policies' own as well.
const std::string looked_up = R"(date 2022-05-01
*.example.com 10.0.0.0/31 198.51.100.0/24 fd00::4
b.example.com 10.0.0.5 198.51.100.7
*.b.example.com 198.51.100.8 2001:db8::/64
)";

constexpr unsigned read_back_batches = 20;
constexpr unsigned proved_in_a_batch = test::sanitized ? 3 : 50;  ///< in a batch, for each target

class ReadBackRandom : public testing::TestWithParam<unsigned> {};

// Devices refuse what they cannot say; so many policies are drawn that each proves
// proved_in_a_batch.
TEST_P(ReadBackRandom, MeansWhatItsFlowsMean) {
  std::mt19937 random(GetParam());
  std::mt19937 more(GetParam());
  std::map<std::string, unsigned> proved;
  const auto done = [&] {
    if (proved.empty()) return false;
    for (const auto& [name, count] : proved) {
      if (count < proved_in_a_batch) return false;
    }
    return true;
  };
  for (unsigned drawn = 0; !done(); ++drawn) {
    ASSERT_LT(drawn, 40 * proved_in_a_batch) << "a target refuses nearly everything";
    const std::string text =
        test::random_policy(random, 5).text() + more_exceptions(more) + more_targets;
    EmittedPolicy policy({{"main.hcipol", text}, {"addresses.txt", looked_up}}, ".");
    ASSERT_EQ(policy.devices().size(), 32u) << text;
    for (const Emitted& one : policy.devices()) {
      unsigned& count = proved[one.name];
      if (one.refused || count == proved_in_a_batch) continue;
      const auto found = backends::difference(*one.backend, *one.device, one.emission);
      std::string files;
      for (const auto& artefact : one.emission.artefacts) {
        if (found) files += artefact.path + "\n" + artefact.text.substr(0, 20'000);
      }
      ASSERT_FALSE(found) << one.name << ": " << *found << "\n" << text << files;
      ++count;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Devices, ReadBackRandom, testing::Range(0u, read_back_batches));

}  // namespace
}  // namespace hcipol
