// The scripts run in PowerShell, which Linux has too; what Windows alone has is stood in for.
#include <future>

#include "tests/unit/backends/windows_firewall_run.h"

namespace hcipol::test::windows_firewall {
namespace {

/// Every check that a file beside this one wrote holds.
void expect_ok(const std::string& out) {
  EXPECT_EQ(out.find("not ok"), std::string::npos) << out;
  for (auto at = out.find("skipped "); at != std::string::npos; at = out.find("skipped ", at + 1)) {
    std::cout << out.substr(at, out.find('\n', at) - at) << '\n';
  }
}

void check(const std::string& harness, World& first, World& second) {
  expect_ok(run_scripts(harness, first, second));
}

TEST(WindowsFirewallRun, ProxySettings) {
  NEEDS_POWERSHELL();
  World with, without;
  for (World* world : {&with, &without}) world->server("e1", {"10.0.0.11", "fd00::11"});
  with.proxy({"10.0.9.10"}, tcp(9090));
  with.policy.proxies.back().bypass = {with.set("inside", {"10.1.2.0/24", "10.3.0.0/23"}),
                                       with.endpoint("corp", {"*.corp.example"})};
  check("windows_firewall_proxy.ps1", with, without);
}

void populate_tag(World& world, const std::vector<std::string>& prefixes) {
  auto& host = world.server("e1", {"10.0.0.11"});
  auto* tag = world.tag("AzureMonitor", prefixes);
  const auto* own = host.node->set;
  host.outbound.push_back(World::flow(world.rule("main/x.tag"), own, tag, tcp(443)));
  host.inbound.push_back(
      World::flow(world.rule("main/x.smb"), world.set("m", {"10.0.5.0/28"}), own, tcp(445)));
}

TEST(WindowsFirewallRun, NewServiceTagsAreSetInPlace) {
  NEEDS_POWERSHELL();
  World before, after;
  populate_tag(before, {"203.0.113.0/25"});
  populate_tag(after, {"203.0.113.0/24", "198.51.100.64/26"});
  const auto ids = [](World& world) {
    std::vector<std::string> out;
    const auto artefacts = world.build();
    for (const auto& entry : artefacts.front().rules) out.push_back(entry.id);
    return out;
  };
  ASSERT_EQ(ids(before), ids(after));
  check("windows_firewall_tags.ps1", before, after);
}

TEST(WindowsFirewallRun, VerifyApplyRemoveBackupRestore) {
  NEEDS_POWERSHELL();
  World first, second;
  populate_run(first, true);
  populate_run(second, false);
  check("windows_firewall_engine.ps1", first, second);
}

TEST(WindowsFirewallRun, NoServerIsLockedOut) {
  NEEDS_POWERSHELL();
  World first, second;
  populate_run(first, true);
  populate_run(second, false);
  check("windows_firewall_guard.ps1", first, second);
}

TEST(WindowsFirewallRun, NothingIsDoneThatCannotBeMended) {
  NEEDS_POWERSHELL();
  World first, second;
  populate_run(first, true);
  populate_run(second, false);
  check("windows_firewall_safety.ps1", first, second);
}

TEST(WindowsFirewallRun, WhatTwoScriptsSetIsNotTakenBackByOne) {
  NEEDS_POWERSHELL();
  World first, second;
  populate_run(first, true, false);
  populate_run(second, false, false);
  check("windows_firewall_owners.ps1", first, second);
}

TEST(WindowsFirewallRun, RulesSettingsAndWindowsOwnRulesInAGroupPolicyObject) {
  NEEDS_POWERSHELL();
  World first, second;
  populate_run(first, true, false);
  populate_run(second, false, false);
  check("windows_firewall_object.ps1", first, second);
}

TEST(WindowsFirewallRun, EveryStepIsUndoneWhenOneFails) {
  NEEDS_POWERSHELL();
  World first, second;
  populate_run(first, true);
  populate_run(second, false);
  // By far the longest.
  const ScriptRun apply("windows_firewall_rollback.ps1", first, second, "Apply");
  const ScriptRun rest("windows_firewall_rollback.ps1", first, second, "Rest");
  auto beside = std::async(std::launch::async, [&] { return apply.run(); });
  expect_ok(rest.run());
  expect_ok(beside.get());
}

TEST(WindowsFirewallRun, IsWindowsPowerShell51OnServer2019) {
  NEEDS_POWERSHELL();
  World first, second;
  populate_run(first, true);
  populate_run(second, false);
  check("windows_firewall_syntax.ps1", first, second);
}

TEST(WindowsFirewallRun, HoldsWhatPSScriptAnalyzerAsks) {
  NEEDS_POWERSHELL();
  World first, second;
  populate_run(first, true);
  populate_run(second, false);
  check("windows_firewall_analyzer.ps1", first, second);
}

}  // namespace
}  // namespace hcipol::test::windows_firewall
