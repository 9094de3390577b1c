// The library opens what the facts ask for, and nothing else, but for the table of deviations. For
// each release, cloud and region, in both directions, by sets of packets.
#include "conformance.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace hcipol::test {
namespace {

struct Skippable : testing::Test {
  void SetUp() override {
    if (!facts_are_here()) {
      GTEST_SKIP() << "there are no facts to compare with: " << facts_folder() << " is not there";
    }
  }
};
struct Conformance : Skippable {};
struct ConformanceTables : Skippable {};

class ConformanceOfRelease : public Skippable, public testing::WithParamInterface<std::string> {};

INSTANTIATE_TEST_SUITE_P(Releases, ConformanceOfRelease, testing::ValuesIn(releases()),
                         [](const auto& release) { return "Release" + release.param; });

TEST_P(ConformanceOfRelease, OpensEveryFactAndNothingElse) {
  std::size_t compared = 0;
  for (const Context& context : contexts()) {
    if (context.release != GetParam()) continue;
    const Compiled compiled = compile(policy_text(context, everything_on(context)));
    ASSERT_TRUE(compiled.compilation) << to_string(context) << '\n' << compiled.errors;
    const std::set<std::string> features = features_declared(context.release);

    // A feature that is not on would be compared with nothing.
    std::set<std::string> on;
    for (const policy::EnabledFeature& feature :
         compiled.compilation->policy.clusters[0].features) {
      on.insert(feature.name);
    }
    for (const std::string& feature : features_of(context)) {
      EXPECT_EQ(on.contains(feature), feature != "arc-gateway" || context.gateway)
          << to_string(context) << ": " << feature;
    }

    std::set<std::string> all = features;
    for (const Asked& row : asked(context)) {
      EXPECT_TRUE(features.contains(row.feature) || !row.expected)
          << to_string(context) << ": no feature `" << row.feature << "` for " << row.name();
      all.insert(row.feature);
    }
    compare(context, all, opened(compiled.compilation->policy));
    ++compared;
  }
  EXPECT_GE(compared, 3U);
}

// ---- The table

TEST_F(ConformanceTables, EachEntryMakesADifferenceInEachOfItsReleases) {
  std::map<const void*, std::set<std::string>> at_work;
  for (const Context& context : contexts()) {
    for (const void* entry : entries_at_work(context)) at_work[entry].insert(context.release);
  }
  for (const RowDeviation& entry : deviations().rows) {
    for (const std::string& release : entry.releases) {
      EXPECT_TRUE(at_work[&entry].contains(release))
          << "the entry for " << testing::PrintToString(entry.rows) << " changes nothing in "
          << release << ": take it out of deviations.json";
    }
  }
  for (const Addition& entry : deviations().additions) {
    const std::set<std::string>& works = at_work[&entry];
    EXPECT_FALSE(works.empty()) << entry.feature << " -> " << entry.flow.to
                                << " is in the facts: take it out of deviations.json";
    for (const std::string& release : entry.releases) {
      EXPECT_TRUE(works.contains(release))
          << entry.feature << " -> " << entry.flow.to << " changes nothing in " << release;
    }
  }
}

TEST_F(ConformanceTables, EachPatternNamesARow) {
  for (const RowDeviation& entry : deviations().rows) {
    for (const std::string& pattern : entry.rows) {
      RowDeviation one = entry;
      one.rows = {pattern};
      EXPECT_TRUE(std::any_of(facts().rows.begin(), facts().rows.end(), [&](const Fact& fact) {
        return one.names(fact);
      })) << pattern;
    }
  }
  for (const Spelling& spelling : deviations().spellings) {
    EXPECT_FALSE(net::parse_pattern(spelling.host)) << "the language can say " << spelling.host;
    EXPECT_TRUE(std::any_of(facts().rows.begin(), facts().rows.end(), [&](const Fact& fact) {
      return std::any_of(fact.flows.begin(), fact.flows.end(),
                         [&](const FactFlow& flow) { return flow.to == spelling.host; });
    })) << spelling.host;
  }
}

// ---- The reader

// The comparison would pass on nothing if rows were lost, or were of no context.
TEST_F(Conformance, EveryRowOfTheFactsIsAskedForSomewhere) {
  EXPECT_EQ(facts().rows_of_file,
            (std::map<std::string, std::size_t>{{"endpoints.json", 533},
                                                {"endpoints_azure_local_template.json", 175},
                                                {"endpoints_regional.json", 1356},
                                                {"ports.json", 69}}));
  std::size_t sum = 0;
  for (const auto& [file, count] : facts().rows_of_file) sum += count;
  EXPECT_EQ(facts().rows.size(), sum);

  std::set<std::string> seen;
  for (const Context& context : contexts()) {
    for (const Asked& row : asked(context)) {
      if (row.fact != nullptr && row.listed) seen.insert(row.fact->id);
    }
  }
  for (const Fact& fact : facts().rows) EXPECT_TRUE(seen.contains(fact.id)) << fact.id;
}

TEST_F(Conformance, EveryHoleOfTheFactsIsFilled) {
  for (const Context& context : contexts()) {
    for (const Asked& row : asked(context)) {
      if (row.fact == nullptr) continue;
      for (const FactFlow& flow : row.fact->flows) {
        EXPECT_EQ(filled(flow.to, context).find('<'), std::string::npos) << row.fact->id;
      }
    }
  }
}

}  // namespace
}  // namespace hcipol::test
