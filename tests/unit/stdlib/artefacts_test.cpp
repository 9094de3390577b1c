// What the whole library builds to: in every release and cloud, for all four devices, nothing that
// a document misspells, and no widening that the manifest does not list.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "library.h"
#include "tests/support/repository.h"
#include "tests/support/session.h"

namespace hcipol::test {
namespace {

using Json = nlohmann::json;

/// Every tag that an endpoint of the library has.
std::set<std::string> tags_of_library() {
  static const std::regex tag("\\n *tag += \"([A-Za-z.]+)\"");
  std::set<std::string> tags;
  for (const auto& [path, text] : files_below("stdlib/hci", {".hcipol"})) {
    for (std::sregex_iterator at(text.begin(), text.end(), tag), end; at != end; ++at) {
      tags.insert((*at)[1]);
    }
  }
  return tags;
}

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

struct BuiltLibrary {
  Outcome outcome;
  std::map<std::string, std::string> artefacts;  ///< without the manifest
  Json manifest;
};

BuiltLibrary build(const Context& context, const std::string& enables,
                   std::vector<std::string> flags = {}) {
  Session session;
  std::string error;
  const std::string policy = policy_text(context, enables) + R"(
data "service_tags" "azure" { file = "tags.json" }

target "windows-firewall" { names = "service-tags" }
target "palo-alto" {}
target "azure-firewall" {}
target "iptables" {}
)";
  session.files.write("main.hcipol", policy, error);
  session.files.write("tags.json", service_tags(context.cloud), error);
  flags.insert(flags.begin(), "build");
  BuiltLibrary built;
  built.outcome = session.run(flags);
  for (const auto& [path, text] : session.files.files()) {
    if (path == "build/manifest.json") {
      built.manifest = Json::parse(text);
    } else if (path.starts_with("build/")) {
      built.artefacts[path] = text;
    }
  }
  return built;
}

Context context_of(std::string_view release, std::string_view cloud) {
  return {std::string(release), std::string(cloud), std::string(some_region(cloud))};
}

/// Without the baseline, which covers all other outbound rules: none of them would reach a device.
std::string everything_but_the_baseline(const Context& context) {
  std::string enables = everything_on(context);
  const std::string baseline = "  enable \"outbound-baseline\"\n";
  const std::size_t at = enables.find(baseline);
  EXPECT_NE(at, std::string::npos);
  return enables.erase(at, baseline.size());
}

class Artefacts : public testing::TestWithParam<std::tuple<std::string, std::string_view>> {
 protected:
  Context context() const { return context_of(std::get<0>(GetParam()), std::get<1>(GetParam())); }
};

INSTANTIATE_TEST_SUITE_P(Library, Artefacts,
                         testing::Combine(testing::ValuesIn(releases()),
                                          testing::Values("public", "usgov", "china")),
                         [](const auto& tried) {
                           return std::get<0>(tried.param) + "_" +
                                  std::string(std::get<1>(tried.param));
                         });

// ---- What documents print wrongly

struct Misprint {
  std::string_view text;
  std::string_view erratum;
};
constexpr Misprint misprints[] = {
    {"azurestackchi", "E04: the letters of azurestackhci swapped"},
    {"(Azure Public)", "E06: text after the host"},
    {"(Azure Gov)", "E12: the same"},
    {"myblobstorage", "E11, E45: a placeholder"},
    {"yourhcikeyvaultname", "a placeholder of the regional lists"},
    {"yourarcgatewayendpointid", "a placeholder of the regional lists"},
    {"://", ""},
    {"azgn*", "a pattern that no device understands"},
    {"wus2replica*", "E50: a pattern that no device understands"},
    {"<region>", "a hole"},
    {"<his-region>", "a hole"},
    {".com`", "E44: a stray backquote"},
    {"\\:", "E46: an escape of Markdown"},
    {"5895", "E27: a misprint of 5985"},
    {"55001", "a misprint of 65000"},
    {"9418", "E30: a row without a host"},
};

/// The values of an artefact, without the words for people: sources are URLs, notes hold paths.
std::string without_words(const std::string& text) {
  static const std::regex words(
      "https://"
      "(learn\\.microsoft\\.com|github\\.com|schema\\.management\\.azure\\.com)[^\\s\"'<]*");
  return std::regex_replace(text, words, "");
}

/// Where a text stands that is no part of a longer number: a hash in a rule's name has digits too.
std::size_t find_word(const std::string& in, std::string_view text) {
  const auto in_word = [&](std::size_t at) {
    return at < in.size() && std::isalnum(static_cast<unsigned char>(in[at])) != 0;
  };
  const bool number = text.find_first_not_of("0123456789") == std::string_view::npos;
  std::size_t at = in.find(text);
  while (number && at != std::string::npos && (in_word(at - 1) || in_word(at + text.size()))) {
    at = in.find(text, at + 1);
  }
  return at;
}

TEST_P(Artefacts, HoldNothingThatDocumentsMisprint) {
  const BuiltLibrary built =
      build(context(), everything_but_the_baseline(context()), {"--no-optimise"});
  ASSERT_EQ(built.outcome.exit, 0) << built.outcome.err;
  ASSERT_GE(built.artefacts.size(), 8U);
  for (const auto& [path, text] : built.artefacts) {
    const std::string values = without_words(text);
    for (const Misprint& misprint : misprints) {
      if (misprint.erratum.empty()) continue;
      const std::size_t at = find_word(values, misprint.text);
      EXPECT_EQ(at, std::string::npos)
          << path << " has " << misprint.text << " (" << misprint.erratum
          << "): " << values.substr(at < 60 ? 0 : at - 60, 160);
    }
  }
}

}  // namespace
}  // namespace hcipol::test
