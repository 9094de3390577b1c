// What is read of a manifest does not depend on its layout, and nothing of it is taken on trust.
#include "driver/former_build.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "driver/manifest.h"

namespace hcipol::driver {
namespace {

const std::string written = R"({
  "version": 1,
  "compiler": "1.0.0",
  "library": {},
  "targets": {
    "lab/iptables": {
      "files": [
        {
          "path": "lab/iptables/rules.v4",
          "sha256": "00",
          "rules": [
            { "id": "HCI-lab a", "rule": "main/f.a", "at": "main.hcipol:3" },
            { "id": "HCI-lab b", "rule": "main/f.b", "at": "main.hcipol:4" }
          ]
        },
        {
          "path": "lab/iptables/ipset",
          "sha256": "01",
          "rules": []
        }
      ],
      "remarks": [
        { "code": "W0611", "rule": "main/f.a", "at": "main.hcipol:3", "text": "wider" }
      ],
      "budgets": [
        { "limit": "rules", "used": 2, "allowed": 100 }
      ]
    }
  }
}
)";

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  const std::size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), by);
}

void expect_all(const std::string& text) {
  std::string error;
  const auto found = read_manifest(text, error);
  ASSERT_TRUE(found) << error;
  EXPECT_EQ(found->files, (std::set<std::string>{"lab/iptables/ipset", "lab/iptables/rules.v4"}));
  ASSERT_EQ(found->devices.size(), 1u);
  const DeviceRecord& device = found->devices.begin()->second;
  ASSERT_EQ(device.budgets.size(), 1u);
  EXPECT_EQ(device.budgets[0].used, 2u);
}

TEST(FormerBuild, IsReadInAnyLayout) {
  expect_all(written);
  const auto json = nlohmann::ordered_json::parse(written);
  for (const int indent : {-1, 0, 1, 2, 4, 8}) expect_all(json.dump(indent));
  // Some rules on lines of their own as we write them, others not.
  expect_all(replaced(written, "\"rules\": [\n            { \"id\"", "\"rules\": [ { \"id\""));
  expect_all(replaced(written, "},\n            { \"id\"", "}, { \"id\""));
  expect_all(replaced(written, " }\n          ]", " } ]"));
}

TEST(FormerBuild, IsNotReadWhereItIsDamaged) {
  const std::string first = "            { \"id\": \"HCI-lab a\"";
  for (const std::string& text : {
           replaced(written, "main.hcipol:4\" }", "main.hcipol:4\""),
           replaced(written, "\"version\": 1", "\"version\": 2"),
           replaced(written, first, "<<<<<<< HEAD\n" + first),
           replaced(written, "\"path\": \"lab/iptables/ipset\"", "\"path\": \"../ipset\""),
           replaced(written, "\"used\": 2", "\"used\": -2"),
           written.substr(0, written.size() / 2),
           std::string(),
       }) {
    std::string error;
    EXPECT_FALSE(read_manifest(text, error)) << text;
    EXPECT_FALSE(error.empty());
  }
}

TEST(FormerBuild, IsKeptOnlyWithItsRules) {
  const auto kept = kept_targets(written, {});
  ASSERT_TRUE(kept);
  const std::string& text = kept->at({"lab", "iptables"});
  EXPECT_NE(text.find("\n            { \"id\": \"HCI-lab b\", \"rule\": \"main/f.b\""), text.npos);
  const std::string damaged = replaced(written, "\"main/f.b\"", "\"main/f.b");
  std::string error;
  EXPECT_TRUE(read_manifest(damaged, error));
  EXPECT_FALSE(kept_targets(damaged, {}));
  for (const std::string& text : {
           replaced(written, "\"rules\": []", "\"rules\": 3"),
           replaced(written, "\"rules\": []", "\"rules\": [\"a\"]"),
           replaced(written, "\"rules\": []", "\"size\": 3"),
           replaced(written, "\"remarks\": [\n", "\"remarks\": [ 7,\n"),
       }) {
    EXPECT_TRUE(read_manifest(text, error)) << text;
    EXPECT_FALSE(kept_targets(text, {})) << text;
  }
}

}  // namespace
}  // namespace hcipol::driver
