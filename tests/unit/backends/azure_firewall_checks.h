// What the azure-firewall tests ask of an emission.
#pragma once

#include <gtest/gtest.h>

#include "azure_firewall_builder.h"
#include "azure_firewall_validator.h"

namespace hcipol::test::azure {

inline std::string lines(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += text + "\n";
  return out;
}

/// The template of an emission that reported no error and has no fault.
inline Template good(const Outcome& outcome) {
  EXPECT_FALSE(outcome.reporter.has_errors()) << outcome.messages();
  Template out(outcome.text(), outcome.parameters());
  EXPECT_EQ(lines(faults(out)), "") << outcome.text();
  return out;
}

/// The rules of the group whose name ends so, with their collection's name in front.
inline std::map<std::string, Json> rules_of(const Template& deployment, const std::string& ending) {
  std::map<std::string, Json> out;
  for (std::size_t i = 0; i < deployment.ids().size(); ++i) {
    if (!deployment.ids()[i].ends_with(ending)) continue;
    for (const Json& collection :
         deployment.json()["resources"][i]["properties"]["ruleCollections"]) {
      for (const Json& rule : collection["rules"]) {
        out[collection["name"].get<std::string>() + "/" + rule["name"].get<std::string>()] = rule;
      }
    }
  }
  return out;
}

inline Json resource(const Template& deployment, const std::string& type) {
  for (const Json& candidate : deployment.json()["resources"]) {
    if (candidate["type"] == type) return candidate;
  }
  return {};
}

/// Servers that reach a bit of everything.
struct Small : Builder {
  const NamedSet* servers =
      set("servers", {"10.1.0.11", "10.1.0.12", "fd00::11", "fd00::12"}, NamedSet::Kind::servers);
  const NamedSet* his = endpoint("hci/arc-his", {"gbl.his.arc.azure.com", "*.guest.azure.com"});
  const NamedSet* clock = endpoint("hci/clock", {"time.windows.com"});
  const NamedSet* dcs = set("domain-controllers", {"10.2.0.10", "10.2.0.11"});
};

}  // namespace hcipol::test::azure
