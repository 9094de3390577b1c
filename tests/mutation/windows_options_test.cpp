// Faults in what scripts for Windows Firewall have only under options that no example sets: rules
// of Windows' own, service tags as dynamic keywords, the lock-down.
#include <gtest/gtest.h>

#include <map>

#include "backends/common/proof.h"
#include "tests/mutation/mutants.h"
#include "tests/support/emitted.h"

namespace hcipol::test {
namespace {

const std::string everything_on = R"(
policy "p" { language = 1 }

data "service_tags" "public" { file = "tags.json" }

role "management" { members = [10.0.5.0/28, fd00:5::/64] }

endpoint "monitor" { tag = "AzureMonitor" }
endpoint "storage" {
  fqdn = ["*.blob.core.windows.net", "a.example"]
  tag  = "Storage"
}
endpoint "names" { fqdn = ["b.example", "*.c.example"] }

feature "x" {
  allow "smb"     management -> servers on [tcp/445, tcp/5445]
  allow "cluster" servers -> servers on [udp/3343, tcp/3343]
  allow "ping"    management -> servers on [icmp/8, icmpv6/128]
  allow "other"   management -> servers on [tcp/5985-5986, udp/161]
  deny  "no-rdp"  any except management -> servers on tcp/3389
  allow "monitor" servers -> monitor on tcp/443
  allow "storage" servers -> [storage, 198.51.100.7] on tcp/443
  allow "names"   servers -> names on [tcp/443, udp/123]
  allow "dns"     servers -> 10.0.5.53 on [udp/53, tcp/53]
}

cluster "c" {
  node "n1" { address = [10.0.0.11, fd00::11] }
  node "n2" { address = [10.0.0.12, fd00::12] }

  enable "x"
}

target "windows-firewall" "names" {
  names        = "dynamic-keywords"
  service_tags = "dynamic-keywords"
  lock_down    = true
  builtin      = true
}
target "windows-firewall" "tags" {
  names        = "service-tags"
  service_tags = "dynamic-keywords"
  builtin      = true
  profile      = ["Domain"]
}
)";

const std::string tag_data = R"({"changeNumber": 1, "cloud": "Public", "values": [
  {"name": "AzureMonitor", "properties": {"addressPrefixes":
    ["203.0.113.0/25", "198.51.100.64/26", "2001:db8:7::/48"]}},
  {"name": "Storage", "properties": {"addressPrefixes": ["192.0.2.0/26", "192.0.2.128/25"]}}]})";

Mutants option_mutants(const backends::Emission& emission) {
  Mutants out = windows_mutants(emission);
  for (std::size_t i = 0; i < emission.artefacts.size(); ++i) {
    LineFaults faults(emission, i, out, "$policy = @{");
    const auto edit = [&](std::string_view fault, const char* pattern, const char* with) {
      faults.each(
          fault, [=](const std::string& line) { return by_regex(line, pattern, with); }, 12);
    };
    edit("no lock-down", "(Outbound   = ')Block", "$1Unchanged");
    edit("lock-down", "(Outbound   = ')Unchanged", "$1Block");
    edit("lost lock-down", "^    Outbound   = .*$", "");
    edit("Windows' own rule lost", "^    @\\{ Name = 'F?[PSVWR].*$", "");
    edit("another of Windows' own rules", "(@\\{ Name = ')[^']+",
         "$1RemoteDesktop-UserMode-In-TCP");
    edit("unknown rule of Windows' own", "(@\\{ Name = '[^']+)", "$1-Public");
    edit("another port of Windows' own rule", "(; LocalPort = @\\(')", "$19");
    edit("another type of Windows' own rule", "(; IcmpType = @\\(')[0-9]+", "$113");
    edit("another protocol of Windows' own rule", "(@\\{ Name = .*Protocol = ')UDP", "$1TCP");
    edit("every port of Windows' own rule", "; LocalPort = @\\('[0-9]+'\\)", "");
    edit("Windows' own rule with more", "(@\\{ Name = '[^']+')", "$1; Profile = 'Domain'");
    edit("more of Windows' own rules", "^\\$builtin = @\\($",
         "$$builtin = @(\n    @{ Name = 'RemoteDesktop-UserMode-In-UDP'; Protocol = 'UDP'; "
         "LocalPort = "
         "@('3389') }");
    edit("keyword without its addresses", "^        Addresses = .*$", "");
    edit("keyword with no addresses", "(        Addresses = ).*$", "$1@()");
    edit("keyword with another's addresses", "(        Addresses = ).*$", "$1@('192.0.2.77')");
    edit("keyword with a name beside", "( Keyword = '[^']+')( \\})",
         "$1; Addresses = @('192.0.2.7')$2");
    edit("keyword of another id", "(        Id        = '\\{.)..", "$1zz");
    edit("lost prefix of a tag", "^        '[0-9a-f:.]+/[0-9]+'$", "");
    faults.each(
        "widened prefix of a tag",
        [](const std::string& line) -> Changed {
          if (line.find("        '") != 0 || line.find('/') == std::string::npos)
            return std::nullopt;
          return widened(line);
        },
        12);
    edit("lost keyword of a rule", "(RemoteDynamicKeywordAddresses = @\\(.*), '[^']+'\\)", "$1)");
    edit("no keyword of a rule", "(RemoteDynamicKeywordAddresses = ).*", "$1@()");
    edit("addresses beside keywords", "^(        )(RemoteDynamicKeywordAddresses)",
         "$1RemoteAddress = @('192.0.2.7')\n$1$2");
  }
  return out;
}

TEST(WindowsOptions, EveryFaultIsFound) {
  EmittedPolicy policy({{"main.hcipol", everything_on}, {"tags.json", tag_data}}, ".");
  std::map<std::string, int> found;
  int all = 0;
  for (const Emitted& one : policy.devices()) {
    if (one.backend->name != "windows-firewall") continue;
    ASSERT_FALSE(one.refused) << one.name;
    const auto whole = backends::difference(*one.backend, *one.device, one.emission);
    ASSERT_FALSE(whole) << one.name << ": " << *whole;
    for (const Mutant& mutant : option_mutants(one.emission)) {
      backends::Emission mutated = one.emission;
      for (const auto& [file, text] : mutant.texts) mutated.artefacts[file].text = text;
      if (mutant.gone) {
        mutated.artefacts.erase(mutated.artefacts.begin() +
                                static_cast<std::ptrdiff_t>(*mutant.gone));
      }
      ++all;
      ++found[mutant.fault];
      EXPECT_TRUE(backends::difference(*one.backend, *one.device, mutated))
          << one.name << ": " << mutant.fault << " in " << mutant.place;
    }
  }
  EXPECT_GE(all, 150);
  for (const char* fault :
       {"no lock-down", "lock-down", "lost lock-down", "Windows' own rule lost",
        "another of Windows' own rules", "unknown rule of Windows' own",
        "another port of Windows' own rule", "another type of Windows' own rule",
        "another protocol of Windows' own rule", "every port of Windows' own rule",
        "more of Windows' own rules", "keyword without its addresses", "keyword of another id",
        "lost prefix of a tag", "widened prefix of a tag", "lost keyword of a rule"}) {
    EXPECT_GT(found[fault], 0) << fault;
  }
}

}  // namespace
}  // namespace hcipol::test
