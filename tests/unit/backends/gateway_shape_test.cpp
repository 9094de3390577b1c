// However many rules there are, a packet passes over few lines, and chains do not lie too deep.
#include <gtest/gtest.h>

#include <functional>
#include <regex>

#include "gateway_builder.h"
#include "support/text.h"

namespace hcipol::test::gateway {
namespace {

/// Lines by chain, of iptables-restore or nft.
using Chains = std::map<std::string, std::vector<std::string>>;

Chains chains_of(const std::string& text) {
  Chains out;
  std::string chain;
  for (const std::string_view view : split(text, '\n')) {
    const std::string line(view);
    if (line.starts_with("-A ")) {
      const auto end = line.find(' ', 3);
      out[line.substr(3, end - 3)].push_back(line.substr(end));
    } else if (line.starts_with("  chain ") && line.ends_with(" {")) {
      chain = line.substr(8, line.size() - 10);
    } else if (line.starts_with("    ") && !chain.empty()) {
      out[chain].push_back(line);
    } else {
      chain.clear();
    }
  }
  return out;
}

std::size_t longest(const Chains& chains) {
  std::size_t out = 0;
  for (const auto& [name, lines] : chains) out = std::max(out, lines.size());
  return out;
}

/// Chains on the longest way from this one, itself included.
std::size_t depth(const Chains& chains, const std::string& from) {
  static const std::regex leads(" (?:-j|-g|jump|goto) ([^ ]+)");
  std::size_t below = 0;
  const auto found = chains.find(from);
  if (found == chains.end()) return 0;
  for (const std::string& line : found->second) {
    std::smatch match;
    if (std::regex_search(line, match, leads)) {
      below = std::max(below, depth(chains, match[1]));
    } else if (line.find("vmap @") != std::string::npos) {
      // One that an element of a map leads to: all are alike.
      below = std::max<std::size_t>(below, 1);
    }
  }
  return below + 1;
}

std::map<std::string, std::string> many(Builder& b, unsigned count) {
  b.servers({"192.168.0.1", "fd00::1"});
  for (unsigned i = 0; i < count; ++i) {
    const auto name = [&](const char* what) { return what + std::to_string(i); };
    const std::string two = std::to_string(i / 250) + "." + std::to_string(i % 250);
    b.allow(name("pair."), b.set(name("from "), {"10." + two + ".0/24"}),
            b.set(name("to "), {"172." + two + ".0/24"}),
            udp(static_cast<std::uint16_t>(1000 + i % 5000)));
    b.allow(name("out."), b.cluster.servers, b.set(name("site "), {"11." + two + ".7"}),
            tcp(static_cast<std::uint16_t>(1000 + i), static_cast<std::uint16_t>(1010 + i)));
    b.rule(name("deny."), Kind::deny, {b.set(name("bad "), {"12." + two + ".0/24"})},
           {b.cluster.servers}, udp(7));
    const std::string six = "fd0" + std::to_string(i / 250) + ":" + std::to_string(i % 250);
    b.allow(name("six."), b.set(name("six "), {six + "::/48"}), b.cluster.servers, tcp(445));
  }
  return b.emit();
}

TEST(GatewayShape, ChainsOfIptablesStayShort) {
  Builder more("iptables");
  const auto large = many(more, 200);
  for (const char* file : {"rules.v4", "rules.v6"}) {
    const Chains chains = chains_of(large.at(file));
    EXPECT_LE(longest(chains), 32U) << file;
    EXPECT_GE(chains.size(), 200U) << file;
    // iptables-nft takes 15 below a hook.
    EXPECT_LE(depth(chains, "HCI-prod"), 15U) << file;
  }
}

/// Each prefix within the one before, as deep as they go, and twins beside each.
TEST(GatewayShape, PrefixesWithinEachOtherDoNotLieTooDeep) {
  Builder b("iptables");
  b.servers({"192.168.0.1", "fd00::1"});
  for (unsigned length = 8; length <= 128; ++length) {
    const std::string n = std::to_string(length);
    const net::Address last = net::parse_address("fd00:ffff:ffff:ffff:ffff:ffff:ffff:ffff").value();
    const net::Cidr six{net::first_of(last, length), length};
    const auto* source = b.set("six " + n, {net::to_string(six)});
    const auto* destination = b.set("to " + n, {net::to_string(six)});
    b.allow("a." + n, source, destination, tcp(static_cast<std::uint16_t>(1000 + length)));
    b.allow("b." + n, source, b.cluster.servers, udp(static_cast<std::uint16_t>(1000 + length)));
    b.allow("c." + n, b.cluster.servers, destination, udp(static_cast<std::uint16_t>(length)));
    b.rule("d." + n, Kind::deny, {source}, {destination}, udp(static_cast<std::uint16_t>(length)));
  }
  const auto files = b.emit();
  EXPECT_LE(depth(chains_of(files.at("rules.v6")), "HCI-prod"), 15U);
}

/// Rules that one service joins look names up once, not once for each.
TEST(GatewayShape, ManyNamesAreOneSet) {
  for (const char* backend : {"iptables", "nftables"}) {
    Builder b(backend);
    b.servers({"192.168.0.1", "fd00::1"});
    std::vector<const NamedSet*> sites{b.set("mixed", {"mixed.example.com", "203.0.113.7"})};
    for (unsigned i = 0; i < 60; ++i) {
      const std::string n = std::to_string(i);
      sites.push_back(b.set("site " + n, {"s" + n + ".example.com", "*.x" + n + ".example.com"}));
    }
    b.rule("m.sites", Kind::allow, {b.cluster.servers}, sites, tcp(443));
    const auto files = b.emit();
    const bool iptables = backend == std::string("iptables");
    const std::string& names = files.at("dnsmasq.conf");
    const std::string v4 =
        iptables ? "HCI-prod.m.sites-to-dns4" : "4#inet#HCI-prod#dns4.m.sites-to";
    EXPECT_NE(names.find("/s7.example.com/" + v4), std::string::npos) << names;
    EXPECT_NE(names.find("/x7.example.com/" + v4), std::string::npos) << names;
    EXPECT_EQ(names.find("/mixed.example.com/" + v4), std::string::npos) << names;
    EXPECT_LE(longest(chains_of(files.at(iptables ? "rules.v4" : "ruleset.nft"))), 12U);
  }
}

TEST(GatewayShape, ChainsOfNftablesStayShort) {
  Builder few("nftables"), more("nftables");
  const auto small = many(few, 30), large = many(more, 200);
  const Chains chains = chains_of(large.at("ruleset.nft"));
  EXPECT_LE(longest(chains), 40U);
  EXPECT_LE(longest(chains), longest(chains_of(small.at("ruleset.nft"))) + 20);
  EXPECT_LE(depth(chains, "forward"), 15U);
}

}  // namespace
}  // namespace hcipol::test::gateway
