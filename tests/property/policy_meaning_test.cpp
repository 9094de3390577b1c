// Random policies against an interpreter that reads one packet at a time: the meaning of a policy
// is (allow \ deny) ∪ exceptions, and no device's order of rules changes it.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <functional>
#include <random>

#include "driver/pipeline.h"
#include "flow/effective.h"
#include "flow/project.h"

namespace hcipol {
namespace {

using net::Address;
using net::Endpoint;
using net::Packet;

Address at(std::string_view text) {
  return net::parse_address(text).value();
}

/// A peer as the language writes it and as a person would test it.
struct Peer {
  std::string text;
  std::function<bool(const Endpoint&)> has;
};

std::function<bool(const Endpoint&)> between(std::string_view first, std::string_view last) {
  return [a = at(first), b = at(last)](const Endpoint& e) {
    const auto* address = std::get_if<Address>(&e);
    return address != nullptr && address->family == a.family && a <= *address && *address <= b;
  };
}

std::function<bool(const Endpoint&)> named(std::function<bool(std::string_view)> test) {
  return [test = std::move(test)](const Endpoint& e) {
    const auto* name = std::get_if<std::string>(&e);
    return name != nullptr && test(*name);
  };
}

bool server(const Endpoint& e) {
  return e == Endpoint(at("10.0.1.1")) || e == Endpoint(at("10.0.1.2")) ||
         e == Endpoint(at("fd00::11"));
}

std::vector<Peer> peers() {
  const auto two = between("10.0.0.2", "10.0.0.2");
  return {
      {"10.0.0.0/30", between("10.0.0.0", "10.0.0.3")},
      {"10.0.0.2", two},
      {"10.0.0.1-10.0.0.4", between("10.0.0.1", "10.0.0.4")},
      {"fd00::/126", between("fd00::", "fd00::3")},
      {"servers", server},
      {"node.n1",
       [](const Endpoint& e) {
         return e == Endpoint(at("10.0.1.1")) || e == Endpoint(at("fd00::11"));
       }},
      {"any", [](const Endpoint&) { return true; }},
      {"any except 10.0.0.2", [two](const Endpoint& e) { return !two(e); }},
      {"\"b.example.com\"", named([](std::string_view n) { return n == "b.example.com"; })},
      {"\"*.example.com\"", named([](std::string_view n) { return n.ends_with(".example.com"); })},
      {"[10.0.0.3, \"*.b.example.com\"]",
       [](const Endpoint& e) {
         const auto* name = std::get_if<std::string>(&e);
         return name != nullptr ? name->ends_with(".b.example.com") : e == Endpoint(at("10.0.0.3"));
       }},
  };
}

struct Service {
  std::string text;
  std::function<bool(std::uint32_t)> has;
};

std::function<bool(std::uint32_t)> run(std::uint32_t protocol, std::uint32_t first,
                                       std::uint32_t last) {
  return [=](std::uint32_t point) {
    return point >= protocol * 65536 + first && point <= protocol * 65536 + last;
  };
}

std::vector<Service> services() {
  return {
      {"tcp/80", run(6, 80, 80)},
      {"tcp/79-81", run(6, 79, 81)},
      {"tcp/any", run(6, 0, 65535)},
      {"udp/80", run(17, 80, 80)},
      {"icmp", run(1, 0, 65535)},
      {"icmp/8", run(1, 8 * 256, 8 * 256 + 255)},
      {"any", [](std::uint32_t) { return true; }},
      {"[tcp/80, udp/80]",
       [](std::uint32_t p) { return p == 6 * 65536 + 80 || p == 17 * 65536 + 80; }},
  };
}

std::vector<Packet> packets() {
  std::vector<Endpoint> ends;
  for (const char* text :
       {"10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.1.1",
        "10.0.1.2", "10.0.1.3", "fd00::", "fd00::3", "fd00::4", "fd00::11", "8.8.8.8"}) {
    ends.emplace_back(at(text));
  }
  for (const char* name :
       {"example.com", "b.example.com", "a.b.example.com", "x.example.com", "x.org"}) {
    ends.emplace_back(std::string(name));
  }
  std::vector<Packet> out;
  for (const Endpoint& from : ends) {
    for (const Endpoint& to : ends) {
      const auto* a = std::get_if<Address>(&from);
      const auto* b = std::get_if<Address>(&to);
      if (a != nullptr && b != nullptr && a->family != b->family) continue;  // no such packet
      const bool ipv6 = (a != nullptr && a->family == net::Family::ipv6) ||
                        (b != nullptr && b->family == net::Family::ipv6);
      for (const std::uint32_t point :
           {6u * 65536 + 78, 6u * 65536 + 79, 6u * 65536 + 80, 6u * 65536 + 82, 17u * 65536 + 80,
            1u * 65536 + 8 * 256, 1u * 65536, 47u * 65536}) {
        if (ipv6 && point >> 16 == 1) continue;  // ICMP is for IPv4
        out.push_back({from, to, point});
      }
    }
  }
  return out;
}

struct Rule {
  policy::Rule::Kind kind;
  const Peer* from;
  const Peer* to;
  const Service* service;
  bool both_ways;

  bool matches(const Packet& p) const {
    if (!service->has(p.service)) return false;
    return (from->has(p.from) && to->has(p.to)) ||
           (both_ways && from->has(p.to) && to->has(p.from));
  }
};

bool allowed(const std::vector<Rule>& rules, const Packet& p) {
  bool allow = false, deny = false, except = false;
  for (const Rule& rule : rules) {
    if (!rule.matches(p)) continue;
    allow = allow || rule.kind == policy::Rule::Kind::allow;
    deny = deny || rule.kind == policy::Rule::Kind::deny;
    except = except || rule.kind == policy::Rule::Kind::exception;
  }
  return (allow && !deny) || except;
}

std::string write(const std::vector<Rule>& rules, std::string_view sees) {
  std::string feature, exception;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const Rule& r = rules[i];
    const bool deny = r.kind == policy::Rule::Kind::deny;
    std::string& into = r.kind == policy::Rule::Kind::exception ? exception : feature;
    into += fmt::format("  {} \"r{}\" {} {} {} on {}\n", deny ? "deny" : "allow", i, r.from->text,
                        r.both_ways ? "<->" : "->", r.to->text, r.service->text);
  }
  return fmt::format(
      "cluster \"c\" {{\n  node \"n1\" {{ address = [10.0.1.1, fd00::11] }}\n"
      "  node \"n2\" {{ address = 10.0.1.2 }}\n\n  enable \"x\"\n}}\n\nfeature \"x\" {{\n{}}}\n\n"
      "exception \"e\" {{\n  reason  = \"r\"\n  owner   = \"o\"\n  expires = 2030-01-01\n\n{}}}\n\n"
      "target \"iptables\" {{ sees = {} }}\n",
      feature, exception, sees);
}

/// A device that reads its flows in its own order.
bool device_allows(const std::vector<flow::Flow>& flows, flow::Order order, const Packet& p) {
  bool allow = false, deny = false;
  for (const flow::Flow& flow : flows) {
    if (!net::contains(flow::box(flow), p)) continue;
    const bool block = flow.kind == policy::Rule::Kind::deny;
    if (order == flow::Order::first_match) return !block;
    (block ? deny : allow) = true;
  }
  return allow && !deny;
}

class Meaning : public testing::TestWithParam<unsigned> {};

TEST_P(Meaning, IsWhatAnInterpreterReads) {
  const auto all_peers = peers();
  const auto all_services = services();
  std::mt19937 random(GetParam());
  const auto pick = [&](const auto& list) { return &list[random() % list.size()]; };
  std::vector<Rule> rules;
  for (unsigned i = 0, n = 1 + static_cast<unsigned>(random() % 7); i < n; ++i) {
    const unsigned kind = static_cast<unsigned>(random() % 6);
    rules.push_back({kind < 3   ? policy::Rule::Kind::allow
                     : kind < 5 ? policy::Rule::Kind::deny
                                : policy::Rule::Kind::exception,
                     pick(all_peers), pick(all_peers), pick(all_services), random() % 4 == 0});
  }
  const bool all = random() % 2 == 0;
  const std::string text = write(rules, all ? "any -> any" : "any <-> servers");

  MemoryFileSystem files({{"main.hcipol", text}});
  driver::Environment environment;
  environment.files = &files;
  environment.today = parse_date("2022-06-01").value();
  driver::Compilation c;
  ASSERT_TRUE(driver::compile(driver::Options{}, {}, environment, c)) << text;

  std::vector<net::Box> boxes = flow::boxes(c.flows[0]);
  net::PacketUniverse universe(boxes);
  const net::PacketSet effective = flow::effective(universe, c.flows[0]);
  for (const Packet& p : packets()) {
    ASSERT_EQ(effective.contains(p), allowed(rules, p)) << text;
  }
  for (const auto order :
       {flow::Order::first_match, flow::Order::block_wins, flow::Order::allows_only}) {
    const auto device = flow::project(c.policy, 0, 0, c.flows[0], {order, false}, c.reporter);
    ASSERT_TRUE(device);
    for (const Packet& p : packets()) {
      const bool seen = all || server(p.from) || server(p.to);
      ASSERT_EQ(device_allows(device->flows, order, p), seen && allowed(rules, p))
          << text << "order " << static_cast<int>(order);
    }
  }
}

// A host firewall sees what begins or ends at its own server.
TEST_P(Meaning, IsSplitByServer) {
  const auto all_peers = peers();
  const auto all_services = services();
  std::mt19937 random(GetParam() + 10'000);
  const auto pick = [&](const auto& list) { return &list[random() % list.size()]; };
  std::vector<Rule> rules;
  for (unsigned i = 0; i < 5; ++i) {
    const auto kind = i < 3   ? policy::Rule::Kind::allow
                      : i < 4 ? policy::Rule::Kind::deny
                              : policy::Rule::Kind::exception;
    rules.push_back(
        {kind, pick(all_peers), pick(all_peers), pick(all_services), random() % 2 == 0});
  }
  const std::string text = write(rules, "any -> any");
  MemoryFileSystem files({{"main.hcipol", text}});
  driver::Environment environment;
  environment.files = &files;
  environment.today = parse_date("2022-06-01").value();
  driver::Compilation c;
  ASSERT_TRUE(driver::compile(driver::Options{}, {}, environment, c)) << text;
  const auto order = flow::Order::block_wins;
  const auto device = flow::project(c.policy, 0, 0, c.flows[0], {order, true}, c.reporter);
  ASSERT_TRUE(device);
  ASSERT_EQ(device->hosts.size(), 2u);
  for (const flow::HostFlows& host : device->hosts) {
    const auto own = [&](const Endpoint& e) {
      const auto* address = std::get_if<Address>(&e);
      return address != nullptr && host.node->set->set.addresses.contains(*address);
    };
    for (const Packet& p : packets()) {
      EXPECT_EQ(device_allows(host.inbound, order, p), own(p.to) && allowed(rules, p)) << text;
      EXPECT_EQ(device_allows(host.outbound, order, p), own(p.from) && allowed(rules, p)) << text;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Random, Meaning, testing::Range(0u, 150u));

}  // namespace
}  // namespace hcipol
