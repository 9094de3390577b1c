// The traps of Windows Firewall (platforms/windows-firewall.md) that a script meets when it runs, a
// test for each, named after it. windows_firewall_traps.ps1 runs into all of them.
#include <map>
#include <regex>
#include <set>

#include "tests/unit/backends/windows_firewall_run.h"

namespace hcipol::test::windows_firewall {
namespace {

/// What the checks of a trap say: name of the trap → lines.
const std::map<std::string, std::vector<std::string>>& trap_lines() {
  static const auto found = [] {
    World first, second;
    for (World* world : {&first, &second}) {
      populate_run(*world, world == &first);
      auto& host = world->device.hosts.front();
      host.inbound.push_back(World::flow(world->rule("main/x.rpc"), world->set("rpc", {"10.0.5.3"}),
                                         host.node->set, tcp(135) | tcp(5000, 5099)));
    }
    std::map<std::string, std::vector<std::string>> out;
    const std::string text = run_scripts("windows_firewall_traps.ps1", first, second);
    const std::regex line("(not ok|ok) (\\w+): ([^]*?)(?=\n(?:ok|not ok|done))");
    for (std::sregex_iterator it(text.begin(), text.end(), line), end; it != end; ++it) {
      out[(*it)[2].str()].push_back((*it)[1].str() + " " + (*it)[3].str());
    }
    return out;
  }();
  return found;
}

std::set<std::string>& trap_names() {
  static std::set<std::string> names;
  return names;
}

#define RUN_TRAP(name)                                          \
  const bool listed_##name = trap_names().insert(#name).second; \
  TEST(WindowsFirewallTrap, name) {                             \
    NEEDS_POWERSHELL();                                         \
    ASSERT_TRUE(listed_##name&& trap_lines().contains(#name));  \
    for (const std::string& line : trap_lines().at(#name)) {    \
      EXPECT_TRUE(line.starts_with("ok ")) << line;             \
    }                                                           \
  }

RUN_TRAP(EnabledIsAnEnumerationAndFlagsAreBoolean)
RUN_TRAP(RemoveWithoutSelectorRemovesAll)
RUN_TRAP(GroupOfARuleCannotBeChanged)
RUN_TRAP(SetKnowsARuleByItsNameAlone)
RUN_TRAP(OtherStoresAreReadOnlyOrGoneAtRestart)
RUN_TRAP(SameNameInGroupPolicyReplacesTheRule)
RUN_TRAP(GroupPolicyMayIgnoreLocalRules)
RUN_TRAP(BlockOfOthersBeatsEveryAllow)
RUN_TRAP(DefaultInboundAllowLetsEverythingIn)
RUN_TRAP(OutboundAllowDoesNothingBeforeADefaultBlock)
RUN_TRAP(FiltersAreAskedForOnceNotPerRule)
RUN_TRAP(DynamicKeywordsNeedServer2022)
RUN_TRAP(DisplayNamesAreTranslated)
RUN_TRAP(WindowsOwnRulesAreNeverEdited)
RUN_TRAP(WindowsOwnRulesMayBeCopiesForOneProfile)
RUN_TRAP(WindowsOwnRulesMayBeForTheLocalSubnet)
RUN_TRAP(ADefaultBlockMayLockTheServerOut)
RUN_TRAP(PrefixesComeBackAsMasks)
RUN_TRAP(ASingleAddressMayComeBackAsARange)
RUN_TRAP(ProfileAnyMayComeBackExpanded)
RUN_TRAP(IcmpTypesMayComeBackWithACode)
RUN_TRAP(KeywordsMayComeBackInAnotherCase)
RUN_TRAP(ProtocolsMayComeBackAsNumbers)
RUN_TRAP(ListsMayComeBackInAnotherOrder)
RUN_TRAP(NetshImportReplacesEverything)
RUN_TRAP(ArgumentsByPositionAreTheMode)
RUN_TRAP(NoQuestionForEachRule)
RUN_TRAP(LineEndsMayBecomeCrLf)
RUN_TRAP(WinInetProxyKnowsNoWhatIf)
RUN_TRAP(ExitCodesOfToolsAreRead)

// A trap in the script that no test asks about would be seen by nobody.
TEST(WindowsFirewallTraps, EveryOneHasItsTest) {
  NEEDS_POWERSHELL();
  for (const auto& [name, lines] : trap_lines()) EXPECT_TRUE(trap_names().contains(name)) << name;
}

}  // namespace
}  // namespace hcipol::test::windows_firewall
