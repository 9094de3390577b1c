// Each line's conditions are intervals of three axes; where jumps ask for one axis, the dearest
// point of it counts.
#include "tests/support/longest_path.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <utility>
#include <vector>

namespace hcipol::test {

namespace {

/// A number of 128 bits: an address, or a service as protocol × 65536 + port.
using Point = std::pair<std::uint64_t, std::uint64_t>;
struct Interval {
  Point first;
  Point last;
};
using Intervals = std::vector<Interval>;

enum Axis : std::size_t { from, to, service, axes };

struct Line {
  std::array<std::optional<Intervals>, axes> asks;  ///< none: whatever
  bool other_family = false;
  std::vector<std::pair<Interval, std::string>> leads_by;  ///< by points of an axis, one of them
  std::string leads;                                       ///< a chain, or ""
  bool comes_back = true;                                  ///< from there
};
using Chains = std::map<std::string, std::vector<Line>>;

[[noreturn]] void unknown(const std::string& line) {
  throw std::runtime_error("not known: " + line);
}

Interval interval_of(const std::string& text) {
  const auto cidr = net::parse_cidr(text);
  if (!cidr) unknown(text);
  const net::Address last = net::last_of(cidr->network, cidr->length);
  return {{cidr->network.high, cidr->network.low}, {last.high, last.low}};
}

std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> out;
  std::string word;
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"') quoted = !quoted;
    if (line[i] == '\\' && quoted) ++i;
    if (line[i] != ' ' || quoted) {
      word += line[i];
    } else if (!word.empty()) {
      out.push_back(std::exchange(word, {}));
    }
  }
  if (!word.empty()) out.push_back(word);
  return out;
}

std::uint64_t protocol_of(const std::string& text) {
  static const std::map<std::string, std::uint64_t> names{
      {"icmp", 1}, {"tcp", 6}, {"udp", 17}, {"ipv6-icmp", 58}, {"icmpv6", 58}};
  const auto found = names.find(text);
  return found == names.end() ? std::stoul(text) : found->second;
}

/// "5", "5:9" or "5-9".
Interval ports_of(std::uint64_t protocol, const std::string& text) {
  const auto dash = text.find_first_of(":-");
  const std::uint64_t first = std::stoul(text);
  const std::uint64_t last = dash == std::string::npos ? first : std::stoul(text.substr(dash + 1));
  return {{0, protocol << 16 | first}, {0, protocol << 16 | last}};
}
Interval whole(std::uint64_t protocol) {
  return {{0, protocol << 16}, {0, protocol << 16 | 65535}};
}

class Walk {
 public:
  explicit Walk(const Chains& chains) : chains_(chains) {}

  LongestPath from_chain(const std::string& name) {
    const auto [place, fresh] = known_.try_emplace(name);
    if (!fresh) return place->second;
    const std::vector<Line>& lines = chains_.at(name);
    LongestPath out{lines.size(), 1};
    std::array<std::vector<Cost>, axes> costs;
    std::size_t last = 0;
    for (const Line& line : lines) {
      if (!line.other_family) add(line, costs, out, last);
    }
    for (const auto& some : costs) out.lines += dearest(some);
    out.lines += last;
    known_[name] = out;
    return out;
  }

 private:
  struct Cost {
    Interval where;
    std::size_t lines = 0;
  };

  /// `last`: of ways without a return, of which there is one at most.
  void add(const Line& line, std::array<std::vector<Cost>, axes>& costs, LongestPath& out,
           std::size_t& last) {
    std::size_t most = 0;
    for (const auto& [where, chain] : line.leads_by) {
      const LongestPath below = from_chain(chain);
      most = std::max(most, below.lines);
      out.depth = std::max(out.depth, below.depth + 1);
    }
    out.lines += most;
    if (line.leads.empty()) return;
    const LongestPath below = from_chain(line.leads);
    out.depth = std::max(out.depth, below.depth + 1);
    if (!line.comes_back) {
      last = std::max(last, below.lines);
      return;
    }
    for (std::size_t axis = 0; axis < axes; ++axis) {
      if (!line.asks[axis]) continue;
      for (const Interval& where : *line.asks[axis]) costs[axis].push_back({where, below.lines});
      return;
    }
    out.lines += below.lines;
  }

  static std::size_t dearest(const std::vector<Cost>& costs) {
    // Ends come behind beginnings at the same point.
    std::vector<std::tuple<Point, bool, std::size_t>> events;
    for (const Cost& cost : costs) {
      events.emplace_back(cost.where.first, false, cost.lines);
      events.emplace_back(cost.where.last, true, cost.lines);
    }
    std::sort(events.begin(), events.end());
    std::size_t now = 0, most = 0;
    for (const auto& [point, ends, lines] : events) {
      if (ends) {
        now -= lines;
      } else {
        now += lines;
        most = std::max(most, now);
      }
    }
    return most;
  }

  const Chains& chains_;
  std::map<std::string, LongestPath> known_;
};

/// The members of sets; of those that names fill, nothing.
using Sets = std::map<std::string, std::optional<Intervals>>;

Sets sets_of_ipset(const std::string& text) {
  Sets out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto words = words_of(line);
    if (words.size() < 2) continue;
    std::string name = words[1];
    if (name.ends_with("-n")) name.resize(name.size() - 2);
    if (words[0] == "create") {
      std::optional<Intervals>& set = out[name];
      if (line.find(" timeout ") == std::string::npos && !set) set.emplace();
    }
    if (words[0] == "add") out.at(name)->push_back(interval_of(words.at(2)));
  }
  return out;
}

Line line_of_iptables(const std::vector<std::string>& words, const Sets& sets,
                      const std::map<std::string, std::vector<Line>>& chains) {
  static const std::map<std::string, std::size_t> passed{
      {"-m", 1},          {"--comment", 1},      {"--limit", 1},       {"--limit-burst", 1},
      {"--ctstate", 1},   {"--nflog-prefix", 1}, {"--nflog-group", 1}, {"--reject-with", 1},
      {"--icmp-type", 1}, {"--icmpv6-type", 1},  {"--hl-eq", 1},       {"-i", 1},
      {"-o", 1}};
  Line out;
  std::uint64_t protocol = 0;
  for (std::size_t i = 2; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "-s" || word == "-d") {
      out.asks[word == "-s" ? from : to] = Intervals{interval_of(words.at(++i))};
    } else if (word == "--match-set") {
      const Axis axis = words.at(i + 2) == "src" ? from : to;
      if (sets.at(words.at(i + 1))) out.asks[axis] = *sets.at(words.at(i + 1));
      i += 2;
    } else if (word == "!") {
      i += 2;
    } else if (word == "-p") {
      protocol = protocol_of(words.at(++i));
      out.asks[service] = Intervals{whole(protocol)};
    } else if (word == "--dport" || word == "--dports") {
      Intervals ports;
      std::istringstream parts(words.at(++i));
      for (std::string part; std::getline(parts, part, ',');)
        ports.push_back(ports_of(protocol, part));
      out.asks[service] = std::move(ports);
    } else if (word == "-j" || word == "-g") {
      const std::string& target = words.at(++i);
      if (chains.contains(target)) out.leads = target;
      out.comes_back = word == "-j";
    } else if (passed.contains(word)) {
      i += passed.at(word);
    } else {
      unknown(word);
    }
  }
  return out;
}

Sets sets_of_nftables(const std::string& text) {
  Sets out;
  std::istringstream lines(text);
  std::string set;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("  set ")) {
      const auto words = words_of(line);
      set = words.at(1);
      if (!out.contains(set)) {
        out[set] =
            line.find("timeout") == std::string::npos ? std::optional(Intervals()) : std::nullopt;
      }
    } else if (line.starts_with("  map ") || line.starts_with("  chain ") || line == "  }") {
      set.clear();
    } else if (!set.empty() && line.starts_with("      ")) {
      out.at(set)->push_back(interval_of(line.substr(6, line.size() - 7)));
    }
  }
  return out;
}

/// By map: the chains that its elements lead to.
std::map<std::string, std::vector<std::string>> maps_of_nftables(const std::string& text) {
  std::map<std::string, std::vector<std::string>> out;
  std::istringstream lines(text);
  std::string map;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("  map ")) {
      map = words_of(line).at(1);
      out[map];
    } else if (line == "  }") {
      map.clear();
    } else if (!map.empty() && line.starts_with("      ")) {
      for (const char* verb : {" : jump ", " : goto "}) {
        const auto at = line.rfind(verb);
        if (at != std::string::npos) out[map].push_back(line.substr(at + 8, line.size() - at - 9));
      }
    }
  }
  return out;
}

class NftablesLine {
 public:
  NftablesLine(const std::string& text, const Sets& sets, net::Family family)
      : words_(words_of(text)), sets_(sets), family_(family) {}

  Line read(const std::map<std::string, std::vector<std::string>>& maps) {
    for (; at_ < words_.size(); ++at_) {
      const std::string& word = words_[at_];
      if (word == "ip" || word == "ip6") {
        out_.other_family = (word == "ip") != (family_ == net::Family::ipv4);
      } else if (word == "nfproto") {
        out_.other_family = (next() == "ipv4") != (family_ == net::Family::ipv4);
      } else if (word == "saddr" || word == "daddr") {
        if (words_.at(at_ + 1) != "." && words_.at(at_ + 1) != "vmap")
          out_.asks[word == "saddr" ? from : to] = peers(operand());
      } else if (word == "jump" || word == "goto") {
        out_.comes_back = word == "jump";
        out_.leads = next();
      } else if (word == "vmap") {
        const std::string map = next();
        if (map == "{") return out_;  // of the state
        for (const std::string& chain : maps.at(map.substr(1)))
          out_.leads_by.emplace_back(Interval{}, chain);
      } else if (word == "comment" || word == "update") {
        return out_;
      }
    }
    return out_;
  }

 private:
  const std::string& next() { return words_.at(++at_); }
  std::vector<std::string> operand() {
    std::string word = next();
    if (word != "{") return {word};
    std::vector<std::string> out;
    while ((word = next()) != "}") {
      if (word.ends_with(",")) word.pop_back();
      out.push_back(word);
    }
    return out;
  }
  std::optional<Intervals> peers(const std::vector<std::string>& operand) const {
    if (out_.other_family) return std::nullopt;
    if (operand.front().starts_with("@")) return sets_.at(operand.front().substr(1));
    Intervals out;
    for (const std::string& each : operand) out.push_back(interval_of(each));
    return out;
  }

  std::vector<std::string> words_;
  const Sets& sets_;
  net::Family family_;
  std::size_t at_ = 0;
  Line out_;
};

}  // namespace

LongestPath longest_path_of_iptables(const GatewayFiles& files, const std::string& top,
                                     net::Family family) {
  const auto ipset = files.find("ipset");
  const Sets sets = ipset == files.end() ? Sets() : sets_of_ipset(ipset->second);
  Chains chains;
  std::istringstream lines(files.at(family == net::Family::ipv4 ? "rules.v4" : "rules.v6"));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(":")) chains[line.substr(1, line.find(' ') - 1)];
    if (!line.starts_with("-A ")) continue;
    const auto words = words_of(line);
    chains.at(words.at(1)).push_back(line_of_iptables(words, sets, chains));
  }
  return Walk(chains).from_chain(top);
}

LongestPath longest_path_of_nftables(const GatewayFiles& files, const std::string& top,
                                     net::Family family) {
  const std::string& text = files.at("ruleset.nft");
  const Sets sets = sets_of_nftables(text);
  const auto maps = maps_of_nftables(text);
  Chains chains;
  std::vector<Line>* chain = nullptr;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("  chain ")) {
      chain = &chains[words_of(line).at(1)];
    } else if (line == "  }") {
      chain = nullptr;
    } else if (chain != nullptr && line.starts_with("    ")) {
      chain->push_back(NftablesLine(line, sets, family).read(maps));
    } else if (line.starts_with("  set ") || line.starts_with("  map ")) {
      chain = nullptr;
    }
  }
  return Walk(chains).from_chain(top);
}

}  // namespace hcipol::test
