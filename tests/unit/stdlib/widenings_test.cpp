// A stretched cluster with every feature on builds for all four devices, in each release and cloud,
// and what a device lets through beyond the policy stands in the manifest, with the reason.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>

#include "devices.h"
#include "facts.h"

namespace hcipol::test {
namespace {

using Json = nlohmann::json;

class Widenings : public testing::TestWithParam<std::tuple<std::string, std::string_view>> {
 protected:
  Context context() const { return context_of(std::get<0>(GetParam()), std::get<1>(GetParam())); }
};

INSTANTIATE_TEST_SUITE_P(Library, Widenings,
                         testing::Combine(testing::ValuesIn(releases()),
                                          testing::Values("public", "usgov", "china")),
                         [](const auto& tried) {
                           return std::get<0>(tried.param) + "_" +
                                  std::string(std::get<1>(tried.param));
                         });

/// Every name of the policy, a name below each, and what a wildcard stands on; an address each,
/// which no rule names.
std::vector<Probe> names_to_try(const std::vector<OpenedFlow>& flows) {
  std::set<std::string> names{"nobody.example"};
  for (const OpenedFlow& flow : flows) {
    if (flow.box.to.names.others()) continue;
    for (const net::DomainPattern& pattern : flow.box.to.names.patterns()) {
      names.insert({pattern.name, "x." + pattern.name});
    }
  }
  std::vector<Probe> out;
  for (const std::string& name : names) {
    const std::size_t n = out.size() + 1;
    out.push_back({"", "198.18." + std::to_string(n / 250) + "." + std::to_string(n % 250 + 1),
                   name, net::protocol::tcp, 0});
  }
  return out;
}

/// Why a device allows more, as its remarks in the manifest say it.
std::string reasons(const BuiltLibrary& built, const std::string& target) {
  std::string out;
  for (const Json& remark : built.manifest.at("targets").at(target).at("remarks")) {
    if (remark.at("code") == "W0611") out += remark.at("text").get<std::string>() + "\n";
  }
  return out;
}

/// A name stands in the reasons by itself or as `*.` and what it is below; long lists end in "and 4
/// more".
bool is_explained(const std::string& reasons, const std::string& name) {
  static const std::regex more("and [0-9]+ more");
  if (std::regex_search(reasons, more)) return true;
  for (std::size_t at = 0; at != std::string::npos; at = name.find('.', at + 1)) {
    const std::string tail = at == 0 ? name : name.substr(at + 1);
    if (reasons.find((at == 0 ? "" : "*.") + tail) != std::string::npos) return true;
  }
  return false;
}

TEST_P(Widenings, AreInTheManifest) {
  const BuiltLibrary built = build(context(), everything_but_the_baseline(context()));
  ASSERT_EQ(built.outcome.exit, 0) << built.outcome.err;
  const std::vector<Probe> names = names_to_try(built.flows);
  ASSERT_GT(names.size(), 60U);

  std::size_t allowed = 0;
  for (const auto& device : devices(built, names)) {
    const std::string why = reasons(built, device->target);
    for (const std::string& from :
         {std::string("10.1.0.11"), address_of("management"), address_of("wac")}) {
      if (!device->sees(from)) continue;
      for (Probe probe : names) {
        probe.from = from;
        for (const auto& [protocol, port] :
             {std::pair(net::protocol::tcp, 443), std::pair(net::protocol::tcp, 80),
              std::pair(net::protocol::tcp, 8084), std::pair(net::protocol::udp, 123)}) {
          probe.protocol = protocol;
          probe.port = static_cast<std::uint16_t>(port);
          const bool meant = allows(built.flows, probe);
          const bool is = device->allows(probe);
          allowed += is;
          EXPECT_TRUE(is || !meant) << device->target << " denies " << to_string(probe);
          EXPECT_TRUE(meant || !is || is_explained(why, probe.name))
              << device->target << " allows " << to_string(probe) << ", and the manifest has only\n"
              << why;
        }
      }
    }
  }
  EXPECT_GT(allowed, names.size());
}

/// The texts of all widenings that a build has told of, each of which must have its reason in the
/// manifest.
std::size_t told(const BuiltLibrary& built) {
  EXPECT_EQ(built.outcome.exit, 0) << built.outcome.err;
  if (built.outcome.exit != 0) return 0;
  std::set<std::string> in_manifest;
  for (const auto& [target, entry] : built.manifest.at("targets").items()) {
    for (const Json& remark : entry.at("remarks")) {
      EXPECT_FALSE(remark.at("text").get<std::string>().empty());
      if (remark.at("code") != "W0611") continue;
      EXPECT_FALSE(remark.at("rule").get<std::string>().empty());
      in_manifest.insert(remark.at("text"));
    }
  }
  std::size_t count = 0;
  const Json diagnostics = Json::parse(built.outcome.err);
  for (const Json& one : diagnostics.at("diagnostics")) {
    if (one.at("code") != "W0611") continue;
    ++count;
    const std::string message = one.at("message");
    EXPECT_TRUE(std::any_of(in_manifest.begin(), in_manifest.end(), [&](const std::string& text) {
      return message.ends_with(": " + text);
    })) << message;
  }
  return count;
}

TEST_P(Widenings, AreTheSameForPeopleAndInTheManifest) {
  const std::vector<std::string> flags{"--no-optimise", "--format", "json"};
  EXPECT_GT(told(build(context(), everything_on(context()), flags)), 3U);
}

// The library's tags are in the files that Microsoft publishes.
TEST(MicrosoftsServiceTags, HaveEveryTagOfTheNewestRelease) {
  for (const auto& [cloud, file] :
       {std::pair("public", "ServiceTags_Public_cn375_2025-11-06.json"),
        std::pair("usgov", "ServiceTags_AzureGovernment_cn400_2026-07-12.json")}) {
    std::ifstream in(facts_folder() / "servicetags" / file);
    if (!in) GTEST_SKIP() << file << " is not there";
    const std::string tags((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    const Context context = context_of(releases().back(), cloud);
    const BuiltLibrary built = build(context, everything_but_the_baseline(context), {}, tags);
    ASSERT_EQ(built.outcome.exit, 0) << cloud << built.outcome.err;
    EXPECT_EQ(built.artefacts.size(), 10U) << cloud;
  }
}

}  // namespace
}  // namespace hcipol::test
