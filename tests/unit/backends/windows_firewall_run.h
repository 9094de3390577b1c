// Runs scripts for Windows Firewall in PowerShell, which Linux has too; what Windows alone has is
// stood in for.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "support/process.h"
#include "tests/support/repository.h"
#include "tests/unit/backends/windows_firewall_builder.h"

// GTEST_SKIP returns from the test, so it cannot be a function.
#define NEEDS_POWERSHELL()                                                           \
  if (powershell_program().empty()) {                                                \
    GTEST_SKIP() << "no PowerShell: HCIPOL_PWSH names none, and there is no `pwsh`"; \
  }

namespace hcipol::test::windows_firewall {

/// The PowerShell that HCIPOL_PWSH names, or `pwsh`; "" if there is none.
inline const std::string& powershell_program() {
  static const std::string found = [] {
    const char* named = std::getenv("HCIPOL_PWSH");
    std::string program = named == nullptr ? "pwsh" : named;
    std::string error;
    const auto ran = run_program({program, "-NoProfile", "-Command", "1"}, error);
    return ran && ran->exit == 0 ? program : "";
  }();
  return found;
}

/// A file beside this one and the scripts of two policies that it runs.
class ScriptRun {
 public:
  /// A part of the file's checks, if it has parts: they can run beside each other.
  ScriptRun(const std::string& harness, World& first, World& second, const std::string& part = "")
      : folder_(std::filesystem::temp_directory_path() /
                ("hcipolc-scripts-" + std::to_string(::getpid()) + part)) {
    std::filesystem::create_directories(folder_);
    words_ = {powershell_program(), "-NoProfile", "-NonInteractive", "-File",
              (repository() / "tests/unit/backends" / harness).string()};
    for (World* world : {&first, &second}) {
      words_.push_back((folder_ / (world == &first ? "first.ps1" : "second.ps1")).string());
      write_file(words_.back(), world->build().front().text);
    }
    if (!part.empty()) words_.push_back(part);
    // It measures what it runs to compile it better, which costs these scripts more than they win.
    ::setenv("DOTNET_TieredPGO", "0", 1);
  }

  /// What it writes: `ok …` or `not ok …` for each of its checks, `skipped …` for what it cannot
  /// check here, and `done`.
  std::string run() const {
    std::string error;
    const auto ran = run_program(words_, error);
    std::filesystem::remove_all(folder_);
    if (!ran) return error;
    EXPECT_EQ(ran->exit, 0) << ran->out << ran->err;
    EXPECT_TRUE(ran->out.ends_with("done\n")) << ran->out << ran->err;
    return ran->out;
  }

 private:
  std::filesystem::path folder_;
  std::vector<std::string> words_;
};

/// Runs all of a file's checks.
inline std::string run_scripts(const std::string& harness, World& first, World& second) {
  return ScriptRun(harness, first, second).run();
}

// Two policies of one server. The first has everything on; the second has lost the lock-down, the
// proxy and Windows' own rules, asks for another name, and its tag has other addresses.
inline void populate_run(World& world, bool first, bool keywords = true) {
  auto& host = world.server("e1", {"10.0.0.11"});
  const auto* own = host.node->set;
  const auto* management = world.set("management", {"10.0.5.0/28"});
  const auto in = [&](const char* rule, const policy::NamedSet* from, net::ServiceSet service,
                      policy::Rule::Kind kind = policy::Rule::Kind::allow) {
    host.inbound.push_back(World::flow(world.rule(std::string("main/x.") + rule, kind), from, own,
                                       std::move(service)));
  };
  const auto out = [&](const char* rule, const policy::NamedSet* to, net::ServiceSet service) {
    host.outbound.push_back(
        World::flow(world.rule(std::string("main/x.") + rule), own, to, std::move(service)));
  };
  in("smb", management, tcp(445));
  in("cluster", management, udp(3343));
  in("no-rdp", world.any(), tcp(3389), policy::Rule::Kind::deny);
  in("ping", management, net::ServiceSet::icmp_type(net::protocol::icmp, 11));
  out("dns", world.set("dns", {"10.0.5.53"}), udp(53));
  out("tag",
      first ? world.tag("AzureMonitor", {"203.0.113.0/25"})
            : world.tag("AzureMonitor", {"203.0.113.0/24", "198.51.100.64/26"}),
      tcp(443));
  out("name", world.endpoint("name", {first ? "b.example" : "c.example"}), tcp(443));
  if (keywords) {
    world.option("names", "dynamic-keywords");
    world.option("service_tags", "dynamic-keywords");
  }
  if (!first) return;
  world.option("lock_down", true);
  world.option("builtin", true);
  world.proxy({"10.0.9.10"}, tcp(9090));
}

}  // namespace hcipol::test::windows_firewall
