// Policies with many peers, whose lists of lines would make every packet slow.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <regex>

#include "gateway_builder.h"
#include "iptables_reader.h"
#include "tests/support/gateway_kernel.h"
#include "tests/support/longest_path.h"

namespace hcipol::test::iptables {
namespace {

using gateway::Builder;
using gateway::Folder;
using gateway::Kind;
using gateway::ProbePacket;
using gateway::tcp;
using policy::NamedSet;

/// `count` sources that ask one server each for a port of their own, and one source that asks as
/// many destinations; some are sets, some nested, some of IPv6, some denied or excepted.
class ManyPeers {
 public:
  explicit ManyPeers(unsigned count) : random_(count) {
    b.servers({"10.0.0.1", "10.0.0.2", "fd00::1"});
    b.option("default", std::string("drop"));
    for (unsigned i = 0; i < count; ++i) {
      const bool v6 = i % 4 == 3;
      const std::string block =
          v6 ? "fd01:" + std::to_string(i % 97) + ":" + std::to_string(i) + "::"
             : "10." + std::to_string(1 + i / 200) + "." + std::to_string(i % 200) + ".";
      std::vector<std::string> members{v6 ? block + "/64" : block + "0/24"};
      if (i % 7 == 0) members = {block + (v6 ? "1" : "1"), block + (v6 ? "8" : "8")};
      if (i % 50 == 0)
        members = {v6 ? "fd01::/32" : "10." + std::to_string(1 + i / 200) + ".0.0/16"};
      const NamedSet* peer = b.set("peer" + std::to_string(i), members);
      peers_.push_back(peer);
      const auto port = static_cast<std::uint16_t>(1000 + i);
      const Kind kind = i % 31 == 5 ? Kind::deny : i % 37 == 6 ? Kind::exception : Kind::allow;
      add("in." + std::to_string(i), kind, peer, b.cluster.servers, port).log = i % 9 == 0;
      add("out." + std::to_string(i), Kind::allow, b.cluster.servers, peer, port);
    }
    const auto rank = [](Kind k) { return k == Kind::exception ? 0 : k == Kind::deny ? 1 : 2; };
    std::sort(b.device.flows.begin(), b.device.flows.end(), [&](const auto& x, const auto& y) {
      return std::pair(rank(x.kind), std::string_view(x.id)) <
             std::pair(rank(y.kind), std::string_view(y.id));
    });
  }

  /// Of the first of the flows, which come in their order.
  std::string expected(const ProbePacket& packet) const {
    for (const flow::Flow& flow : b.device.flows) {
      const bool service = flow.service.contains(net::ServiceSet::ports(
          6, static_cast<std::uint16_t>(packet.detail), static_cast<std::uint16_t>(packet.detail)));
      if (!service || !flow.from.front()->set.addresses.contains(packet.from) ||
          !flow.to.front()->set.addresses.contains(packet.to))
        continue;
      return flow.kind == Kind::deny ? "DROP" : "ACCEPT";
    }
    return "DROP";
  }

  ProbePacket probe() {
    const std::size_t i = random_() % peers_.size();
    const auto ranges = peers_[i]->set.addresses.ranges();
    const auto& range = ranges[random_() % ranges.size()];
    const net::Address peer = random_() % 2 == 0 ? range.first : range.last;
    const net::Address server =
        *net::parse_address(peer.family == net::Family::ipv6 ? "fd00::1" : "10.0.0.2");
    const unsigned port = 1000 + static_cast<unsigned>(i) + (random_() % 8 == 0 ? 1 : 0);
    const bool in = random_() % 2 == 0;
    return {in ? peer : server, in ? server : peer, 6, port, "NEW", 64, {}, {}};
  }

  Builder b{"iptables"};

 private:
  policy::Rule& add(const std::string& address, Kind kind, const NamedSet* from, const NamedSet* to,
                    std::uint16_t port) {
    policy::Rule& rule = b.rules.emplace_back();
    rule.address = address;
    rule.kind = kind;
    b.device.flows.push_back({kind, {from}, {to}, tcp(port), &rule, address});
    return rule;
  }

  std::mt19937 random_;
  std::vector<const NamedSet*> peers_;
};

TEST(IptablesTree, APacketPassesFewLinesHoweverManyThereAre) {
  ManyPeers many(1200);
  const auto files = many.b.emit();
  ASSERT_FALSE(many.b.reporter.has_errors()) << many.b.reports().front();
  RulesReader v4, v6;
  v4.read(files.at("rules.v4"));
  v6.read(files.at("rules.v6"));
  SetReader sets;
  sets.read(files.at("ipset"));
  std::map<std::string, int> verdicts;
  std::map<net::Family, std::size_t> most;
  for (int i = 0; i < 2000; ++i) {
    const ProbePacket probe = many.probe();
    const RulesReader& rules = probe.from.family == net::Family::ipv4 ? v4 : v6;
    rules.looked_at = 0;
    const std::string verdict = rules.verdict("HCI-prod", probe, sets);
    ASSERT_EQ(verdict, many.expected(probe))
        << net::to_string(probe.from) << " -> " << net::to_string(probe.to) << " port "
        << probe.detail;
    ++verdicts[verdict];
    std::size_t& here = most[probe.from.family];
    here = std::max(here, rules.looked_at);
  }
  EXPECT_GT(verdicts["ACCEPT"], 500);
  EXPECT_GT(verdicts["DROP"], 100);
  // Of 1,200 flows in each direction, and through denies and exceptions as well.
  EXPECT_LT(most[net::Family::ipv4], 150U);
  EXPECT_LT(most[net::Family::ipv6], 150U);
  std::size_t longest = 0;
  for (const auto& [name, lines] : v4.chains()) {
    longest = std::max(longest, lines.size());
  }
  EXPECT_LE(longest, 40U);
}

TEST(IptablesTree, FewPeersStayAList) {
  ManyPeers few(15);
  for (const auto& [path, text] : few.b.emit()) {
    EXPECT_FALSE(std::regex_search(text, std::regex(":HCI-prod\\S*\\+"))) << path;
  }
}

/// What both variants say of files that are loaded and hooked in; "" if nothing.
std::string loaded(const std::map<std::string, std::string>& files, const std::string& way) {
  for (const std::string variant : {"nft", "legacy"}) {
    const Folder folder(files);
    const auto [status, out] =
        folder.run(way +
                   " sh -ec 'PATH=$PATH:/usr/sbin:/sbin; export XTABLES_LOCKFILE=$PWD/lock; "
                   "[ ! -e ipset ] || ipset restore < ipset; iptables-" +
                   variant +
                   "-restore --noflush < rules.v4; "
                   "ip6tables-" +
                   variant + "-restore --noflush < rules.v6; iptables-" + variant +
                   " -I FORWARD -j HCI-prod; ip6tables-" + variant + " -I FORWARD -j HCI-prod'");
    if (status != 0) return variant + ": " + out;
  }
  return "";
}

TEST(IptablesTree, BothVariantsLoadIt) {
  const std::string way = gateway::iptables_namespace();
  if (way.empty()) GTEST_SKIP() << "no network namespace with iptables and ipset to be had";
  ManyPeers many(1500);
  EXPECT_EQ(loaded(many.b.emit(), way), "");
}

/// Many sources, one of which asks for many destinations, one of them on many services; and as many
/// that are denied.
void add_all_levels(Builder& b, Kind kind) {
  constexpr unsigned most = 8300;  // more than there are below four levels
  const auto add = [&](const std::string& address, const NamedSet* from, const NamedSet* to,
                       std::uint16_t port) {
    policy::Rule& rule = b.rules.emplace_back();
    rule.address = (kind == Kind::deny ? "d." : "a.") + address;
    rule.kind = kind;
    b.device.flows.push_back({kind, {from}, {to}, tcp(port), &rule, rule.address});
  };
  const std::string what = kind == Kind::deny ? "bad" : "good";
  const auto host = [&](const char* side, unsigned net, unsigned i) {
    const std::string text =
        "10." + std::to_string(net + i / 250) + "." + std::to_string(i % 250) + ".7";
    return b.set(what + side + std::to_string(i), {text});
  };
  std::vector<const NamedSet*> destinations;
  for (unsigned i = 0; i < most; ++i) destinations.push_back(host("to", 100, i));
  for (unsigned i = 0; i < most; ++i) {
    const std::string n = std::to_string(i);
    add("from" + n, host("from", 1, i), b.cluster.servers, 445);
    add("to" + n, b.cluster.servers, destinations[i], 445);
  }
  for (std::uint16_t port = 1; port < 100; ++port)
    add("port" + std::to_string(port), b.cluster.servers, destinations.front(), port);
}

TEST(IptablesTree, TheDeepestIsTaken) {
  Builder b("iptables");
  b.servers({"10.10.100.1"});
  add_all_levels(b, Kind::allow);
  add_all_levels(b, Kind::deny);
  const auto rank = [](Kind k) { return k == Kind::exception ? 0 : k == Kind::deny ? 1 : 2; };
  std::sort(b.device.flows.begin(), b.device.flows.end(), [&](const auto& x, const auto& y) {
    return std::pair(rank(x.kind), std::string_view(x.id)) <
           std::pair(rank(y.kind), std::string_view(y.id));
  });
  const auto files = b.emit();
  ASSERT_FALSE(b.reporter.has_errors()) << b.reports().front();
  const auto path = longest_path_of_iptables(files, "HCI-prod", net::Family::ipv4);
  EXPECT_GE(path.depth, 12U);
  EXPECT_LE(path.depth, 15U);
  EXPECT_LE(path.lines, 400U);
  const std::string way = gateway::iptables_namespace();
  if (way.empty()) GTEST_SKIP() << "no network namespace with iptables and ipset to be had";
  EXPECT_EQ(loaded(files, way), "");
}

}  // namespace
}  // namespace hcipol::test::iptables
