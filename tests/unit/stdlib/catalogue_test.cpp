// The catalogue (`hcipolc doc`) lists for each release, cloud and feature what a compiled policy
// opens: no feature, host or port more, and none less.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "facts.h"
#include "library.h"
#include "support/text.h"
#include "tests/support/session.h"

namespace hcipol::test {
namespace {

using Json = nlohmann::json;

Json documented(std::vector<std::string> arguments) {
  Session session;
  arguments.insert(arguments.begin(), "doc");
  arguments.insert(arguments.end(), {"--format", "json"});
  const Outcome outcome = session.run(arguments);
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  return Json::parse(outcome.out);
}

/// What everything_on() gives the parameters that stand in hosts.
std::string filled(std::string host) {
  static const std::map<std::string, std::string> holes{
      {"${param.account}", "*"},
      {"${param.key_vault}", "contosovault"},
      {"${param.sql_key_vault}", "contosovault"},
      {"${param.id}", "contosogateway"},
      {"${each of param.workspaces}", "00000000-0000-0000-0000-000000000000"},
      {"${each of param.collection_endpoints}", "contosodce"},
  };
  for (const auto& [hole, value] : holes) {
    if (const auto at = host.find(hole); at != host.npos) host.replace(at, hole.size(), value);
  }
  return host;
}

/// One end of a row. A host that is there only if a parameter is changed, and is that parameter's,
/// has no name to compare.
net::PeerSet end_of(const Json& peers, std::size_t& holes) {
  net::PeerSet set;
  for (const Json& peer : peers) {
    const std::string kind = peer.at("kind");
    if (kind == "role" || kind == "set") set = set | role(peer.at("name").get<std::string>());
    for (const Json& host : peer.at("hosts")) {
      const std::string name = filled(host.at("host"));
      if (!host.at("exact").get<bool>() && name == host.at("host")) {
        ++holes;
        EXPECT_TRUE(!host.at("when").is_null() && host.at("when").at("by_default") == false)
            << host << " is no name, and in use";
        continue;
      }
      set = set | test::host(name);
    }
    EXPECT_TRUE(kind == "role" || kind == "set" || !peer.at("hosts").empty()) << peer;
  }
  return set;
}

struct Row {
  std::string rule;
  std::vector<net::Box> boxes;
};

std::vector<Row> rows_of(const Json& feature, const std::string& cloud, std::size_t& holes) {
  std::vector<Row> out;
  for (const Json& rule : feature.at("rules")) {
    for (const Json& opening : rule.at("openings")) {
      EXPECT_EQ(opening.at("clouds"), Json::array({cloud}));
      const net::PeerSet from = end_of(opening.at("from"), holes);
      const net::PeerSet to = end_of(opening.at("to"), holes);
      const Json& text = opening.at("default_service").is_null() ? opening.at("service")
                                                                 : opening.at("default_service");
      const net::ServiceSet service = service_of(text);
      Row row{feature.at("name").get<std::string>() + "." + rule.at("name").get<std::string>(), {}};
      row.boxes.push_back({from, to, service});
      if (rule.at("both_ways")) row.boxes.push_back({to, from, service});
      out.push_back(std::move(row));
    }
  }
  return out;
}

/// With everything on, without the Arc gateway and with it where there is one.
std::vector<OpenedFlow> everything_opened(Context context) {
  std::vector<OpenedFlow> out;
  for (const bool gateway : {false, true}) {
    if (gateway && !features_of(context).contains("arc-gateway")) break;
    context.gateway = gateway;
    const Compiled compiled = compile(policy_text(context, everything_on(context)));
    EXPECT_TRUE(compiled.compilation) << to_string(context) << compiled.errors;
    if (!compiled.compilation) continue;
    for (OpenedFlow& flow : opened(compiled.compilation->policy)) out.push_back(std::move(flow));
  }
  return out;
}

class CatalogueOfCloud : public testing::TestWithParam<std::tuple<std::string, std::string_view>> {
 protected:
  std::string release() const { return std::get<0>(GetParam()); }
  std::string cloud() const { return std::string(std::get<1>(GetParam())); }
  std::string module() const { return "std/hci/" + release(); }
  Context context() const { return {release(), cloud(), std::string(some_region(cloud()))}; }

  /// For the region of context(), if the release knows regions in this cloud at all.
  Json catalogue() const {
    const Json any = documented({module(), "--cloud", cloud()});
    if (any.at("regions").empty()) return any;
    return documented({module(), "--cloud", cloud(), "--region", context().region});
  }
};

INSTANTIATE_TEST_SUITE_P(Library, CatalogueOfCloud,
                         testing::Combine(testing::ValuesIn(releases()),
                                          testing::Values("public", "usgov", "china")),
                         [](const auto& tried) {
                           return std::get<0>(tried.param) + "_" +
                                  std::string(std::get<1>(tried.param));
                         });

TEST_P(CatalogueOfCloud, HasTheFeaturesThatOpenSomethingThere) {
  std::set<std::string> listed, opening;
  const Json page = catalogue();
  for (const Json& feature : page.at("features")) {
    if (!feature.at("clouds").empty()) listed.insert(feature.at("name"));
  }
  for (const OpenedFlow& flow : everything_opened(context())) opening.insert(flow.feature);
  EXPECT_EQ(listed, opening);
  EXPECT_GT(listed.size(), 15U);
}

TEST_P(CatalogueOfCloud, HasWhatTheyOpen) {
  std::map<std::string, std::vector<Row>> rows;
  std::size_t holes = 0;
  std::vector<net::Box> boxes;
  const Json page = catalogue();
  for (const Json& feature : page.at("features")) {
    std::vector<Row>& of_feature = rows[feature.at("name")];
    of_feature = rows_of(feature, cloud(), holes);
    for (const Row& row : of_feature) boxes.insert(boxes.end(), row.boxes.begin(), row.boxes.end());
  }
  EXPECT_LT(holes, 4U);
  const std::vector<OpenedFlow> flows = everything_opened(context());
  for (const OpenedFlow& flow : flows) boxes.push_back(flow.box);
  net::PacketUniverse universe(boxes);

  std::map<std::string, std::vector<net::Box>> listed, open;
  for (const auto& [feature, of_feature] : rows) {
    for (const Row& row : of_feature) {
      listed[feature].insert(listed[feature].end(), row.boxes.begin(), row.boxes.end());
    }
  }
  for (const OpenedFlow& flow : flows) open[flow.feature].push_back(flow.box);
  for (const auto& [feature, of_feature] : rows) {
    const net::PacketSet opened_here = universe.of(open[feature]);
    for (const Row& row : of_feature) {
      const net::PacketSet extra = universe.of(row.boxes) - opened_here;
      EXPECT_TRUE(extra.empty()) << row.rule << " is listed and not opened:" << to_text(extra);
    }
  }
  for (const OpenedFlow& flow : flows) {
    const net::PacketSet missing = universe.of(flow.box) - universe.of(listed[flow.feature]);
    EXPECT_TRUE(missing.empty()) << flow.rule << " is opened and not listed:" << to_text(missing);
  }
}

/// The regions for which a release knows hosts are those that its policies take.
TEST_P(CatalogueOfCloud, KnowsTheRegionsThatAPolicyTakes) {
  std::set<std::string> known;
  const Json page = documented({module(), "--cloud", cloud()});
  for (const Json& region : page.at("regions")) {
    known.insert(region.at("name"));
  }
  // Before 22H2 nothing depends on it.
  EXPECT_EQ(known.empty(), !is_from(release(), "22h2"));
  if (known.empty()) return;
  for (const std::string region : {"westeurope", "japaneast", "northeurope", "usgovvirginia",
                                   "usgovarizona", "chinaeast2", "atlantis"}) {
    Context there = context();
    there.region = region;
    const Compiled compiled = compile(policy_text(there, everything_on(there)));
    EXPECT_EQ(known.contains(region), compiled.compilation != nullptr) << region << compiled.errors;
  }
}

// 22H2 takes every region of Azure: those for which Azure Monitor has a tag, without its staging
// ones.
TEST(Catalogue, KnowsTheRegionsOfMicrosoftsServiceTags) {
  for (const auto& [cloud, file] :
       {std::pair("public", "ServiceTags_Public_cn375_2025-11-06.json"),
        std::pair("usgov", "ServiceTags_AzureGovernment_cn400_2026-07-12.json")}) {
    std::ifstream in(facts_folder() / "servicetags" / file);
    if (!in) GTEST_SKIP() << file << " is not there";
    std::set<std::string> tagged, known;
    const Json tags = Json::parse(in);
    for (const Json& value : tags.at("values")) {
      const std::string tag = value.at("name");
      const std::string region = to_lower(tag.substr(std::min(tag.size(), tag.find('.') + 1)));
      if (!tag.starts_with("AzureMonitor.") || region == "core" || region.ends_with("stg"))
        continue;
      tagged.insert(region);
    }
    const Json page = documented({"std/hci/22h2", "--cloud", cloud});
    for (const Json& region : page.at("regions")) {
      known.insert(region.at("name"));
    }
    EXPECT_EQ(known, tagged) << cloud;
  }
}

}  // namespace
}  // namespace hcipol::test
