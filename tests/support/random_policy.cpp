// The pools that random policies draw from; each text stands beside the test that says what it
// means.
#include "tests/support/random_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <utility>

namespace hcipol::test {

namespace {

using net::Address;
using net::Endpoint;
using net::Packet;
using HasPeer = std::function<bool(const Endpoint&)>;
using HasService = std::function<bool(std::uint32_t)>;

Address at(std::string_view text) {
  return net::parse_address(text).value();
}

// ---- peers

HasPeer between(std::string_view first, std::string_view last) {
  return [a = at(first), b = at(last)](const Endpoint& end) {
    const auto* address = std::get_if<Address>(&end);
    return address != nullptr && address->family == a.family && a <= *address && *address <= b;
  };
}

HasPeer one(std::string_view address) {
  return between(address, address);
}

HasPeer named(std::string name) {
  return [name = std::move(name)](const Endpoint& end) {
    const auto* host = std::get_if<std::string>(&end);
    return host != nullptr && *host == name;
  };
}

/// `suffix` with its dot: ".example.com".
HasPeer below(std::string suffix) {
  return [suffix = std::move(suffix)](const Endpoint& end) {
    const auto* host = std::get_if<std::string>(&end);
    return host != nullptr && host->size() > suffix.size() && host->ends_with(suffix);
  };
}

HasPeer any_of(std::vector<HasPeer> parts) {
  return [parts = std::move(parts)](const Endpoint& end) {
    return std::any_of(parts.begin(), parts.end(), [&](const HasPeer& has) { return has(end); });
  };
}

HasPeer without(HasPeer all, HasPeer except) {
  return [all = std::move(all), except = std::move(except)](const Endpoint& end) {
    return all(end) && !except(end);
  };
}

bool anyone(const Endpoint&) {
  return true;
}

const HasPeer& first_node() {
  static const HasPeer has = any_of({one("10.0.1.1"), one("fd00::11")});
  return has;
}

const HasPeer& operators() {
  static const HasPeer has = any_of({between("10.0.0.2", "10.0.0.5"), one("fd00::3")});
  return has;
}

/// What every rule can say, wherever it stands.
const std::vector<RandomPeer>& peers() {
  static const std::vector<RandomPeer> all = {
      {"10.0.0.0/30", between("10.0.0.0", "10.0.0.3")},
      {"10.0.0.2", one("10.0.0.2")},
      {"10.0.0.1-10.0.0.4", between("10.0.0.1", "10.0.0.4")},
      {"fd00::/126", between("fd00::", "fd00::3")},
      {"[fd00::2-fd00::5, 10.0.0.4]", any_of({between("fd00::2", "fd00::5"), one("10.0.0.4")})},
      {"servers", is_server},
      {"node.n1", first_node()},
      {"site.b", one("10.0.1.2")},
      {"any", anyone},
      {"any except 10.0.0.2", without(anyone, one("10.0.0.2"))},
      {"any except [servers, ops]", without(anyone, any_of({is_server, operators()}))},
      {"servers except node.n1", without(is_server, first_node())},
      {"ops", operators()},
      {"lab", any_of({between("10.0.0.0", "10.0.0.1"), between("fd00::", "fd00::1")})},
      {"web", any_of({named("b.example.com"), below(".b.example.com")})},
      {"web except \"b.example.com\"", below(".b.example.com")},
      {"\"b.example.com\"", named("b.example.com")},
      {"\"*.example.com\"", below(".example.com")},
      {"[10.0.0.3, \"*.b.example.com\"]", any_of({one("10.0.0.3"), below(".b.example.com")})},
  };
  return all;
}

// ---- services

HasService run(std::uint32_t protocol, std::uint32_t first, std::uint32_t last) {
  return [=](std::uint32_t point) {
    return point >= protocol * 65536 + first && point <= protocol * 65536 + last;
  };
}

HasService run(std::uint32_t protocol) {
  return run(protocol, 0, 65535);
}

HasService either(HasService a, HasService b) {
  return [a = std::move(a), b = std::move(b)](std::uint32_t point) { return a(point) || b(point); };
}

const std::vector<RandomService>& services() {
  static const std::vector<RandomService> all = {
      {"tcp/80", run(6, 80, 80)},
      {"tcp/79-81", run(6, 79, 81)},
      {"[tcp/78, tcp/81]", either(run(6, 78, 78), run(6, 81, 81))},
      {"tcp/any", run(6)},
      {"udp/80", run(17, 80, 80)},
      {"icmp", run(1)},
      {"icmp/8", run(1, 8 * 256, 8 * 256 + 255)},
      {"[icmpv6/128, udp/80]", either(run(58, 128 * 256, 128 * 256 + 255), run(17, 80, 80))},
      {"ip/47", run(47)},
      {"any", [](std::uint32_t) { return true; }},
      {"[tcp/80, udp/80]", either(run(6, 80, 80), run(17, 80, 80))},
  };
  return all;
}

// ---- packets

const std::vector<Endpoint>& ends() {
  static const std::vector<Endpoint> all = [] {
    std::vector<Endpoint> out;
    for (const char* text :
         {"9.255.255.255", "10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5",
          "10.0.0.6",      "10.0.1.1", "10.0.1.2", "10.0.1.3", "fd00::",   "fd00::1",  "fd00::2",
          "fd00::3",       "fd00::4",  "fd00::5",  "fd00::6",  "fd00::11", "fd00::12"}) {
      out.emplace_back(at(text));
    }
    for (const char* name :
         {"example.com", "b.example.com", "a.b.example.com", "x.example.com", "x.org"}) {
      out.emplace_back(std::string(name));
    }
    return out;
  }();
  return all;
}

const std::vector<std::uint32_t>& points() {
  static const std::vector<std::uint32_t> all = {6u << 16 | 77,
                                                 6u << 16 | 78,
                                                 6u << 16 | 79,
                                                 6u << 16 | 80,
                                                 6u << 16 | 81,
                                                 6u << 16 | 82,
                                                 17u << 16 | 79,
                                                 17u << 16 | 80,
                                                 1u << 16 | 7 * 256,
                                                 1u << 16 | 8 * 256,
                                                 1u << 16 | 2303,
                                                 47u << 16,
                                                 58u << 16 | 127u * 256 | 255,
                                                 58u << 16 | 128u * 256};
  return all;
}

/// No packet goes from one family to the other; ICMP is for IPv4 alone, ICMPv6 for IPv6.
bool exists(const Endpoint& from, const Endpoint& to, std::uint32_t point) {
  const auto is = [](const Endpoint& end, net::Family family) {
    const auto* address = std::get_if<Address>(&end);
    return address != nullptr && address->family == family;
  };
  const bool ipv4 = is(from, net::Family::ipv4) || is(to, net::Family::ipv4);
  const bool ipv6 = is(from, net::Family::ipv6) || is(to, net::Family::ipv6);
  return !(ipv4 && ipv6) && !(ipv6 && point >> 16 == 1) && !(ipv4 && point >> 16 == 58);
}

/// Where the fields of a packet of packets() stand in ends() and points().
struct Place {
  std::size_t from;
  std::size_t to;
  std::size_t point;
};

const std::vector<Place>& places() {
  static const std::vector<Place> all = [] {
    std::vector<Place> out;
    for (std::size_t from = 0; from < ends().size(); ++from) {
      for (std::size_t to = 0; to < ends().size(); ++to) {
        for (std::size_t point = 0; point < points().size(); ++point) {
          if (exists(ends()[from], ends()[to], points()[point])) out.push_back({from, to, point});
        }
      }
    }
    return out;
  }();
  return all;
}

void unite(Marks& marks, const Marks& others) {
  for (std::size_t i = 0; i < marks.size(); ++i) marks[i] |= others[i];
}

// ---- drawing

template <class T>
const T& pick(const std::vector<T>& list, std::mt19937& random) {
  return list[random() % list.size()];
}

bool chance(std::mt19937& random, unsigned one_in) {
  return random() % one_in == 0;
}

/// Draws `from`, `to` and `service` for a rule whose kind and feature stand already.
void draw_flow(RandomRule& rule, const RandomPolicy& policy, std::mt19937& random) {
  const bool parameters = rule.feature == "x";
  const auto peer = [&] {
    if (parameters && chance(random, 6)) return RandomPeer{"param.where", policy.where.has};
    return pick(peers(), random);
  };
  rule.from = peer();
  rule.to = peer();
  rule.service = parameters && chance(random, 4) ? RandomService{"param.port", policy.port.has}
                                                 : pick(services(), random);
  rule.both_ways = chance(random, 4);
}

void draw_condition(RandomRule& rule, const RandomPolicy& policy, std::mt19937& random) {
  rule.counts = rule.feature != "off";
  if (rule.kind == RandomRule::Kind::exception) return;
  switch (random() % 10) {
    case 0: rule.when = "cluster.stretched"; break;
    case 1:
      rule.when = "!cluster.stretched";
      rule.counts = false;
      break;
    case 2:
      if (rule.feature != "x") break;
      rule.when = "param.extra";
      rule.counts = policy.extra;
      break;
    default: break;
  }
}

RandomRule draw_rule(std::string name, const RandomPolicy& policy, std::mt19937& random) {
  RandomRule rule;
  rule.name = std::move(name);
  const auto kind = random() % 6;
  rule.kind = kind < 3   ? RandomRule::Kind::allow
              : kind < 5 ? RandomRule::Kind::deny
                         : RandomRule::Kind::exception;
  if (rule.kind != RandomRule::Kind::exception) {
    const auto feature = random() % 10;
    rule.feature = feature < 6 ? "x" : feature < 9 ? "y" : "off";
  }
  draw_flow(rule, policy, random);
  draw_condition(rule, policy, random);
  return rule;
}

void give_parameters(RandomPolicy& policy, std::mt19937& random) {
  policy.where = pick(peers(), random);
  policy.port = pick(services(), random);
  policy.extra = chance(random, 2);
  for (RandomRule& rule : policy.rules) {
    if (rule.from.text == "param.where") rule.from.has = policy.where.has;
    if (rule.to.text == "param.where") rule.to.has = policy.where.has;
    if (rule.service.text == "param.port") rule.service.has = policy.port.has;
    if (rule.when == "param.extra") rule.counts = policy.extra;
  }
}

}  // namespace

const std::vector<Packet>& packets() {
  static const std::vector<Packet> all = [] {
    std::vector<Packet> out;
    for (const Place& place : places()) {
      out.push_back({ends()[place.from], ends()[place.to], points()[place.point]});
    }
    return out;
  }();
  return all;
}

Marks mark(const HasPeer& from, const HasPeer& to, const HasService& service) {
  Marks senders, receivers, asked;
  for (const Endpoint& end : ends()) {
    senders.push_back(from(end) ? 1 : 0);
    receivers.push_back(to(end) ? 1 : 0);
  }
  for (const std::uint32_t point : points()) asked.push_back(service(point) ? 1 : 0);
  Marks out;
  out.reserve(places().size());
  for (const Place& place : places()) {
    out.push_back(senders[place.from] & receivers[place.to] & asked[place.point]);
  }
  return out;
}

bool RandomRule::matches(const Packet& packet) const {
  if (!service.has(packet.service)) return false;
  return (from.has(packet.from) && to.has(packet.to)) ||
         (both_ways && from.has(packet.to) && to.has(packet.from));
}

Marks RandomRule::matches() const {
  Marks out = mark(from.has, to.has, service.has);
  if (both_ways) unite(out, mark(to.has, from.has, service.has));
  return out;
}

std::string RandomRule::text() const {
  return fmt::format("  {} \"{}\" {} {} {} on {}{}\n", kind == Kind::deny ? "deny" : "allow", name,
                     from.text, both_ways ? "<->" : "->", to.text, service.text,
                     when.empty() ? "" : fmt::format(" {{ when = {} }}", when));
}

std::string RandomPolicy::text() const {
  const auto rules_of = [&](std::string_view feature) {
    std::string out;
    for (const RandomRule& rule : rules) {
      if (rule.feature == feature) out += rule.text();
    }
    return out;
  };
  return fmt::format(
      R"(variable "lab" {{
  type    = list(address)
  default = [10.0.0.0/31, fd00::/127]
}}

locals {{ ops = [10.0.0.2-10.0.0.5, fd00::3] }}

role "ops" {{}}
role "lab" {{ members = var.lab }}

endpoint "web" {{ fqdn = ["b.example.com", "*.b.example.com"] }}

cluster "c" {{
  site "a" {{
    node "n1" {{ address = [10.0.1.1, fd00::11] }}
  }}
  site "b" {{
    node "n2" {{ address = 10.0.1.2 }}
  }}

  role "ops" {{ members = local.ops }}

  enable "x" {{
    where = {}
    port  = {}
    extra = {}
  }}
}}

feature "x" {{
  requires = ["y"]

  param "where" {{ type = peer }}
  param "port" {{
    type    = service
    default = tcp/443
  }}
  param "extra" {{
    type    = bool
    default = false
  }}

{}}}

feature "y" {{
{}}}

feature "off" {{
{}}}

exception "e" {{
  reason  = "r"
  owner   = "o"
  expires = 2030-01-01

{}}}

target "iptables" {{ sees = {} }}
)",
      where.text, port.text, extra, rules_of("x"), rules_of("y"), rules_of("off"), rules_of(""),
      sees_all ? "any -> any" : "any <-> servers");
}

bool RandomPolicy::allowed(const Packet& packet) const {
  bool allow = false, deny = false, except = false;
  for (const RandomRule& rule : rules) {
    if (!rule.counts || !rule.matches(packet)) continue;
    allow = allow || rule.kind == RandomRule::Kind::allow;
    deny = deny || rule.kind == RandomRule::Kind::deny;
    except = except || rule.kind == RandomRule::Kind::exception;
  }
  return (allow && !deny) || except;
}

Marks RandomPolicy::allowed() const {
  const Marks nothing(places().size(), 0);
  Marks allow = nothing, deny = nothing, except = nothing;
  for (const RandomRule& rule : rules) {
    if (!rule.counts) continue;
    Marks& into = rule.kind == RandomRule::Kind::allow  ? allow
                  : rule.kind == RandomRule::Kind::deny ? deny
                                                        : except;
    unite(into, rule.matches());
  }
  for (std::size_t i = 0; i < allow.size(); ++i) allow[i] &= static_cast<std::uint8_t>(1 - deny[i]);
  unite(allow, except);
  return allow;
}

bool RandomPolicy::seen(const Packet& packet) const {
  return sees_all || is_server(packet.from) || is_server(packet.to);
}

RandomPolicy random_policy(std::mt19937& random, std::size_t most) {
  RandomPolicy policy;
  policy.sees_all = chance(random, 2);
  give_parameters(policy, random);
  const std::size_t count = 1 + random() % most;
  for (std::size_t i = 0; i < count; ++i) {
    policy.rules.push_back(draw_rule(fmt::format("r{}", i), policy, random));
  }
  return policy;
}

RandomPolicy changed(RandomPolicy policy, std::mt19937& random) {
  const auto changes = 1 + random() % 3;
  for (std::size_t i = 0; i < changes; ++i) {
    const std::size_t at = policy.rules.empty() ? 0 : random() % policy.rules.size();
    const auto what = policy.rules.empty() ? 0 : random() % 6;
    switch (what) {
      case 0: policy.rules.push_back(draw_rule(fmt::format("new{}", i), policy, random)); break;
      case 1: policy.rules.erase(policy.rules.begin() + static_cast<std::ptrdiff_t>(at)); break;
      case 2: draw_flow(policy.rules[at], policy, random); break;
      case 3: give_parameters(policy, random); break;
      case 4: policy.rules[at].both_ways = !policy.rules[at].both_ways; break;
      default: policy.rules[at] = draw_rule(policy.rules[at].name, policy, random); break;
    }
  }
  return policy;
}

RandomPolicy rewritten(RandomPolicy policy, std::mt19937& random) {
  std::shuffle(policy.rules.begin(), policy.rules.end(), random);
  for (std::size_t i = 0; i < policy.rules.size(); ++i) {
    RandomRule& rule = policy.rules[i];
    rule.name = fmt::format("s{}", i);
    const bool own_parameters = rule.from.text == "param.where" || rule.to.text == "param.where" ||
                                rule.service.text == "param.port" || rule.when == "param.extra";
    if (own_parameters || rule.feature.empty() || rule.feature == "off") continue;
    rule.feature = chance(random, 2) ? "x" : "y";
  }
  return policy;
}

bool is_server(const Endpoint& endpoint) {
  return endpoint == Endpoint(at("10.0.1.1")) || endpoint == Endpoint(at("10.0.1.2")) ||
         endpoint == Endpoint(at("fd00::11"));
}

}  // namespace hcipol::test
