// What is read back of a network security group: each thing that Azure refuses is put in once.
#include <gtest/gtest.h>

#include "azure_nsg_lab.h"

namespace hcipol::test::nsg {
namespace {

// On the bytes, where no policy gets that far.
TEST(AzureNsg, WhatAzureWouldRefuseIsFound) {
  Lab b;
  b.flow("hci/x.out", {b.servers}, {b.endpoint("hci/storage", {}, "Storage"), b.dcs}, tcp(443));
  const Outcome outcome = b.emit_nsg();
  Json whole = Json::parse(outcome.text());
  // First the rule that is about addresses of IPv4.
  Json& all = whole["resources"][0]["properties"]["securityRules"];
  for (Json& rule : all) {
    if (rule["name"] == "out-hci-x.out") std::swap(rule, all[0]);
  }
  ASSERT_EQ(all[0]["name"], "out-hci-x.out");
  const auto found = [&](auto edit) {
    Json json = whole;
    edit(json["resources"][0], json["resources"][0]["properties"]["securityRules"]);
    backends::Emission changed = outcome.emission;
    changed.artefacts[0].text = json.dump();
    return backends::difference(backends::azure_nsg::backend(), b.device(), changed).value_or("");
  };
  const auto of_rule = [&](const char* key, const Json& value) {
    return found([&](Json&, Json& rules) { rules[0]["properties"][key] = value; });
  };
  EXPECT_EQ(found([](Json&, Json&) {}), "");
  EXPECT_NE(found([](Json& group, Json&) { group.erase("properties"); }), "");
  EXPECT_NE(found([](Json& group, Json&) { group["name"] = "a/b"; }), "");
  EXPECT_NE(found([](Json&, Json& rules) { rules[0]["name"] = std::string(81, 'a'); }), "");
  EXPECT_NE(found([](Json&, Json& rules) { rules[0]["name"] = "a b"; }), "");
  EXPECT_NE(found([](Json&, Json& rules) {
              auto name = rules[1]["name"].get<std::string>();
              name[0] = static_cast<char>(name[0] - 'a' + 'A');
              rules[0]["name"] = name;
            }),
            "");
  for (const char* key : {"protocol", "access", "priority", "direction", "sourcePortRange",
                          "destinationPortRange", "destinationAddressPrefix"}) {
    EXPECT_NE(found([&](Json&, Json& rules) {
                for (Json& rule : rules) rule["properties"].erase(key);
              }),
              "")
        << key;
  }
  for (const Json& priority : {Json(99), Json(4097), Json("200"), Json(-1)}) {
    EXPECT_NE(of_rule("priority", priority), "") << priority;
  }
  EXPECT_NE(found([](Json&, Json& rules) {
              rules[0]["properties"]["priority"] = rules[1]["properties"]["priority"];
              rules[0]["properties"]["direction"] = rules[1]["properties"]["direction"];
            }).find("a priority twice"),
            std::string::npos);
  EXPECT_NE(of_rule("description", std::string(141, 'x')).find("long"), std::string::npos);
  EXPECT_NE(of_rule("protocol", "tcp").find("protocol"), std::string::npos);
  EXPECT_NE(of_rule("destinationPortRange", "70000").find("port"), std::string::npos);
  EXPECT_NE(of_rule("destinationAddressPrefix", "time.windows.com"), "");
  const auto list = [&](const char* key, const Json& value) {
    return found([&](Json&, Json& rules) {
      rules[0]["properties"].erase(key);
      rules[0]["properties"][std::string(key) + "es"] = value;
    });
  };
  EXPECT_NE(list("destinationAddressPrefix", {"Storage", "10.2.0.10"}).find("no prefix"),
            std::string::npos);
  EXPECT_NE(list("destinationAddressPrefix", {"10.2.0.10", "fd00::1"}).find("families"),
            std::string::npos);
  EXPECT_NE(list("destinationAddressPrefix", {"fd00::1", "fd00::2"}).find("families"),
            std::string::npos);
  Json many = Json::array();
  for (int i = 0; i < 4'001; ++i) {
    many.push_back("11." + std::to_string(i / 250) + "." + std::to_string(i % 250) + ".1");
  }
  EXPECT_NE(list("destinationAddressPrefix", many).find("more prefixes"), std::string::npos);
  EXPECT_NE(found([](Json&, Json& rules) {
              while (rules.size() < 1'001) rules.push_back(rules[0]);
            }).find("its rules"),
            std::string::npos);
}

}  // namespace
}  // namespace hcipol::test::nsg
