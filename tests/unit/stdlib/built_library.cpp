// Builds the library in memory, with a service tag file of its own.
#include "built_library.h"

#include <gtest/gtest.h>

#include <iterator>
#include <regex>
#include <set>

#include "tests/support/random_policy.h"
#include "tests/support/repository.h"

namespace hcipol::test {

namespace {

using Json = nlohmann::json;

/// A file as Microsoft's, with two prefixes for each tag of the library.
std::string service_tags(const std::string& cloud) {
  const std::map<std::string_view, std::string_view> names{
      {"public", "Public"}, {"usgov", "AzureGovernment"}, {"china", "AzureChina"}};
  Json values = Json::array();
  int number = 1;
  for (const std::string& tag : tags_of_library()) {
    const std::string n = std::to_string(number++);
    values.push_back({{"name", tag},
                      {"id", tag},
                      {"properties",
                       {{"changeNumber", 1},
                        {"region", ""},
                        {"regionId", 0},
                        {"platform", "Azure"},
                        {"systemService", ""},
                        {"addressPrefixes", {"20." + n + ".0.0/24", "2603:1030:" + n + "::/48"}},
                        {"networkFeatures", nullptr}}}});
  }
  return Json{{"changeNumber", 1}, {"cloud", names.at(cloud)}, {"values", values}}.dump();
}

}  // namespace

const std::set<std::string>& tags_of_library() {
  static const std::set<std::string> all = [] {
    static const std::regex tag("\\n *tag += \"([A-Za-z.]+)\"");
    std::set<std::string> tags;
    for (const auto& [path, text] : files_below("stdlib/hci", {".hcipol"})) {
      for (std::sregex_iterator at(text.begin(), text.end(), tag), end; at != end; ++at) {
        tags.insert((*at)[1]);
      }
    }
    return tags;
  }();
  return all;
}

std::string address_of_tag(const std::string& tag) {
  const auto place = tags_of_library().find(tag);
  EXPECT_NE(place, tags_of_library().end()) << tag;
  return "20." + std::to_string(1 + std::distance(tags_of_library().begin(), place)) + ".0.9";
}

std::vector<std::string> read_releases() {
  return sanitized ? std::vector{releases().back()} : releases();
}

BuiltLibrary build(const Context& context, const std::string& enables,
                   std::vector<std::string> flags, std::string tags) {
  Session session;
  std::string error;
  const std::string text = policy_text(context, enables);
  const std::string policy = text + R"(
data "service_tags" "azure" { file = "tags.json" }

target "windows-firewall" { names = "service-tags" }
target "palo-alto" {}
target "azure-firewall" {}
target "iptables" {}
)";
  session.files.write("main.hcipol", policy, error);
  if (tags.empty()) tags = service_tags(context.cloud);
  session.files.write("tags.json", tags, error);
  flags.insert(flags.begin(), "build");
  BuiltLibrary built;
  built.outcome = session.run(flags);
  for (const auto& [path, written] : session.files.files()) {
    if (path == "build/manifest.json") {
      built.manifest = Json::parse(written);
    } else if (path.starts_with("build/")) {
      built.artefacts[path] = written;
    }
  }
  const Compiled compiled = compile(text);
  if (compiled.compilation) built.flows = opened(compiled.compilation->policy);
  return built;
}

Context context_of(std::string_view release, std::string_view cloud) {
  return {std::string(release), std::string(cloud), std::string(some_region(cloud))};
}

std::string everything_but_the_baseline(const Context& context) {
  std::string enables = everything_on(context);
  const std::string baseline = "  enable \"outbound-baseline\" {  }\n";
  const std::size_t at = enables.find(baseline);
  EXPECT_NE(at, std::string::npos);
  return enables.erase(at, baseline.size());
}

}  // namespace hcipol::test
