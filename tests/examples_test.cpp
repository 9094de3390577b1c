// The examples: what is committed is what hcipolc builds today, and other people's tools take it.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cctype>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/support/gateway_kernel.h"
#include "tests/support/line_diff.h"
#include "tests/support/repository.h"
#include "tests/support/session.h"
#include "tests/unit/backends/windows_firewall_reader.h"

namespace hcipol::test {
namespace {

using Files = std::map<std::string, std::string>;

/// Every example for these devices, and for what else its `target` blocks name.
std::string targets_of(const Files& policy) {
  std::string out = "azure-firewall,iptables,nftables,palo-alto,windows-firewall";
  for (const auto& [path, text] : policy) {
    if (text.find("\ntarget \"azure-nsg\"") != std::string::npos) return out + ",azure-nsg";
  }
  return out;
}

class Example : public testing::TestWithParam<std::string> {
 protected:
  std::string folder() const { return "examples/" + GetParam(); }
  std::string output() const { return folder() + "/build/"; }

  Files sources() const {
    Files files = files_below(folder());
    std::erase_if(files, [&](const auto& file) { return file.first.starts_with(output()); });
    return files;
  }
  Files committed() const { return files_below(folder() + "/build"); }
  Files committed(const std::string& target, const std::vector<std::string_view>& endings) const {
    Files files = committed();
    std::erase_if(files, [&](const auto& file) {
      const bool of_target = file.first.find("/" + target) != std::string::npos;
      return !of_target || !ends_with_one_of(file.first, endings);
    });
    return files;
  }

  /// What a build leaves below build/.
  Files built(Files files, unsigned threads) const {
    Session session;
    const std::string targets = targets_of(files);
    session.files = TestFiles(std::move(files));
    session.threads = threads;
    const Outcome outcome =
        session.run({"build", folder(), "-t", targets, "-o", folder() + "/build"});
    EXPECT_EQ(outcome.exit, 0) << outcome.err;
    Files out = session.files.files();
    std::erase_if(out, [&](const auto& file) { return !file.first.starts_with(output()); });
    return out;
  }
};

void bless(const Files& is, const Files& should_be) {
  for (const auto& [path, text] : is) {
    if (!should_be.contains(path)) remove_file(path);
  }
  for (const auto& [path, text] : should_be) write_file(path, text);
}

TEST_P(Example, IsCommittedAsItIsBuilt) {
  const Files expected = committed();
  const Files actual = built(sources(), 1);
  ASSERT_FALSE(actual.empty());
  if (blessing()) return bless(expected, actual);
  for (const auto& [path, text] : actual) {
    const auto found = expected.find(path);
    if (found == expected.end()) {
      ADD_FAILURE() << path << " is not committed";
    } else if (found->second != text) {
      ADD_FAILURE() << unified_diff(found->second, text, path).substr(0, 4000)
                    << "\n(HCIPOL_BLESS=1 accepts this.)";
    }
  }
  for (const auto& [path, text] : expected)
    EXPECT_TRUE(actual.contains(path)) << path << " is stale";
}

TEST_P(Example, IsTheSameFromManyThreadsAndOverItself) {
  const Files first = built(sources(), 1);
  EXPECT_EQ(built(sources(), 4), first);
  Files again = sources();
  again.insert(first.begin(), first.end());
  EXPECT_EQ(built(again, 1), first);
}

// ---- Other people's tools, on the committed files.

gateway::Folder copy_of(const Files& files) {
  Files flat;
  for (const auto& [path, text] : files) flat[path.substr(path.rfind('/') + 1)] = text;
  return gateway::Folder(flat);
}

bool has(const std::string& tool) {
  const std::string probe = "PATH=$PATH:/usr/sbin:/sbin command -v " + tool + " >/dev/null 2>&1";
  return std::system(probe.c_str()) == 0;
}

std::string folder_of(const std::string& path) {
  return path.substr(0, path.rfind('/') + 1);
}

TEST_P(Example, IptablesTakesTheRules) {
  const std::string way = gateway::iptables_namespace();
  if (way.empty()) GTEST_SKIP() << "no network namespace with iptables and ipset to be had";
  const Files all = committed();
  const Files rules = committed("iptables", {"/rules.v4"});
  ASSERT_FALSE(rules.empty());
  for (const auto& [path, text] : rules) {
    Files files;
    for (const auto& [other, content] : all) {
      if (folder_of(other) == folder_of(path)) files.emplace(other, content);
    }
    for (const std::string variant : {"nft", "legacy"}) {
      const gateway::Folder folder = copy_of(files);
      folder.write("check.sh",
                   "PATH=$PATH:/usr/sbin:/sbin\nset -e\nexport XTABLES_LOCKFILE=$PWD/lock\n"
                   "if [ -e ipset ]; then ipset restore < ipset; fi\n"
                   "iptables-$V-restore --noflush --test < rules.v4\n"
                   "ip6tables-$V-restore --noflush --test < rules.v6\n");
      const auto [status, out] = folder.run("V=" + variant + " " + way + " sh check.sh");
      EXPECT_EQ(status, 0) << path << " with " << variant << ": " << out;
    }
  }
}

TEST_P(Example, NftTakesTheRuleset) {
  const std::string way = gateway::nftables_namespace();
  if (way.empty()) GTEST_SKIP() << "no network namespace with nft to be had";
  const Files rules = committed("nftables", {"/ruleset.nft"});
  ASSERT_FALSE(rules.empty());
  for (const auto& [path, text] : rules) {
    const gateway::Folder folder = copy_of({{path, text}});
    folder.write("check.sh",
                 "PATH=$PATH:/usr/sbin:/sbin\nset -e\nnft -c -f ruleset.nft\n"
                 "nft -f ruleset.nft\nnft list ruleset > once\n"
                 "nft -f ruleset.nft\nnft list ruleset > twice\ncmp once twice\n");
    const auto [status, out] = folder.run(way + " sh check.sh");
    EXPECT_EQ(status, 0) << path << ": " << out;
  }
}

TEST_P(Example, DnsmasqTakesItsConfiguration) {
  Files files = committed("iptables", {"/dnsmasq.conf"});
  files.merge(committed("nftables", {"/dnsmasq.conf"}));
  if (files.empty()) return;  // no names, so nothing for dnsmasq to learn
  if (!has("dnsmasq")) GTEST_SKIP() << "no dnsmasq";
  for (const auto& [path, text] : files) {
    const auto [status, out] =
        copy_of({{path, text}}).run("PATH=$PATH:/usr/sbin dnsmasq --test -C dnsmasq.conf");
    EXPECT_EQ(status, 0) << path << ": " << out;
  }
}

TEST_P(Example, PaloAltoIsXml) {
  if (!has("xmllint")) GTEST_SKIP() << "no xmllint";
  const Files files = committed("palo-alto", {".xml"});
  ASSERT_FALSE(files.empty());
  for (const auto& [path, text] : files) {
    const auto [status, out] = copy_of({{path, text}}).run("xmllint --noout *.xml");
    EXPECT_EQ(status, 0) << path << ": " << out;
  }
}

TEST_P(Example, SchemasOfAzureTakeTheTemplates) {
  const auto schemas = repository() / "../shared/schemas/azure";
  if (!std::filesystem::exists(schemas)) GTEST_SKIP() << "Microsoft's schemas are not here";
  if (!has("/usr/bin/python3")) GTEST_SKIP() << "no /usr/bin/python3";
  const Files files = committed("azure-firewall", {".json"});
  ASSERT_FALSE(files.empty());
  std::string command = "/usr/bin/python3 '" +
                        (repository() / "tests/unit/backends/azure_firewall_schema.py").string() +
                        "' '" + schemas.string() + "'";
  for (const auto& [path, text] : files) command += " '" + (repository() / path).string() + "'";
  const int status = std::system(command.c_str());
  if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
    GTEST_SKIP() << "python3-jsonschema is not installed";
  }
  EXPECT_EQ(status, 0);
}

TEST_P(Example, ScriptsArePowerShell) {
  if (windows_firewall::powershell() == nullptr) {
    GTEST_SKIP() << "HCIPOL_TREE_SITTER_POWERSHELL names no grammar";
  }
  const Files files = committed("windows-firewall", {".ps1"});
  ASSERT_FALSE(files.empty());
  for (const auto& [path, text] : files) {
    EXPECT_NO_THROW(windows_firewall::ParsedScript{text}) << path;
  }
}

INSTANTIATE_TEST_SUITE_P(Each, Example, testing::ValuesIn(folders_in("examples")), test_name);

}  // namespace
}  // namespace hcipol::test
