// A stretched cluster with every feature on builds for all four devices, in each release and cloud,
// and what a device lets through beyond the policy stands in the manifest, with the reason.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "../backends/windows_firewall_reader.h"
#include "devices.h"
#include "facts.h"

namespace hcipol::test {
namespace {

using Json = nlohmann::json;
using windows_firewall::powershell;

class Widenings : public testing::TestWithParam<std::tuple<std::string, std::string_view>> {
 protected:
  Context context() const { return context_of(std::get<0>(GetParam()), std::get<1>(GetParam())); }
};

INSTANTIATE_TEST_SUITE_P(Library, Widenings,
                         testing::Combine(testing::ValuesIn(read_releases()),
                                          testing::Values("public", "usgov", "china")),
                         [](const auto& tried) {
                           return std::get<0>(tried.param) + "_" +
                                  std::string(std::get<1>(tried.param));
                         });

/// One entry of the manifest: what a device matches beyond a rule, where an empty end or service is
/// as in the rule.
struct Widening {
  std::string rule;
  std::vector<std::string> from, to;
  std::string on;
};

/// Of the policy, each of them once; those of a device's rule that stands for several are a list.
std::vector<std::string> rules_of(const Json& remark) {
  if (!remark.contains("rules")) return {remark.at("rule")};
  EXPECT_FALSE(remark.contains("rule")) << remark;
  std::vector<std::string> out;
  for (const Json& each : remark.at("rules")) out.push_back(each.at("rule"));
  EXPECT_GT(out.size(), 1U) << remark;
  return out;
}

std::vector<Widening> widenings(const BuiltLibrary& built, const std::string& target) {
  std::vector<Widening> out;
  for (const Json& remark : built.manifest.at("targets").at(target).at("remarks")) {
    if (remark.at("code") != "W0611") continue;
    const std::string text = remark.at("text");
    EXPECT_EQ(text.find(" more"), std::string::npos) << text;
    EXPECT_FALSE(remark.at("wider").empty()) << remark;
    for (const Json& wider : remark.at("wider")) {
      for (const auto& [key, value] : wider.items()) {
        EXPECT_TRUE(key == "from" || key == "to" || key == "on") << remark;
      }
      for (const std::string& rule : rules_of(remark)) {
        out.push_back({rule, wider.value("from", std::vector<std::string>{}),
                       wider.value("to", std::vector<std::string>{}), wider.value("on", "")});
      }
      // The text says the same, and nothing of it is left out.
      for (const std::string& to : out.back().to) {
        EXPECT_NE(text.find(to), std::string::npos) << text;
      }
    }
  }
  return out;
}

bool is_tag(const std::string& peer) {
  return peer.starts_with("service tag ");
}

/// "addresses of login.example": whoever has one of them.
constexpr std::string_view by_address = "addresses of ";

/// Whether an entry's peer is the one that is asked for.
bool matches(const std::string& peer, const Probe& probe) {
  if (peer.starts_with(by_address)) {
    return peer.substr(by_address.size()) == (probe.shares.empty() ? probe.name : probe.shares);
  }
  if (is_tag(peer)) {
    const std::string in_tag = address_of_tag(peer.substr(12));
    return probe.address.starts_with(in_tag.substr(0, in_tag.rfind('.') + 1));
  }
  const auto pattern = net::parse_pattern(peer);
  EXPECT_TRUE(pattern) << peer;
  return pattern && !probe.name.empty() && net::DomainSet(*pattern).contains(probe.name);
}

/// Whether an entry is about a connection.
bool explains(const Widening& widening, const std::vector<OpenedFlow>& flows, const Probe& probe) {
  const net::Address from = net::parse_address(probe.from).value();
  const auto service = net::ServiceSet::ports(probe.protocol, probe.port, probe.port);
  return std::any_of(flows.begin(), flows.end(), [&](const OpenedFlow& flow) {
    if (flow.rule != widening.rule) return false;
    const bool from_here = widening.from.empty() && flow.box.from.addresses.contains(from);
    const bool on_this =
        (widening.on.empty() ? flow.box.service : service_of(widening.on)).contains(service);
    return from_here && on_this &&
           std::any_of(widening.to.begin(), widening.to.end(),
                       [&](const std::string& to) { return matches(to, probe); });
  });
}

/// A name that a pattern matches, and which no rule names.
std::string name_in(const std::string& pattern) {
  return pattern.starts_with("*.") ? "nobody-" + std::to_string(pattern.size()) + pattern.substr(1)
                                   : pattern;
}

/// Every name of the policy and of the entries, a name below each, and what a wildcard stands on,
/// with an address each, which no rule names; and an address of every service tag, without a name.
std::vector<Probe> destinations(const BuiltLibrary& built) {
  std::set<std::string> names{"nobody.example"};
  for (const OpenedFlow& flow : built.flows) {
    if (flow.box.to.names.others()) continue;
    for (const net::DomainPattern& pattern : flow.box.to.names.patterns()) {
      names.insert({pattern.name, "x." + pattern.name});
    }
  }
  for (const auto& [target, entry] : built.manifest.at("targets").items()) {
    for (const Widening& widening : widenings(built, target)) {
      for (const std::string& to : widening.to) {
        if (!is_tag(to) && !to.starts_with(by_address)) names.insert(name_in(to));
      }
    }
  }
  std::vector<Probe> out;
  for (const std::string& name : names) {
    const std::size_t n = out.size() + 1;
    out.push_back({"", "93.1." + std::to_string(n / 250) + "." + std::to_string(n % 250 + 1), name,
                   net::protocol::tcp, 0});
  }
  for (const std::string& tag : tags_of_library()) {
    out.push_back({"", address_of_tag(tag), "", net::protocol::tcp, 0});
  }
  return out;
}

/// Names that nobody asks for at addresses of names that a target knows by address.
std::vector<Probe> sharing(const BuiltLibrary& built, const std::string& target,
                           const std::vector<Probe>& destinations) {
  std::vector<Probe> out;
  for (const Widening& widening : widenings(built, target)) {
    for (const Probe& named : destinations) {
      const std::string entry = std::string(by_address) + named.name;
      const bool listed =
          std::find(widening.to.begin(), widening.to.end(), entry) != widening.to.end();
      if (!listed || std::any_of(out.begin(), out.end(),
                                 [&](const Probe& other) { return other.shares == named.name; })) {
        continue;
      }
      Probe other = named;
      other.name = "shares-" + std::to_string(out.size()) + ".example";
      other.shares = named.name;
      out.push_back(other);
    }
  }
  return out;
}

const std::vector<std::pair<std::uint8_t, std::uint16_t>> services_to_try{
    {net::protocol::tcp, 443},
    {net::protocol::tcp, 80},
    {net::protocol::tcp, 8084},
    {net::protocol::udp, 123}};

/// Asks a device for every connection, and compares its answer with the policy's and the entries'.
void compare(const Device& device, const BuiltLibrary& built, const std::vector<Probe>& to,
             const std::vector<std::pair<std::uint8_t, std::uint16_t>>& services) {
  const std::vector<Widening> entries = widenings(built, device.target);
  std::size_t allowed = 0;
  for (const std::string& from :
       {std::string("10.1.0.11"), address_of("management"), address_of("wac")}) {
    for (Probe probe : to) {
      probe.from = from;
      if (probe.address == from || !device.sees(probe)) continue;
      for (const auto& [protocol, port] : services) {
        probe.protocol = protocol;
        probe.port = port;
        const bool meant = allows(built.flows, probe);
        const bool explained = std::any_of(entries.begin(), entries.end(), [&](const auto& entry) {
          return explains(entry, built.flows, probe);
        });
        const bool is = device.allows(probe);
        allowed += is;
        // Each way round: nothing that the manifest does not have, and nothing that it has in vain.
        EXPECT_EQ(is, meant || explained)
            << device.target << (is ? " allows " : " denies ") << to_string(probe) << ", which "
            << (meant       ? "the policy opens"
                : explained ? "is in the manifest"
                            : "nothing asks for");
      }
    }
  }
  EXPECT_GT(allowed, 20U) << device.target;
}

TEST_P(Widenings, AreExactlyThoseOfTheManifest) {
  const BuiltLibrary built = build(context(), everything_but_the_baseline(context()));
  ASSERT_EQ(built.outcome.exit, 0) << built.outcome.err;
  const std::vector<Probe> to = destinations(built);
  ASSERT_GT(to.size(), 60U);
  for (const auto& device : devices(built, to)) {
    std::vector<Probe> asked = to;
    // Of gateways one note says it of all names.
    if (device->target == "lab/palo-alto") {
      const std::vector<Probe> others = sharing(built, device->target, to);
      EXPECT_GT(others.size(), 10U);
      asked.insert(asked.end(), others.begin(), others.end());
    }
    compare(*device, built, asked, services_to_try);
  }
}

/// Every port of the policy's between computers, a port that none has, and those of the Internet.
std::vector<std::pair<std::uint8_t, std::uint16_t>> services_of(const BuiltLibrary& built) {
  std::set<std::pair<std::uint8_t, std::uint16_t>> out(services_to_try.begin(),
                                                       services_to_try.end());
  out.insert({{net::protocol::tcp, 4444}, {net::protocol::udp, 443}});
  for (const OpenedFlow& flow : built.flows) {
    for (const std::uint8_t protocol : {net::protocol::tcp, net::protocol::udp}) {
      for (const net::PortRange& range : flow.box.service.ports(protocol)) {
        out.insert({protocol, range.first});
      }
    }
  }
  return {out.begin(), out.end()};
}

// The servers' own firewalls know addresses only: names without a tag are not enforced, which is
// W0614 and no widening.
TEST_P(Widenings, OfTheServersAreExactlyThoseOfTheManifest) {
  NEEDS_POWERSHELL_GRAMMAR();
  const BuiltLibrary built = build(context(), everything_but_the_baseline(context()));
  ASSERT_EQ(built.outcome.exit, 0) << built.outcome.err;
  std::vector<Probe> to{{"", "198.18.7.7", "", net::protocol::tcp, 0},
                        {"", "10.99.0.1", "", net::protocol::tcp, 0},
                        {"", "10.1.0.11", "", net::protocol::tcp, 0},
                        {"", "10.2.0.11", "", net::protocol::tcp, 0}};
  for (const std::string& tag : tags_of_library()) {
    to.push_back({"", address_of_tag(tag), "", net::protocol::tcp, 0});
  }
  for (const std::string& role : roles_of(context().release)) {
    to.push_back({"", address_of(role), "", net::protocol::tcp, 0});
  }
  compare(*windows(built), built, to, services_of(built));
}

// On the terminal a long list is shortened, but each entry has its line there.
TEST_P(Widenings, AreTheSameForPeopleAndInTheManifest) {
  const BuiltLibrary built =
      build(context(), everything_on(context()), {"--no-optimise", "--format", "json"});
  ASSERT_EQ(built.outcome.exit, 0) << built.outcome.err;
  std::map<std::string, int> in_manifest, told;
  for (const auto& [target, entry] : built.manifest.at("targets").items()) {
    for (const Json& remark : entry.at("remarks")) {
      EXPECT_FALSE(remark.at("text").get<std::string>().empty());
      if (remark.at("code") == "W0611")
        ++in_manifest["rule `" + remark.at("rule").get<std::string>() + "`"];
    }
  }
  const Json diagnostics = Json::parse(built.outcome.err);
  for (const Json& one : diagnostics.at("diagnostics")) {
    if (one.at("code") != "W0611") continue;
    const std::string message = one.at("message");
    ++told[message.substr(0, message.find(" is wider on "))];
  }
  EXPECT_EQ(told, in_manifest);
  EXPECT_GT(told.size(), 3U);
}

// A rule of a device that stands for several of the policy is wider for each of them.
TEST_P(Widenings, AreUnderEveryRuleThatADeviceRuleStandsFor) {
  const BuiltLibrary built = build(context(), everything_but_the_baseline(context()));
  ASSERT_EQ(built.outcome.exit, 0) << built.outcome.err;
  for (const auto& [target, entry] : built.manifest.at("targets").items()) {
    std::map<std::string, std::set<std::string>> rules_by_id;  // of a device
    std::set<std::string> wider;
    for (const Json& file : entry.at("files")) {
      for (const Json& rule : file.at("rules")) {
        if (rule.contains("rule")) rules_by_id[rule.at("id")].insert(rule.at("rule"));
      }
    }
    for (const Json& remark : entry.at("remarks")) {
      if (remark.at("code") != "W0611") continue;
      for (const std::string& rule : rules_of(remark)) wider.insert(rule);
    }
    // A rule that two device rules cover together is under both, of which one may be wider.
    const auto is_wider = [&](const std::string& rule) { return wider.contains(rule); };
    std::set<std::string> explained;
    for (const auto& [id, rules] : rules_by_id) {
      if (std::all_of(rules.begin(), rules.end(), is_wider)) {
        explained.insert(rules.begin(), rules.end());
      }
    }
    for (const auto& [id, rules] : rules_by_id) {
      for (const std::string& rule : rules) {
        EXPECT_EQ(is_wider(rule), explained.contains(rule)) << id << ' ' << rule;
      }
    }
  }
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
    std::set<std::string> devices;
    for (const auto& [path, text] : built.artefacts) {
      const auto from = path.find("lab/") + 4;
      devices.insert(path.substr(from, path.find('/', from) - from));
    }
    const std::set<std::string> all{"azure-firewall", "iptables", "palo-alto", "windows-firewall"};
    EXPECT_EQ(devices, all) << cloud;
  }
}

}  // namespace
}  // namespace hcipol::test
