// A new file of service tags changes the sets of addresses in the examples' artefacts, and nothing
// else of them.
#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "tests/support/line_diff.h"
#include "tests/support/repository.h"
#include "tests/support/session.h"

namespace hcipol::test {
namespace {

using Files = std::map<std::string, std::string>;

/// Every tag that the library names, and one more.
std::set<std::string> tags_of_library() {
  std::set<std::string> out{"AzureMonitor"};
  const std::regex attribute("\\btag\\s*=\\s*\"([A-Za-z0-9.]+)\"");
  for (const auto& [path, text] : files_below("stdlib", {".hcipol"})) {
    for (std::sregex_iterator it(text.begin(), text.end(), attribute), end; it != end; ++it) {
      out.insert((*it)[1]);
    }
  }
  return out;
}

std::string tag_file(const std::string& cloud, const std::string& prefixes) {
  std::string values;
  for (const std::string& tag : tags_of_library()) {
    values += values.empty() ? "" : ", ";
    values +=
        "{\"name\": \"" + tag + "\", \"properties\": {\"addressPrefixes\": [" + prefixes + "]}}";
  }
  return "{\"changeNumber\": 1, \"cloud\": \"" + cloud + "\", \"values\": [" + values + "]}";
}

/// The artefacts of an example that also lets its servers reach a tag, under options by which
/// devices take the addresses of tags.
Files built(const std::string& example, const std::string& prefixes) {
  const std::string folder = "examples/" + example;
  Files files = files_below(folder);
  std::erase_if(files,
                [&](const auto& file) { return file.first.starts_with(folder + "/build/"); });
  std::string clouds;
  for (const auto& [path, text] : files) clouds += text;
  std::string more =
      "endpoint \"tag-monitor\" { tag = \"AzureMonitor\" }\n"
      "feature \"tag-agents\" {\n"
      "  title = \"Agents\"\n"
      "  auto  = true\n"
      "  allow \"ingest\" servers -> tag-monitor on tcp/443\n"
      "}\n"
      "target \"windows-firewall\" \"by-tag\" { names = \"service-tags\" }\n"
      "target \"iptables\" \"by-tag\" {}\n"
      "target \"nftables\" \"by-tag\" {}\n"
      "target \"palo-alto\" \"by-tag\" {}\n"
      "target \"azure-firewall\" \"by-tag\" {}\n";
  for (const auto& [name, cloud] : {std::pair<std::string, std::string>{"usgov", "AzureGovernment"},
                                    {"china", "AzureChina"},
                                    {"public", "Public"}}) {
    // Clusters that say nothing are in the public cloud.
    if (clouds.find("\"" + name + "\"") == std::string::npos && name != "public") continue;
    more += "data \"service_tags\" \"" + name + "\" { file = \"" + name + ".json\" }\n";
    files[folder + "/" + name + ".json"] = tag_file(cloud, prefixes);
  }
  files[folder + "/tags.hcipol"] = more;
  Session session;
  session.files = TestFiles(std::move(files));
  const Outcome outcome = session.run({"build", folder, "-o", "out"});
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  Files out = session.files.files();
  std::erase_if(out, [](const auto& file) {
    return !file.first.starts_with("out/") || file.first == "out/manifest.json";
  });
  return out;
}

std::string without(std::string text, const std::string& begin, const std::string& end) {
  for (std::size_t at = 0; (at = text.find(begin, at)) != std::string::npos;) {
    const std::size_t last = text.find(end, at);
    EXPECT_NE(last, std::string::npos) << begin;
    text.erase(at, last == std::string::npos ? last : last + end.size() - at);
  }
  return text;
}

/// An artefact without its sets of addresses.
std::string rest(const std::string& path, const std::string& text) {
  if (path.ends_with(".ps1")) return without(text, "\n$addresses = @{\n", "\n}\n");
  if (path.ends_with("/ipset")) return std::regex_replace(text, std::regex("(^|\n)add [^\n]*"), "");
  if (path.ends_with(".nft")) {
    return std::regex_replace(text, std::regex("\n {6}[0-9a-f.:/]+,"), "");
  }
  if (path.ends_with(".remove.txt")) {
    return std::regex_replace(text, std::regex("\n(delete address )?hci-(host|net|range)-[^\n]*"),
                              "");
  }
  if (path.ends_with(".xml")) {
    return without(without(text, "<address>\n", "</address>\n"), "<address-group>\n",
                   "</address-group>\n");
  }
  return text;
}

class ServiceTagsInExamples : public testing::TestWithParam<std::string> {};

TEST_P(ServiceTagsInExamples, ANewFileChangesOnlyTheAddresses) {
  const Files before = built(GetParam(), R"("198.51.100.0/25", "2001:db8:1::/48")");
  const Files after = built(GetParam(), R"("198.51.100.0/24", "203.0.113.16/28", "203.0.113.64/31",
      "2001:db8:2::/48", "2001:db8:4::/47")");
  std::set<std::string> changed;
  ASSERT_FALSE(before.empty());
  for (const auto& [path, text] : after) {
    const auto former = before.find(path);
    if (former == before.end()) {
      ADD_FAILURE() << path << " is new";
      continue;
    }
    EXPECT_EQ(unified_diff(rest(path, former->second), rest(path, text), path), "");
    if (former->second == text) continue;
    for (const std::string kind : {".nft", ".ps1", ".xml", "/ipset"}) {
      if (path.ends_with(kind)) changed.insert(kind);
    }
  }
  EXPECT_EQ(before.size(), after.size());
  // Azure Firewall has the tags by name; the others have addresses to change.
  for (const auto& [path, text] : after) {
    if (path.find("/azure-firewall") != std::string::npos) {
      EXPECT_EQ(text, before.at(path));
    }
  }
  EXPECT_EQ(changed, (std::set<std::string>{".nft", ".ps1", ".xml", "/ipset"}));
}

INSTANTIATE_TEST_SUITE_P(Folders, ServiceTagsInExamples, testing::ValuesIn(folders_in("examples")),
                         [](const auto& folder) {
                           std::string name = folder.param;
                           for (char& c : name) c = c == '-' ? '_' : c;
                           return name;
                         });

}  // namespace
}  // namespace hcipol::test
