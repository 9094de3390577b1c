// A reader of restore files that walks packets through them, written from iptables(8) and ipset(8)
// and sharing nothing with the printer.
#pragma once

#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "gateway_policy.h"
#include "net/address_set.h"

namespace hcipol::test::iptables {

using gateway::ProbePacket;

/// The sets of a restore file (or of `ipset save`), and what dnsmasq would add.
class SetReader {
 public:
  void read(const std::string& text) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      std::string verb, name, argument;
      words >> verb >> name >> argument;
      if (verb.empty() || verb[0] == '#') continue;
      if (name.size() > 31) throw std::runtime_error("set name over 31 bytes: " + name);
      if (verb == "create") {
        members_[name];
      } else if (verb == "flush") {
        members_.at(name).clear();
      } else if (verb == "add") {
        add(name, argument);
      } else if (verb == "swap") {
        std::swap(members_.at(name), members_.at(argument));
      } else if (verb == "destroy") {
        if (members_.erase(name) != 1) throw std::runtime_error("no set " + name);
      } else {
        throw std::runtime_error("ipset: " + line);
      }
    }
  }

  void add(const std::string& name, const std::string& text) {
    const net::Cidr cidr = member(text);
    if (cidr.length == 0) throw std::runtime_error("no /0 in a hash:net");
    members_.at(name).push_back(cidr);
  }

  static net::Cidr member(const std::string& text) {
    const auto slash = text.find('/');
    const auto address = net::parse_address(text.substr(0, slash)).value();
    const unsigned length = slash == std::string::npos
                                ? net::width(address.family)
                                : static_cast<unsigned>(std::stoul(text.substr(slash + 1)));
    if (net::first_of(address, length) != address) throw std::runtime_error("host bits");
    return {address, length};
  }

  /// What the gateway's dnsmasq does when `name` is answered with `address`.
  void resolve(const std::string& snippet, const std::string& name, const std::string& address) {
    std::istringstream lines(snippet);
    std::size_t longest = 0;
    std::string sets;
    for (std::string line; std::getline(lines, line);) {
      if (line.rfind("ipset=/", 0) != 0) continue;
      const auto end = line.find('/', 7);
      const std::string domain = line.substr(7, end - 7);
      const bool below =
          name.size() > domain.size() + 1 &&
          name.compare(name.size() - domain.size() - 1, std::string::npos, "." + domain) == 0;
      if ((name != domain && !below) || domain.size() <= longest) continue;
      longest = domain.size();
      sets = line.substr(end + 1);
    }
    std::istringstream names(sets);
    const char digit = address.find(':') == std::string::npos ? '4' : '6';
    for (std::string set; std::getline(names, set, ',');) {
      if (set.back() == digit) add(set, address);
    }
  }

  bool contains(const std::string& name, const net::Address& address) const {
    for (const net::Cidr& cidr : members_.at(name)) {
      if (cidr.network.family == address.family &&
          net::first_of(address, cidr.length) == cidr.network) {
        return true;
      }
    }
    return false;
  }
  const std::map<std::string, std::vector<net::Cidr>>& members() const { return members_; }

 private:
  std::map<std::string, std::vector<net::Cidr>> members_;
};

/// The filter table of a restore file (or of iptables-save).
class RulesReader {
 public:
  using Words = std::vector<std::string>;

  void read(const std::string& text) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      if (line.empty() || line[0] == '#' || line == "*filter" || line == "COMMIT") continue;
      if (line[0] == ':') {
        const std::string name = line.substr(1, line.find(' ') - 1);
        if (name.size() > 28) throw std::runtime_error("chain name over 28 bytes: " + name);
        const std::string policy = split(line).at(1);
        if (policy != "-") policies_[name] = policy;
        if (!chains_.emplace(name, std::vector<Words>()).second) {
          throw std::runtime_error("chain twice: " + name);
        }
        continue;
      }
      Words words = split(line);
      if (words.at(0) != "-A") throw std::runtime_error("not -A: " + line);
      const std::string& before = words.at(words.size() - 2);
      if (before != "-j" && before != "-g" && line.find(" -j NFLOG --") == std::string::npos &&
          line.find(" -j REJECT --") == std::string::npos) {
        throw std::runtime_error("no target at the end: " + line);
      }
      chains_.at(words.at(1)).push_back({words.begin() + 2, words.end()});
    }
  }

  /// "ACCEPT", "DROP", "REJECT", or "" for a return to the caller. `logged` collects prefixes.
  std::string verdict(const std::string& chain, const ProbePacket& packet, const SetReader& sets,
                      unsigned depth = 1) const {
    if (depth > 15) throw std::runtime_error("deeper than the nft variant goes");
    for (const Words& rule : chains_.at(chain)) {
      ++looked_at;
      const std::string target = matched(rule, packet, sets);
      if (target.empty() || target == "-j NFLOG") continue;
      const std::string name = target.substr(3);
      if (name == "RETURN") return {};
      if (chains_.count(name) == 0) return name;
      const std::string inner = verdict(name, packet, sets, depth + 1);
      // A goto does not come back here, but to where this chain was jumped from.
      if (!inner.empty() || target[1] == 'g') return inner;
    }
    return {};
  }

  mutable std::size_t looked_at = 0;  ///< lines, in all

  /// Of a built-in chain: its policy decides on what its rules leave.
  std::string verdict_with_policy(const std::string& chain, const ProbePacket& packet,
                                  const SetReader& sets) const {
    const std::string decided = verdict(chain, packet, sets);
    return decided.empty() ? policies_.at(chain) : decided;
  }

  const std::map<std::string, std::vector<Words>>& chains() const { return chains_; }

  /// The words of a line; quotes as iptables-restore 1.8.9 reads them.
  static Words split(const std::string& line) {
    Words out;
    std::string word;
    bool quoted = false, any = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (quoted && line[i] == '\\' && i + 1 < line.size()) {
        word += line[++i];
      } else if (line[i] == '"') {
        quoted = !quoted;
        any = true;
      } else if (!quoted && (line[i] == ' ' || line[i] == '\t')) {
        if (any || !word.empty()) out.push_back(word);
        word.clear();
        any = false;
      } else {
        word += line[i];
      }
    }
    if (quoted) throw std::runtime_error("open quote: " + line);
    if (any || !word.empty()) out.push_back(word);
    return out;
  }

 private:
  /// The target, "-j X" or "-g X", if all of the rule matches.
  static std::string matched(const Words& rule, const ProbePacket& packet, const SetReader& sets) {
    bool negated = false;
    std::string target;
    for (std::size_t i = 0; i < rule.size();) {
      const std::string& option = rule[i++];
      if (option == "!") {
        negated = true;
        continue;
      }
      const std::string& value = rule.at(i++);
      bool hit = true;
      if (option == "-s" || option == "-d") {
        hit = in_prefix(value, option == "-s" ? packet.from : packet.to);
      } else if (option == "-p") {
        hit = protocol(value) == packet.protocol;
      } else if (option == "--dport" || option == "--dports") {
        hit = in_ports(value, packet);
      } else if (option == "--icmp-type" || option == "--icmpv6-type") {
        hit = in_type(value, packet);
      } else if (option == "--ctstate") {
        hit = ("," + value + ",").find("," + packet.state + ",") != std::string::npos;
      } else if (option == "-i" || option == "-o") {
        hit = value == (option == "-i" ? packet.in_interface : packet.out_interface);
      } else if (option == "--hl-eq") {
        hit = std::stoul(value) == packet.hop_limit;
      } else if (option == "--match-set") {
        const std::string& side = rule.at(i++);
        if (side != "src" && side != "dst") throw std::runtime_error("side " + side);
        hit = sets.contains(value, side == "src" ? packet.from : packet.to);
      } else if (option == "-j" || option == "-g") {
        target = option + " " + value;
      } else if (known().count(option) == 0) {
        throw std::runtime_error("option " + option);
      }
      if (hit == negated) return {};
      negated = false;
    }
    return target;
  }

  static const std::set<std::string>& known() {
    static const std::set<std::string> options{
        "-m",           "--comment", "--limit", "--limit-burst", "--nflog-prefix", "--nflog-group",
        "--reject-with"};
    return options;
  }

  static bool in_prefix(const std::string& value, const net::Address& address) {
    const net::Cidr cidr = SetReader::member(value);
    return cidr.network.family == address.family &&
           net::first_of(address, cidr.length) == cidr.network;
  }

  static unsigned protocol(const std::string& value) {
    if (value.find_first_not_of("0123456789") == std::string::npos) {
      if (value == "0") throw std::runtime_error("-p 0 means any");
      return static_cast<unsigned>(std::stoul(value));
    }
    static const std::map<std::string, unsigned> names{
        {"icmp", 1}, {"tcp", 6}, {"udp", 17}, {"gre", 47}, {"ipv6-icmp", 58}, {"sctp", 132}};
    return names.at(value);
  }

  static bool in_ports(const std::string& value, const ProbePacket& packet) {
    if (packet.protocol != 6 && packet.protocol != 17) return false;
    std::istringstream parts(value);
    unsigned slots = 0;
    bool hit = false;
    for (std::string part; std::getline(parts, part, ',');) {
      const auto colon = part.find(':');
      const auto first = std::stoul(part);
      const auto last = colon == std::string::npos ? first : std::stoul(part.substr(colon + 1));
      slots += colon == std::string::npos ? 1 : 2;
      if (first > last) throw std::runtime_error("reversed range " + part);
      hit = hit || (packet.detail >= first && packet.detail <= last);
    }
    if (slots > 15) throw std::runtime_error("more than 15 ports: " + value);
    return hit;
  }

  static bool in_type(const std::string& value, const ProbePacket& packet) {
    if (packet.protocol != 1 && packet.protocol != 58) return false;
    const auto slash = value.find('/');
    if (std::stoul(value) == 255 && packet.protocol == 1)
      throw std::runtime_error("type 255 = any");
    if (std::stoul(value) != packet.detail / 256) return false;
    return slash == std::string::npos || std::stoul(value.substr(slash + 1)) == packet.detail % 256;
  }

  std::map<std::string, std::vector<Words>> chains_;
  std::map<std::string, std::string> policies_;  ///< of built-in chains
};

}  // namespace hcipol::test::iptables
