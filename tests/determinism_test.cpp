// A small change of a policy is a small change of each artefact, and what has no meaning changes
// nothing.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/line_diff.h"
#include "tests/support/repository.h"
#include "tests/support/session.h"

namespace hcipol::test {
namespace {

using Files = std::map<std::string, std::string>;

std::string rule(const std::string& name, int number) {
  return fmt::format("  allow \"{}\" servers -> 198.51.{}.{} on tcp/{}\n", name, 100 + number / 250,
                     number % 250 + 1, 2000 + number);
}

/// Rules r0000 … and, at a place among them, one more.
std::string feature(int count, int extra_at) {
  std::string out = "feature \"bulk\" {\n";
  for (int i = 0; i < count; ++i) {
    if (i == extra_at) out += rule("extra", 3000);
    out += rule(fmt::format("r{:04}", i), i);
  }
  if (extra_at == count) out += rule("extra", 3000);
  return out + "}\n";
}

const std::string cluster = R"(
cluster "prod" {
  node "n1" { address = [10.1.0.11, fd00::11] }
  node "n2" { address = 10.1.0.12 }

  enable "bulk"
}
)";

Files build(Files files, const std::string& target, const std::string& policy = ".") {
  Session session;
  session.files = TestFiles(std::move(files));
  const Outcome outcome = session.run({"build", policy, "-t", target, "-o", "out"});
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  Files out = session.files.files();
  std::erase_if(out, [](const auto& file) { return !file.first.starts_with("out/"); });
  return out;
}

class EachTarget : public testing::TestWithParam<std::string> {};

/// Palo Alto says most: an address object, a service object and the rule are 52 lines.
TEST_P(EachTarget, OneRuleMoreIsOnlyItsOwnLinesMore) {
  constexpr int count = 1000;
  const Files before = build({{"main.hcipol", cluster + feature(count, -1)}}, GetParam());
  ASSERT_GT(before.size(), 1U);
  for (const int place : {0, count / 2, count}) {
    SCOPED_TRACE(fmt::format("at place {}", place));
    const Files after = build({{"main.hcipol", cluster + feature(count, place)}}, GetParam());
    ASSERT_EQ(before.size(), after.size());
    bool changed = false;
    for (const auto& [path, text] : before) {
      if (path.ends_with("/manifest.json")) continue;
      const LineChanges changes = line_changes(text, after.at(path));
      changed = changed || !changes.added.empty();
      EXPECT_EQ(changes.removed, std::vector<std::string>()) << path;
      EXPECT_LE(changes.added.size(), 60U) << path << "\n"
                                           << fmt::format("{}", fmt::join(changes.added, "\n"));
    }
    EXPECT_TRUE(changed);
  }
}

/// Joined rules hold on to each other only within a feature.
TEST_P(EachTarget, ARuleOfAnotherFeatureLeavesJoinedRulesAlone) {
  std::string joined = "feature \"joined\" {\n";
  for (int i = 0; i < 40; ++i) {
    joined += fmt::format("  allow \"j{:02}\" servers -> 198.51.{}.7 on tcp/{}\n", i, 100 + i % 5,
                          3000 + i % 8);
  }
  joined += "}\n";
  const std::string enabled =
      "\ncluster \"prod\" {\n  node \"n1\" { address = 10.1.0.11 }\n"
      "  enable \"joined\"\n  enable \"bulk\"\n}\n";
  const Files before = build({{"main.hcipol", enabled + joined + feature(9, -1)}}, GetParam());
  const Files after = build({{"main.hcipol", enabled + joined + feature(9, 4)}}, GetParam());
  for (const auto& [path, text] : before) {
    if (path.ends_with("/manifest.json")) continue;
    EXPECT_EQ(line_changes(text, after.at(path)).removed, std::vector<std::string>()) << path;
  }
}

/// Nor does a rule that others cover: it is dropped, and what covers it stays as it was.
TEST_P(EachTarget, ACoveredRuleOfAnotherFeatureChangesNoLine) {
  const std::string enabled =
      "\ncluster \"prod\" {\n  node \"n1\" { address = 10.1.0.11 }\n"
      "  enable \"bulk\"\n  enable \"other\"\n}\n";
  const std::string other =
      "feature \"other\" {\n  allow \"own\" servers -> 203.0.113.1 on tcp/1\n";
  const std::string covered = "  allow \"covered\" servers -> 198.51.100.4 on tcp/2003\n";
  const Files before =
      build({{"main.hcipol", enabled + feature(9, -1) + other + "}\n"}}, GetParam());
  const Files after =
      build({{"main.hcipol", enabled + feature(9, -1) + other + covered + "}\n"}}, GetParam());
  ASSERT_EQ(before.size(), after.size());
  for (const auto& [path, text] : before) {
    if (path.ends_with("/manifest.json")) continue;
    EXPECT_EQ(text, after.at(path)) << path;
  }
  EXPECT_NE(after.at("out/manifest.json").find("main/other.covered"), std::string::npos);
}

/// The order of rules means nothing, joined or not.
TEST_P(EachTarget, OrderChangesNoByteOfAnArtefact) {
  const std::string head =
      "\ncluster \"prod\" {\n  node \"n1\" { address = 10.1.0.11 }\n"
      "  enable \"f\"\n}\n";
  std::vector<std::string> rules;
  for (int i = 0; i < 40; ++i) {
    rules.push_back(fmt::format("  allow \"r{:02}\" servers -> 198.51.{}.7 on tcp/{}\n", i,
                                100 + i % 5, 3000 + i % 7));
  }
  const auto policy = [&](bool backwards) {
    std::string text = head + "feature \"f\" {\n";
    for (std::size_t i = 0; i < rules.size(); ++i) {
      text += rules[backwards ? rules.size() - 1 - i : i];
    }
    return text + "}\n";
  };
  Files there = build({{"main.hcipol", policy(false)}}, GetParam());
  Files back = build({{"main.hcipol", policy(true)}}, GetParam());
  for (Files* files : {&there, &back}) files->erase("out/manifest.json");  // it has line numbers
  EXPECT_EQ(there, back);
}

/// Of the manifest, the hash of each file that changed, and where the rules below now stand.
TEST_P(EachTarget, OneRuleMoreAtTheEndIsOneLineMoreInTheManifest) {
  const std::string path = "out/manifest.json";
  const Files before = build({{"main.hcipol", cluster + feature(100, -1)}}, GetParam());
  const Files after = build({{"main.hcipol", cluster + feature(100, 100)}}, GetParam());
  const LineChanges changes = line_changes(before.at(path), after.at(path));
  // Hashes and figures of the whole.
  const auto of_all = [](const std::string& line) {
    return line.find("\"sha256\"") != std::string::npos ||
           line.find("\"limit\"") != std::string::npos;
  };
  for (const std::string& line : changes.removed) EXPECT_TRUE(of_all(line)) << line;
  for (const std::string& line : changes.added) {
    EXPECT_TRUE(of_all(line) || line.find("extra") != std::string::npos) << line;
  }
}

TEST_P(EachTarget, NamesOfFilesDoNotMatter) {
  const std::string main = cluster;
  const std::string bulk = feature(50, -1);
  Files one = build({{"a.hcipol", main}, {"b.hcipol", bulk}}, GetParam());
  Files two = build({{"a.hcipol", bulk}, {"b.hcipol", main}}, GetParam());
  one.erase("out/manifest.json");
  two.erase("out/manifest.json");
  EXPECT_EQ(one, two);
}

/// The manifest, too, says the same wherever the policy lies and the command was started.
TEST_P(EachTarget, TheDirectoryOfThePolicyDoesNotMatter) {
  const std::string main = "use \"./shared\" as shared\nuse \"std/hci/21h2\" as hci\n" +
                           feature(5, -1) +
                           R"(
cluster "prod" {
  node "n1" { address = 10.1.0.11 }
  node "n2" { address = 10.1.0.12 }

  enable "bulk"
  enable "shared/more"
  enable "hci/registration"
}
)";
  const std::string shared = "feature \"more\" {\n" + rule("more", 1) + "}\n";
  const Files here = build({{"main.hcipol", main}, {"shared/more.hcipol", shared}}, GetParam());
  const Files below =
      build({{"a/b/main.hcipol", main}, {"a/b/shared/more.hcipol", shared}}, GetParam(), "a/b");
  EXPECT_NE(here.at("out/manifest.json").find("\"shared/more.hcipol:"), std::string::npos);
  EXPECT_NE(here.at("out/manifest.json").find("\"std/hci/20h2/registration.hcipol:"),
            std::string::npos);
  EXPECT_EQ(here, below);
}

INSTANTIATE_TEST_SUITE_P(Targets, EachTarget,
                         testing::Values("azure-firewall", "iptables", "nftables", "palo-alto",
                                         "windows-firewall"),
                         test_name);

}  // namespace
}  // namespace hcipol::test
