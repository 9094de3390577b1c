// What the proof is worth: faults in the files of the examples' devices, each of which it must
// find.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <map>
#include <regex>

#include "backends/common/proof.h"
#include "tests/mutation/mutants.h"
#include "tests/support/emitted.h"
#include "tests/support/random_policy.h"

namespace hcipol::test {
namespace {

using Make = Mutants (*)(const backends::Emission&);

struct Kind {
  const char* backend;
  Make make;
  const char* more = "";  ///< a target beside the example's own
  bool many = false;      ///< many rules are found in another way
};

/// The sanitizers look at how readers fall over faults: a part of the faults is enough for that.
constexpr std::size_t every = sanitized ? 7 : 1;

class Mutation : public testing::TestWithParam<Kind> {};

backends::Emission mutated(const backends::Emission& emission, const Mutant& mutant) {
  backends::Emission out = emission;
  for (const auto& [file, text] : mutant.texts) out.artefacts[file].text = text;
  if (mutant.gone) {
    out.artefacts.erase(out.artefacts.begin() + static_cast<std::ptrdiff_t>(*mutant.gone));
  }
  return out;
}

/// Faults without an effect, with the reason for it, which is to be seen in the file alone.
struct Neutral {
  const char* fault;
  const char* place;  ///< a regular expression for the place
  const char* reason;
  const char* device = "";  ///< the end of its name, if others would be wrong with it
};

const std::vector<Neutral>& neutral() {
  static const std::vector<Neutral> all{
      {"removed rule",
       R"(.*-A \S+\.(?:denied|refused) -p tcp -j REJECT --reject-with tcp-reset => )",
       "the next line rejects it in another way"},
      {"lost set", R"(.*-A \S+\.management .*-m set --match-set \S+\.servers-v[46] dst .*)",
       "management is no server, so the top chain lets its packets come here only to one"},
      {"widened prefix", R"(.*-A \S+\.flows -s 10\.0\.9\.10 -j \S+\.proxy\.corp .*)",
       "the top chain lets only 10.0.9.10 come here, or packets to servers, of which that chain "
       "has "
       "none"},
      {"widened prefix", R"(.*-A \S+\.except -s 10\.1\.0\.12 -d 198\.51\.100\.20 .*)",
       "the top chain lets packets to there come here from servers only, and 10.1.0.13 is none"},
      {"wrong order", R"(.*/post-rulebase/.*)", "all of these rules deny"},
      {"removed line", R"(ruleset.nft: +meta l4proto tcp reject with tcp reset => )",
       "the next line rejects it in another way"},
      {"lost set",
       R"(ruleset.nft: .* @v[46].servers accept comment "hci/(\S+.cluster-(join|service)|hyper-v.vm-man).*)",
       "management is no server, so only its packets to servers come here, and of the other family "
       "the next line says the same"},
      {"lost set",
       R"(ruleset.nft: .* ip daddr @v4.servers goto (?:denied|refused) comment "main/contractors.contractors.*)",
       "contractors are no servers, so only their packets to servers come here"},
      {"wrong order", R"(ruleset.nft: +ip6? daddr @v[46].servers goto denied)",
       "no packet is of both families"},
      {"wrong order", R"(ruleset.nft: +ct state established,related accept)",
       "no packet is of a connection and of none"},
      {"wrong order", R"(ruleset.nft: +ct state invalid drop)",
       "the denies come next, and whichever of the two a packet meets first, it does not pass",
       "c nftables"},
      {"jump without return", R"(ruleset.nft: +jump allow => .*)",
       "where it is the last line, nothing follows"},
      {"truncated file", R"(.*\.set: no last line)",
       "it is `log-end yes`, which holds without being said"},
      {"removed rule", R"(.*-A \S+ -m conntrack --ctstate INVALID -j RETURN => )",
       "no rule behind it speaks of what the target does not see"},
      {"removed rule", R"(.*-A \S+\.(?:denied|refused) -j REJECT --reject-with icmp6?-adm\S* => )",
       "the policy of FORWARD drops it", " iptables-gateway"},
      {"lost prefix", R"(.*-A \S+\.[io]\.\S+ -[ds] 10\.0\.9\.10 .*)",
       "the top chain lets only packets from or to the machine come here", " iptables-proxy"},
      {"widened prefix", R"(.*-A \S+\.[io]\.\S+ -[ds] 10\.0\.9\.10 .*)",
       "the top chain lets only packets from or to the machine come here", " iptables-proxy"},
      {"widened prefix", R"(ruleset.nft: .* ip daddr 10\.1\.0\.11 accept .*)",
       "the top chain lets only packets from or to the machine come here", "prod nftables-node"},
      {"lost prefix", R"(.*-A HCI-c\.(fd01|role-|10\.1)\S* -d (10\.0\.0\.1|fd00::1) .*)",
       "these are no servers, so only their packets to the one server come here"},
      {"widened prefix", R"(.*-A HCI-c\.(fd01|role-|10\.1)\S* -d (10\.0\.0\.1|fd00::1) .*)",
       "these are no servers, so only their packets to the one server come here"},
      {"added rule", R"(.*-A HCI-c\.\S+\+(tcp|udp)\S* [^]*)",
       "no other protocol comes to this chain"},
      {"added rule",
       R"(ruleset.nft: .*(meta l4proto 1..|tcp dport 10..|@allow\.role-|saddr @v4\.role-)[^]*)",
       "no other protocol comes to this chain"},
      {"changed port", R"(.*-A HCI-c\.\S+ -p tcp -m tcp --dport 0:2047 -j .*)",
       "no rule behind it is about the ports up to 89"},
      {"narrowed block", R"(.*-A HCI-c\.flows -s 10\.0\.0\.0/16 -j .*)",
       "of these sources the policy has 10.0.0.1 alone"},
  };
  return all;
}

/// What leads to chains of a tree, or to those that a map finds, which ask again.
bool leads_wider(const Mutant& mutant) {
  static const std::regex wider("widened prefix|lost prefix|widened range|lost ports");
  static const std::regex leads(R"(.*(-A .* -j \S+\+\S+| : jump [^ ,]+/[^ ,]+,) => .*)");
  return std::regex_match(mutant.fault, wider) && std::regex_match(mutant.place, leads);
}

const Neutral* why_neutral(const Mutant& mutant, const std::string& device) {
  for (const Neutral& one : neutral()) {
    if (device.ends_with(one.device) && mutant.fault == one.fault &&
        std::regex_match(mutant.place, std::regex(one.place)))
      return &one;
  }
  return nullptr;
}

/// Forms that no example has.
const std::map<std::string, std::string>& more_targets() {
  static const std::map<std::string, std::string> all{{"azure-firewall", R"(
target "azure-firewall" "array" { format = "rcg-json" }
target "azure-firewall" "parts" {
  sees      = any except servers -> any
  templates = "several"
}
)"},
                                                      {"iptables", R"(
target "iptables" "proxy" {
  mode = "host"
  host = proxy.corp
}
target "iptables" "node" {
  mode    = "host"
  host    = node.e1
  table   = "own"
  default = "drop"
}
target "iptables" "gateway" { table = "own" }
)"},
                                                      {"nftables", R"(
target "nftables" "proxy" {
  mode = "host"
  host = proxy.corp
}
target "nftables" "node" {
  mode    = "host"
  host    = node.e1
  default = "drop"
}
)"}};
  return all;
}

std::map<std::string, std::string> files_for(const std::string& example,
                                             const std::string& backend) {
  auto files = example_files(example);
  const auto more = more_targets().find(backend);
  if (example == "02-stretched-cluster" && more != more_targets().end()) {
    files.at("examples/" + example + "/main.hcipol") += more->second;
  }
  return files;
}

const std::string many = "many";

/// Rules that are found by trees and maps, none of which another says as well.
std::string many_rules_apart() {
  std::string roles;
  std::string out =
      "cluster \"c\" {\n  node \"n1\" { address = [10.0.0.1, fd00::1] }\n  enable \"x\"\n}\n"
      "feature \"x\" {\n  allow \"wide\" any -> servers on tcp/3000-3999\n";
  for (unsigned i = 0; i < 20; ++i) {
    std::string scattered;
    for (unsigned n = 0; n < 12; ++n)
      scattered += fmt::format("{}{}.{}.0.1", n == 0 ? "" : ", ", 20 + n * 15, i);
    roles += fmt::format("role \"role-{}\" {{ members = [{}] }}\n", i, scattered);
    out += fmt::format(
        "  allow \"a{0}\" servers -> \"h{0}.example.com\" on tcp/{1}\n"
        "  allow \"b{0}\" [10.1.{0}.0/24, fd01:{0}::/32] -> servers on udp/{1}\n"
        "  allow \"c{0}\" role-{0} -> servers on tcp/{2}\n"
        "  allow \"d{0}\" servers -> \"g{0}.example.com\" on ip/{3}\n"
        "  allow \"e{0}\" servers -> [10.1.{0}.1, 172.16.{0}.1] on tcp/9000\n"
        "  deny  \"f{0}\" 10.9.{0}.1 -> servers on tcp/{4}\n",
        i, 1000 + i, 2000 + 3 * i, 100 + i, 3000 + i);
  }
  return roles + out + "}\n";
}

TEST_P(Mutation, EveryFaultIsFound) {
  std::map<std::string, int> found_by_kind;
  int found = 0;
  std::vector<std::pair<std::string, std::string>> policies;
  for (const std::string& example : example_names()) {
    policies.emplace_back(example, "");
    if (*GetParam().more != 0) policies.emplace_back(example, GetParam().more);
  }
  if (GetParam().many) policies.emplace_back(many, "");
  for (const auto& [example, more] : policies) {
    std::map<std::string, std::string> files = files_for(example, GetParam().backend);
    if (example == many) files = {{"examples/many/main.hcipol", many_rules_apart()}};
    if (!more.empty()) files["examples/" + example + "/more.hcipol"] = more;
    EmittedPolicy policy(files, "examples/" + example);
    for (const Emitted& one : policy.devices()) {
      if (one.backend->name != GetParam().backend) continue;
      if (!more.empty() && one.name.find("another-form") == std::string::npos) continue;
      ASSERT_FALSE(one.refused) << one.name;
      const Mutants mutants = GetParam().make(one.emission);
      for (std::size_t i = 0; i < mutants.size(); i += every) {
        const Mutant& mutant = mutants[i];
        const auto difference =
            backends::difference(*one.backend, *one.device, mutated(one.emission, mutant));
        if (!difference && (leads_wider(mutant) || why_neutral(mutant, one.name) != nullptr))
          continue;
        if (!difference) {
          ADD_FAILURE() << example << ", " << one.name << ": " << mutant.fault << " in "
                        << mutant.place;
          continue;
        }
        ++found;
        ++found_by_kind[mutant.fault];
        if (std::getenv("HCIPOL_MUTANTS"))
          std::cerr << mutant.fault << " | " << mutant.place << " | " << *difference << "\n";
      }
    }
  }
  RecordProperty("faults", found);
  EXPECT_GE(found, sanitized ? 150 / static_cast<int>(every) : 150);
  EXPECT_GE(found_by_kind.size(), 15u);
}

constexpr const char* set_target = R"(
target "palo-alto" "another-form" {
  format = "set"
  shared = "objects"
  app_id = true
}
)";

INSTANTIATE_TEST_SUITE_P(Faults, Mutation,
                         testing::Values(Kind{"azure-firewall", azure_mutants},
                                         Kind{"azure-nsg", nsg_mutants},
                                         Kind{"iptables", iptables_mutants, "", true},
                                         Kind{"nftables", nftables_mutants, "", true},
                                         Kind{"palo-alto", palo_alto_mutants, set_target},
                                         Kind{"windows-firewall", windows_mutants}),
                         [](const auto& kind) {
                           std::string name = kind.param.backend;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace hcipol::test
