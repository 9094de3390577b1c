// Random device policies for the tests of the Linux gateways, and what they mean packet by packet.
#pragma once

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <random>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "gateway_builder.h"

namespace hcipol::test::gateway {

struct ProbePacket {
  net::Address from;
  net::Address to;
  unsigned protocol = 6;
  unsigned detail = 0;  ///< port, or type * 256 + code
  std::string state = "NEW";
  unsigned hop_limit = 64;
  std::string in_interface = {}, out_interface = {};
};

struct Resolved {
  std::string name, address;
};

/// A policy of random flows between overlapping sets, with what its names resolve to; and of `more`
/// flows that ask for little each, so that devices must find them by trees and maps.
class RandomPolicy {
 public:
  RandomPolicy(const std::string& backend, unsigned seed, unsigned more = 0)
      : b(backend), random_(seed) {
    b.servers({"10.0.0.1", "10.0.0.2", "10.0.0.9", "10.1.0.0/30", "fd00::1", "fd00::2"});
    pool_ = {b.cluster.servers,
             b.any(),
             b.set("node1", {"10.0.0.1", "fd00::1"}),
             b.set("management", {"10.9.0.0/24", "10.9.2.4/30", "fd09::/64"}),
             b.set("hci/portal", {"portal.example", "*.cdn.example"}),
             b.set("a.cdn", {"a.cdn.example", "192.0.2.7"}),
             b.set("proxy", {"10.8.0.8"}),
             b.set("two", {"198.51.100.0/31", "10.0.0.2", "2001:db8::/127", "2001:db8::8"}),
             b.set("v6 only", {"fd00::2", "fd09::5"}),
             b.set("wide", {"10.0.0.0/9", "fc00::/8"}),
             b.set("a role whose name is longer than any chain may be", {"10.9.0.7", "10.9.0.9"})};
    const std::vector<std::string> rests{"reject", "drop", "return"};
    rest = rests[pick(3)];
    b.option("default", rest);
    const std::size_t count = 1 + pick(12);
    for (std::size_t i = 0; i < count; ++i) add(i);
    resolved = {{"portal.example", "203.0.113.1"},   {"x.cdn.example", "203.0.113.2"},
                {"a.cdn.example", "203.0.113.3"},    {"b.a.cdn.example", "203.0.113.4"},
                {"portal.example", "2001:db8:1::1"}, {"a.cdn.example", "2001:db8:1::3"},
                {"cdn.example.org", "203.0.113.9"}};
    for (unsigned i = 0; i < more; ++i) add_small(i);
  }

  /// Whether the device has `packet` in the union: by address, or by a name that led there. dnsmasq
  /// widens a name to all below it, which the rules are warned about.
  bool has(const std::vector<const NamedSet*>& sets, const net::Address& address) const {
    for (const NamedSet* set : sets) {
      if (set->set.addresses.contains(address)) return true;
      for (const Resolved& one : resolved) {
        if (net::parse_address(one.address) != address || set->set.names.others()) continue;
        for (const auto& pattern : set->set.names.patterns()) {
          if (one.name == pattern.name || one.name.ends_with("." + pattern.name)) return true;
        }
      }
    }
    return false;
  }

  std::string expected(const ProbePacket& packet) const {
    const bool v6 = packet.from.family == net::Family::ipv6;
    const std::string denied = rest == "drop" ? "DROP" : "REJECT";
    const auto number = static_cast<std::uint8_t>(packet.protocol);
    const std::uint32_t point = packet.protocol * 65536 + packet.detail;
    for (const flow::Flow& flow : b.device.flows) {
      // Of "any" and "any but" the other family's ICMP is a part; by itself nobody asks for it.
      const bool other_icmp = number == (v6 ? 1 : 58) && !flow.service.contains_whole(2);
      const auto ranges = flow.service.ranges();
      const bool service = std::any_of(ranges.begin(), ranges.end(), [&](const auto& range) {
        return range.first <= point && point <= range.last;
      });
      if (!service || other_icmp || !has(flow.from, packet.from) || !has(flow.to, packet.to))
        continue;
      return flow.kind == Kind::deny ? denied : "ACCEPT";
    }
    const auto& servers = b.cluster.servers->set.addresses;
    if (!servers.contains(packet.from) && !servers.contains(packet.to)) return "";
    return rest == "return" ? "" : denied;
  }

  /// Ends of ranges and their neighbours, for both families.
  std::vector<ProbePacket> probes() {
    std::map<net::Family, std::vector<net::Address>> points;
    for (const NamedSet* set : pool_) {
      for (const auto& range : set->set.addresses.ranges()) {
        for (const auto& end : {std::optional(range.first), std::optional(range.last),
                                net::previous(range.first), net::next(range.last)}) {
          if (end) points[end->family].push_back(*end);
        }
      }
    }
    for (const Resolved& one : resolved) {
      const auto address = net::parse_address(one.address).value();
      points[address.family].push_back(address);
    }
    std::vector<std::pair<unsigned, unsigned>> details{
        {47, 0}, {1, 0x0800}, {58, 0x8000}, {132, 5}};
    for (const flow::Flow& flow : b.device.flows) {
      for (const auto& range : flow.service.ranges()) {
        for (const std::uint32_t at : {range.first, range.last, range.first - 1, range.last + 1}) {
          details.emplace_back(at / 65536 % 256, at % 65536);
        }
      }
    }
    std::vector<ProbePacket> out;
    for (unsigned i = 0; i < 400; ++i) {
      const auto& some = points[pick(3) == 0 ? net::Family::ipv6 : net::Family::ipv4];
      const auto& [protocol, detail] = details[pick(details.size())];
      if (protocol == 0) continue;
      if (small_ != 0 && i % 4 != 0) {
        if (const auto probe = probe_of(b.device.flows[pick(b.device.flows.size())]))
          out.push_back(*probe);
        continue;
      }
      out.push_back(
          {some[pick(some.size())], some[pick(some.size())], protocol, detail, "NEW", 64, {}, {}});
    }
    return out;
  }

  Builder b;
  std::string rest;
  std::vector<Resolved> resolved;

 private:
  std::size_t pick(std::size_t n) { return random_() % n; }

  net::ServiceSet service() {
    net::ServiceSet ports;
    switch (pick(7)) {
      case 0: return net::ServiceSet::any();
      case 1: return net::ServiceSet::icmp_type(1, 8) | net::ServiceSet::icmp_type(58, 128);
      case 2: return net::ServiceSet::whole(47) | tcp(0, 1023);
      case 3: return net::ServiceSet::any() - tcp(100, 200);
      case 4:
        return net::ServiceSet::of({{65536 + 3 * 256 + 4, 65536 + 5 * 256 + 1}}) | udp(1, 65534);
      default: break;
    }
    const std::size_t count = 1 + pick(40);
    for (std::size_t i = 0; i < count; ++i) {
      const auto first = static_cast<std::uint16_t>(pick(60000) + 1);
      const auto last = static_cast<std::uint16_t>(first + pick(2) * pick(50));
      ports = ports | (pick(3) == 0 ? udp(first, last) : tcp(first, last));
    }
    return ports;
  }

  void add(std::size_t i) {
    const std::array kinds{Kind::exception, Kind::deny, Kind::allow, Kind::allow, Kind::allow};
    std::vector<const NamedSet*> from{pool_[pick(pool_.size())]};
    std::vector<const NamedSet*> to{pool_[pick(pool_.size())]};
    if (pick(2) == 0) from.push_back(pool_[pick(pool_.size())]);
    if (pick(2) == 0) to.push_back(pool_[pick(pool_.size())]);
    auto& rule =
        b.rule("hci/rule-" + std::to_string(i), kinds[pick(kinds.size())], from, to, service());
    rule.log = pick(4) == 0;
    rule.title = "a vendor's \"title\" with \\ and\nlines";
  }

  /// Hosts, networks in each other, pairs of two sites, or a name.
  const NamedSet* small_peer(unsigned i) {
    const std::string n = std::to_string(i), near = std::to_string(i % 200);
    switch (pick(6)) {
      case 0: return pool_[pick(pool_.size())];
      case 1: return b.set("host " + n, {"10.20.1." + near, "fd20::" + near});
      case 2:
        return b.set("net " + n, {"10.20." + std::to_string(pick(4) * 64) + ".0/" +
                                  std::to_string(17 + pick(12))});
      case 3: return b.set("pair " + n, {"10.20.2." + near, "10.21.2." + near, "fd21::" + near});
      case 4:
        return b.set("far " + n,
                     {"11.0.0." + near, "99.0.0." + near, "140.0.0." + near, "180.0.0." + near,
                      "210.0.0." + near, "fd22::" + near, "2a00::1"});
      default:
        resolved.push_back({"n" + n + ".many.example", "203.0.112." + near});
        return b.set("name " + n, {"n" + n + ".many.example"});
    }
  }

  net::ServiceSet small_service() {
    const auto first = static_cast<std::uint16_t>(1 + pick(400));
    switch (pick(8)) {
      case 0: return tcp(first, static_cast<std::uint16_t>(first + pick(60)));
      case 1: return tcp(first) | udp(static_cast<std::uint16_t>(first + 7));
      case 2: return net::ServiceSet::whole(static_cast<std::uint8_t>(200 + pick(20)));
      case 3:
        return net::ServiceSet::icmp_type(1, static_cast<std::uint8_t>(pick(20))) |
               net::ServiceSet::icmp_type(58, static_cast<std::uint8_t>(pick(20)));
      default: return pick(2) == 0 ? udp(first) : tcp(first);
    }
  }

  void add_small(unsigned i) {
    ++small_;
    const std::array kinds{Kind::exception, Kind::deny, Kind::allow, Kind::allow, Kind::allow};
    const NamedSet* some = pick(2) == 0 ? b.cluster.servers : small_peer(2 * i);
    const NamedSet* other = small_peer(2 * i + 1);
    const bool turned = pick(3) == 0;
    b.rule("hci/small-" + std::to_string(i), kinds[pick(kinds.size())], {turned ? other : some},
           {turned ? some : other}, small_service())
        .log = pick(8) == 0;
  }

  /// A packet of the flow, or one that is about the same.
  std::optional<ProbePacket> probe_of(const flow::Flow& flow) {
    const bool v6 = pick(4) == 0;
    const auto end = [&](const NamedSet* set) -> std::optional<net::Address> {
      for (const Resolved& one : resolved) {
        const bool its = !set->set.names.patterns().empty() && !set->set.names.others() &&
                         set->set.names.patterns().front().name == one.name;
        if (its && (one.address.find(':') != std::string::npos) == v6)
          return net::parse_address(one.address);
      }
      const auto share = set->set.addresses.only(v6 ? net::Family::ipv6 : net::Family::ipv4);
      if (share.empty()) return std::nullopt;
      const auto& range = share.ranges()[pick(share.ranges().size())];
      return pick(2) == 0 ? range.first : range.last;
    };
    const auto from = end(flow.from.front()), to = end(flow.to.front());
    if (!from || !to) return std::nullopt;
    const auto& range = flow.service.ranges()[pick(flow.service.ranges().size())];
    const std::uint32_t point = pick(2) == 0 ? range.first : range.last;
    const std::uint32_t near = pick(5) == 0 ? point + 1 : point;
    if (near >> 16 == 0 || near >> 16 > 255) return std::nullopt;
    return ProbePacket{*from, *to, near >> 16, near & 65535, "NEW", 64, {}, {}};
  }

  std::mt19937 random_;
  std::vector<const NamedSet*> pool_;
  unsigned small_ = 0;
};

/// What the gateway's dnsmasq does when a name is answered with an address, as commands of nft:
/// the longest `nftset=` line that matches decides, and of its sets those of the address's family.
inline std::string learn(const std::string& snippet, const std::string& name,
                         const std::string& address) {
  static const std::regex line("nftset=/([^/]+)/(.*)");
  const char digit = address.find(':') == std::string::npos ? '4' : '6';
  std::istringstream lines(snippet);
  std::size_t longest = 0;
  std::string sets;
  for (std::string text; std::getline(lines, text);) {
    std::smatch match;
    if (!std::regex_match(text, match, line)) continue;
    const std::string domain = match[1];
    if ((name != domain && !name.ends_with("." + domain)) || domain.size() <= longest) continue;
    longest = domain.size();
    sets = match[2];
  }
  static const std::regex set("([46])#(inet)#([^#]+)#([^#]+)");
  std::istringstream names(sets);
  std::string out;
  for (std::string text; std::getline(names, text, ',');) {
    std::smatch match;
    if (!std::regex_match(text, match, set)) throw std::runtime_error("nftset " + text);
    if (match.str(1)[0] != digit) continue;
    out += "add element inet " + match.str(3) + " " + match.str(4) + " { " + address + " }\n";
  }
  return out;
}

}  // namespace hcipol::test::gateway
