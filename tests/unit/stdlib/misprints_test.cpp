// What the documents misspell or print with the wrong port never reaches a device, in any release
// and cloud.
#include <gtest/gtest.h>

#include <cctype>
#include <regex>
#include <string>
#include <string_view>

#include "built_library.h"
#include "conformance.h"
#include "devices.h"

namespace hcipol::test {
namespace {

class Misprints : public testing::TestWithParam<std::tuple<std::string, std::string_view>> {
 protected:
  Context context() const {
    Context one = context_of(std::get<0>(GetParam()), std::get<1>(GetParam()));
    one.gateway = one.cloud == "public" && is_from(one.release, "23h2");
    return one;
  }
};

INSTANTIATE_TEST_SUITE_P(Library, Misprints,
                         testing::Combine(testing::ValuesIn(read_releases()),
                                          testing::Values("public", "usgov", "china")),
                         [](const auto& tried) {
                           return std::get<0>(tried.param) + "_" +
                                  std::string(std::get<1>(tried.param));
                         });

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
    {"azgn*", "a pattern that no device understands"},
    {"wus2replica*", "E50: a pattern that no device understands"},
    {"<region>", "a hole"},
    {"<his-region>", "a hole"},
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

/// Where a text stands that is no part of a longer word: a hash in a rule's name has digits too.
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

TEST_P(Misprints, ReachNoArtefact) {
  const BuiltLibrary built =
      build(context(), everything_but_the_baseline(context()), {"--no-optimise"});
  ASSERT_EQ(built.outcome.exit, 0) << built.outcome.err;
  ASSERT_GE(built.artefacts.size(), 8U);
  for (const auto& [path, text] : built.artefacts) {
    const std::string values = without_words(text);
    for (const Misprint& misprint : misprints) {
      const std::size_t at = find_word(values, misprint.text);
      EXPECT_EQ(at, std::string::npos)
          << path << " has " << misprint.text << " (" << misprint.erratum
          << "): " << values.substr(at < 60 ? 0 : at - 60, 160);
    }
  }
}

/// The rows that the document prints as http:// with port 443 (E01), in this context.
std::vector<std::string> printed_with_443(const Context& context) {
  std::vector<std::string> hosts;
  for (const Asked& row : asked(context)) {
    if (row.expected && row.fact != nullptr && row.fact->http_printed_with_443) {
      hosts.push_back(row.fact->flows[0].to);
    }
  }
  return hosts;
}

/// Whether a row asks for the host, or for all hosts like it, over https. dnsmasq knows no host
/// without what is below it.
bool is_asked_over_https(const Context& context, const std::string& feature,
                         const std::string& name, bool dnsmasq) {
  const net::PeerSet wanted = host(name);
  for (const Asked& row : asked(context)) {
    if (!row.expected || row.feature != feature) continue;
    for (const net::Box& box : row.boxes) {
      if (!box.service.contains(net::ServiceSet::ports(net::protocol::tcp, 443, 443))) continue;
      if (box.to.names.intersects(wanted.names)) return true;
      for (const net::DomainPattern& pattern : box.to.names.patterns()) {
        const bool below = name == pattern.name || net::is_below(name, pattern.name);
        if (dnsmasq && below) return true;
      }
    }
  }
  return false;
}

TEST_P(Misprints, DoNotOpenHttpHostsOnPort443) {
  if (!facts_are_here()) GTEST_SKIP() << "there are no facts to compare with";
  Context without = context();
  without.gateway = false;
  const BuiltLibrary built = build(without, "  enable \"microsoft-update\"\n");
  ASSERT_EQ(built.outcome.exit, 0) << built.outcome.err;
  std::vector<Probe> probes;
  for (const std::string& printed : printed_with_443(without)) {
    const bool wildcard = printed.starts_with("*.");
    const std::string n = std::to_string(probes.size() + 1);
    probes.push_back({"10.1.0.11", "198.18.0." + n, wildcard ? "x" + printed.substr(1) : printed});
  }
  // The lists of 2026 no longer have the classic hosts of Windows Update.
  EXPECT_EQ(probes.empty(), without.release == "24h2" && without.cloud != "china");
  for (const auto& device : devices(built, probes)) {
    for (Probe probe : probes) {
      probe.port = 80;
      EXPECT_TRUE(device->allows(probe)) << device->target << ": " << to_string(probe);
      const bool dnsmasq = device->target == "lab/iptables";
      if (is_asked_over_https(without, "microsoft-update", probe.name, dnsmasq)) continue;
      probe.port = 443;
      EXPECT_FALSE(device->allows(probe)) << device->target << ": " << to_string(probe);
    }
  }
}

// NetBIOS names are UDP (E20). The policy has it nowhere, and no device adds it.
TEST_P(Misprints, DoNotOpenTcp137) {
  const BuiltLibrary built = build(context(), everything_but_the_baseline(context()));
  ASSERT_EQ(built.outcome.exit, 0) << built.outcome.err;
  const auto wrong = net::ServiceSet::ports(net::protocol::tcp, 137, 137);
  for (const OpenedFlow& flow : built.flows) {
    EXPECT_FALSE(flow.box.service.intersects(wrong)) << flow.rule;
  }
  Probe probe{address_of("management"), "10.1.0.11", "", net::protocol::tcp, 137};
  for (const auto& device : devices(built, {})) {
    if (!device->sees(probe)) continue;
    probe.protocol = net::protocol::tcp;
    EXPECT_FALSE(device->allows(probe)) << device->target;
    probe.protocol = net::protocol::udp;
    EXPECT_TRUE(device->allows(probe)) << device->target;
  }
}

}  // namespace
}  // namespace hcipol::test
