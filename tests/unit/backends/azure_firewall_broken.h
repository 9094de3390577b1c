// A template with a bit of everything that tests break in one place after the other.
#pragma once

#include <gtest/gtest.h>

#include "azure_firewall_checks.h"
#include "backends/azure_firewall/validate.h"

namespace hcipol::test::azure {

using backends::Artefact;
using backends::azure_firewall::Finding;
using backends::azure_firewall::validate;

/// "R2 hci-ad.dns: one kind of destination", one a line.
inline std::string text_of(const std::vector<Finding>& findings) {
  std::string out;
  for (const Finding& finding : findings) {
    out += finding.check + (finding.doubt ? "? " : " ") + finding.what + "\n";
  }
  return out;
}

inline bool has(const std::vector<Finding>& findings, const std::string& check,
                const std::string& what = "") {
  return std::any_of(findings.begin(), findings.end(), [&](const Finding& finding) {
    return finding.check == check && finding.what.find(what) != std::string::npos;
  });
}

/// A policy with a bit of everything, as a template that can be broken.
class AzureChecks : public testing::Test {
 protected:
  AzureChecks() {
    small_.flow("hci/arc.his", {small_.servers}, {small_.his}, tcp(443) | tcp(80));
    small_.flow("hci/time.ntp", {small_.servers}, {small_.clock}, udp(123));
    small_.flow("hci/ad.dns", {small_.servers}, {small_.dcs}, tcp(53) | udp(53));
    small_.flow("hci/ad.ping", {small_.servers}, {small_.dcs},
                ServiceSet::whole(net::protocol::icmp));
    small_.flow("hci/arm.api", {small_.servers}, {small_.endpoint("hci/arm", {}, "Storage")},
                tcp(444));
    emission_ = small_.emit().emission;
    files_ = emission_.artefacts;
    json_ = Json::parse(files_.at(0).text);
    values_ = Json::parse(files_.at(1).text);
  }

  std::vector<Artefact> files() const {
    std::vector<Artefact> out = files_;
    out[0].text = json_.dump(2);
    out[1].text = values_.dump(2);
    return out;
  }
  std::vector<Finding> findings() const { return validate(files()); }
  /// What the proof of a build says of it: "" if it means what the policy says.
  std::string difference() const {
    backends::Emission changed = emission_;
    changed.artefacts = files();
    return backends::difference(backends::azure_firewall::backend(), small_.device(), changed)
        .value_or("");
  }
  /// The policy's resource, one of its groups, a group's collection of a feature, a rule.
  Json& resource(const std::string& type, std::size_t n = 0) {
    for (Json& each : json_["resources"]) {
      if (each["type"] == "Microsoft.Network/" + type && n-- == 0) return each;
    }
    throw std::runtime_error("there is no such resource");
  }
  Json& group(std::size_t n) { return resource("firewallPolicies/ruleCollectionGroups", n); }
  Json& collection(const std::string& name) {
    for (std::size_t g = 0; g < 2; ++g) {
      for (Json& each : group(g)["properties"]["ruleCollections"]) {
        if (each["name"] == name) return each;
      }
    }
    throw std::runtime_error("there is no collection " + name);
  }
  Json& rule(const std::string& of, std::size_t n = 0) { return collection(of)["rules"].at(n); }
  Json& policy() { return resource("firewallPolicies")["properties"]; }
  Json& dns() { return rule("allow-hci.ad", 0); }
  Json& ntp() { return rule("allow-hci.time"); }
  Json& his() { return rule("allow-hci.arc"); }
  /// Makes a rule of the time server one that translates addresses.
  void to_nat() {
    ntp()["ruleType"] = "NatRule";
    ntp()["destinationPorts"] = {"8443"};
    ntp()["translatedAddress"] = "10.0.0.4";
    ntp()["translatedPort"] = "443";
    Json& nat = collection("allow-hci.time");
    nat["ruleCollectionType"] = "FirewallPolicyNatRuleCollection";
    nat["action"]["type"] = "DNAT";
  }

  /// Breaks it with `edit` and asks for the check, and for what it says; mends it then.
  template <class Edit>
  void expect(const std::string& check, Edit edit, const std::string& what = "") {
    const Json json = json_;
    const Json values = values_;
    edit();
    const std::vector<Finding> found = findings();
    EXPECT_TRUE(has(found, check, what)) << "not " << check << " " << what << " but\n"
                                         << text_of(found);
    json_ = json;
    values_ = values;
  }
  /// The same of the proof.
  template <class Edit>
  void expect_unread(Edit edit, const std::string& what) {
    const Json json = json_;
    edit();
    const std::string found = difference();
    EXPECT_NE(found.find(what), std::string::npos) << "not " << what << " but " << found;
    json_ = json;
  }

  Small small_;
  backends::Emission emission_;
  std::vector<Artefact> files_;
  Json json_;
  Json values_;
};

}  // namespace hcipol::test::azure
