// Service tag files: what is read of them, what is refused, and Microsoft's own ones.
#include "sema/service_tags.h"
#include "tests/support/repository.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

namespace hcipol::sema {
namespace {

const std::string good =
    R"({"changeNumber": 7, "cloud": "Public", "values": [
  {"name": "A", "id": "A", "properties": {"changeNumber": 1, "region": "", "regionId": 0,
    "addressPrefixes": ["203.0.113.0/25", "203.0.113.128/25", "2001:db8::/48"],
    "networkFeatures": ["API", "NSG"]}},
  {"name": "B", "id": "B", "properties": {"addressPrefixes": [], "networkFeatures": null}}]})";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

std::string refusal(const std::string& text) {
  std::string error;
  EXPECT_FALSE(ServiceTags::parse(text, error)) << text;
  return error;
}

TEST(ServiceTags, SetsOfPrefixes) {
  std::string error;
  auto tags = ServiceTags::parse(good, error);
  ASSERT_TRUE(tags) << error;
  EXPECT_EQ(tags->head().cloud, "Public");
  EXPECT_EQ(tags->head().change_number, 7);
  ASSERT_NE(tags->find("A"), nullptr);
  EXPECT_EQ(net::to_string(*tags->find("A")), "203.0.113.0/24, 2001:db8::/48");
  ASSERT_NE(tags->find("B"), nullptr);
  EXPECT_TRUE(tags->find("B")->empty());
  EXPECT_EQ(tags->find("a"), nullptr);
  EXPECT_EQ(tags->names(), (std::vector<std::string>{"A", "B"}));
  EXPECT_EQ(tags->used().size(), 2u);
}

TEST(ServiceTags, ByteOrderMarkAndCarriageReturns) {
  std::string windows = "\xef\xbb\xbf";
  for (const char c : good) windows += c == '\n' ? std::string("\r\n") : std::string(1, c);
  std::string error;
  auto tags = ServiceTags::parse(windows, error);
  ASSERT_TRUE(tags) << error;
  EXPECT_EQ(net::to_string(*tags->find("A")), "203.0.113.0/24, 2001:db8::/48");
  ASSERT_TRUE(read_tag_file_head(windows.substr(0, 60)));
}

TEST(ServiceTags, OtherKeysAreNotMistaken) {
  // The same keys elsewhere mean nothing, at whatever depth.
  const std::string more = replaced(
      good, R"("networkFeatures": null)",
      R"("more": {"name": 1, "addressPrefixes": [1], "values": [{"cloud": 1}]}, "name": 5)");
  std::string error;
  auto tags = ServiceTags::parse(more, error);
  ASSERT_TRUE(tags) << error;
  EXPECT_EQ(tags->names().size(), 2u);
}

TEST(ServiceTags, WhatIsNoSuchFileIsRefused) {
  EXPECT_EQ(refusal(""), "it is not JSON");
  EXPECT_EQ(refusal("<html>"), "it is not JSON");
  EXPECT_EQ(refusal(good.substr(0, good.size() - 1)), "it is not JSON");
  EXPECT_EQ(refusal("[]"), "it is no object");
  EXPECT_EQ(refusal("7"), "it is no object");
  for (const std::string key : {"changeNumber\": 7", "cloud", "values"}) {
    EXPECT_EQ(refusal(replaced(good, "\"" + key, "\"x" + key)),
              "it lacks `cloud`, `changeNumber` or `values`");
  }
  EXPECT_EQ(refusal(replaced(good, "7", "\"7\"")),
            "`changeNumber` is not of the type that it should be");
  EXPECT_EQ(refusal(replaced(good, "7", "7.5")),
            "`changeNumber` is not of the type that it should be");
  EXPECT_EQ(refusal(replaced(good, "7", "9223372036854775808")), "its `changeNumber` is too large");
  EXPECT_EQ(refusal(replaced(good, "\"Public\"", "null")),
            "`cloud` is not of the type that it should be");
  EXPECT_EQ(refusal(replaced(good, "\"cloud\"", "\"cloud\": \"x\", \"cloud\"")),
            "it has two `cloud`");
  EXPECT_EQ(refusal(replaced(good, "\"A\"", "[]")), "`name` is not of the type that it should be");
  EXPECT_EQ(refusal(replaced(good, "{\"name\": \"A\"", "7, {\"name\": \"A\"")),
            "an element of `values` is no object");
  EXPECT_EQ(refusal(replaced(good, "\"name\": \"B\"", "\"title\": \"B\"")),
            "an element of `values` has no `name` or no `properties.addressPrefixes`");
  EXPECT_EQ(refusal(replaced(good, "\"addressPrefixes\": []", "\"prefixes\": []")),
            "an element of `values` has no `name` or no `properties.addressPrefixes`");
  EXPECT_EQ(refusal(replaced(good, "\"name\": \"B\"", "\"name\": \"A\"")),
            "it has the tag `A` twice");
}

TEST(ServiceTags, EveryPrefixIsChecked) {
  for (const std::string bad : {"203.0.113.1/25", "203.0.113.0/33", "203.0.113/24", "any", "",
                                "203.0.113.0/", "2001:db8::1/48", "2001:db8::/129", "0.0.0.0/0x"}) {
    EXPECT_EQ(refusal(replaced(good, "203.0.113.0/25", bad)), "`" + bad + "` of `A` is no prefix");
  }
  EXPECT_EQ(refusal(replaced(good, "\"203.0.113.0/25\"", "7")), "a prefix of `A` is no text");
  EXPECT_EQ(refusal(replaced(good, "\"203.0.113.0/25\"", "[\"203.0.113.0/25\"]")),
            "a prefix of `A` is no text");
}

TEST(ServiceTags, TheHeadIsReadFromTheBeginning) {
  const auto head = read_tag_file_head(good.substr(0, 50));
  ASSERT_TRUE(head);
  EXPECT_EQ(head->cloud, "Public");
  EXPECT_EQ(head->change_number, 7);
  EXPECT_FALSE(read_tag_file_head(good.substr(0, 30)));
  EXPECT_FALSE(read_tag_file_head(R"({"values": [], "changeNumber": 7, "cloud": "Public"})"));
  EXPECT_FALSE(read_tag_file_head("<html>"));
  EXPECT_FALSE(read_tag_file_head(""));
}

// The same prefixes, counted and merged from a tree of the whole file.
TEST(ServiceTags, MicrosoftsFiles) {
  const std::filesystem::path folder = test::repository() / "../shared/facts/servicetags";
  if (!std::filesystem::is_directory(folder)) GTEST_SKIP() << "Microsoft's files are not here";
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".json") continue;
    ++files;
    std::stringstream text;
    text << std::ifstream(entry.path(), std::ios::binary).rdbuf();
    std::string error;
    auto tags = ServiceTags::parse(text.str(), error);
    ASSERT_TRUE(tags) << entry.path() << ": " << error;
    const auto head = read_tag_file_head(text.str().substr(0, 4096));
    ASSERT_TRUE(head) << entry.path();
    EXPECT_EQ(head->change_number, tags->head().change_number);
    const auto tree = nlohmann::json::parse(text.str());
    EXPECT_EQ(tags->head().cloud, tree["cloud"]);
    ASSERT_EQ(tags->names().size(), tree["values"].size());
    for (const auto& value : tree["values"]) {
      std::vector<net::AddressRange> ranges;
      for (const std::string prefix : value["properties"]["addressPrefixes"]) {
        const std::size_t slash = prefix.find('/');
        const auto first = net::parse_address(prefix.substr(0, slash)).value();
        const auto length = static_cast<unsigned>(std::stoul(prefix.substr(slash + 1)));
        ranges.push_back({first, net::last_of(first, length)});
      }
      const net::AddressSet* found = tags->find(value["name"].get<std::string>());
      ASSERT_NE(found, nullptr);
      ASSERT_EQ(*found, net::AddressSet::of(std::move(ranges))) << value["name"];
    }
  }
  EXPECT_GT(files, 0u);
}

}  // namespace
}  // namespace hcipol::sema
