// A tree of prefixes with steps at fixed lengths, whatever else is in it: one more prefix adds
// lines and moves none.
#include "backends/iptables/branches.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "backends/common/names.h"

namespace hcipol::backends::iptables {

namespace {

using gateway::Match;
using net::Cidr;

/// Where the tree has steps: between networks of companies, sites, subnets and hosts. iptables-nft
/// takes 15 chains below a hook: two trees, and five that lead to them and away.
constexpr std::array steps_v4{8U, 14U, 19U, 24U, 28U};
constexpr std::array steps_v6{40U, 48U, 56U, 64U, 120U};

const std::array<unsigned, 5>& steps_of(net::Family family) {
  return family == net::Family::ipv4 ? steps_v4 : steps_v6;
}

constexpr std::size_t max_chain_name = 28;

const Match*& side_of(Line& line, Side side) {
  return side == Side::from ? line.from : line.to;
}
const Match* side_of(const Line& line, Side side) {
  return side == Side::from ? line.from : line.to;
}

std::optional<Cidr> place_of(const Line& line, Side side) {
  const Match* match = side_of(line, side);
  return match == nullptr ? std::nullopt : match->within;
}

std::size_t place_count(const std::vector<Line>& lines, Side side) {
  std::set<Cidr> places;
  for (const Line& line : lines) {
    if (const auto place = place_of(line, side)) places.insert(*place);
  }
  return places.size();
}

/// The lines whose packets are within one prefix, in their order.
struct Item {
  Cidr prefix;
  std::vector<Line> lines;
};
using Items = std::vector<Item>;

class Tree {
 public:
  Tree(std::string name, Side side, Document& document)
      : name_(std::move(name)), side_(side), document_(document) {}

  /// Puts lines that lead to all of `items` behind those of `out`, whose step is one before this.
  void write(Items items, std::size_t step, Chain& out) {
    std::map<Cidr, Items> groups;
    for (Item& item : items) {
      const auto& steps = steps_of(item.prefix.network.family);
      if (step == steps.size() || item.prefix.length <= steps[step]) {
        std::move(item.lines.begin(), item.lines.end(), std::back_inserter(out.lines));
      } else {
        groups[{net::first_of(item.prefix.network, steps[step]), steps[step]}].push_back(
            std::move(item));
      }
    }
    for (auto& [prefix, group] : groups) add_group(prefix, std::move(group), step, out);
  }

  std::vector<Chain> take() { return std::move(chains_); }

 private:
  void add_group(const Cidr& prefix, Items group, std::size_t step, Chain& out) {
    const std::string text = net::to_short_string(prefix);
    Chain below{name_of(text), {}};
    Line jump;
    side_of(jump, side_) =
        &document_.matches.emplace_back(Match{Match::Kind::prefix, text, prefix});
    jump.verdict = {Verdict::Kind::jump, &document_.words.emplace_back(below.name)};
    out.lines.push_back(std::move(jump));
    // Its own place among the chains is before those that it leads to.
    const std::size_t place = chains_.size();
    chains_.emplace_back();
    write(std::move(group), step + 1, below);
    chains_[place] = std::move(below);
  }

  std::string name_of(std::string text) const {
    for (char& c : text) {
      if (c == '/') c = '-';
      if (c == ':') c = '_';
    }
    const std::string whole = name_ + "+" + text;
    if (whole.size() <= max_chain_name) return whole;
    // Thousands of these may begin alike, so what is left is all of it a hash.
    return name_.substr(0, name_.find('.')) + ".+" + content_hash(whole, 10);
  }

  std::string name_;
  Side side_;
  Document& document_;
  std::vector<Chain> chains_;
};

}  // namespace

Side better_side(const std::vector<Line>& lines) {
  return place_count(lines, Side::from) > place_count(lines, Side::to) ? Side::from : Side::to;
}

std::vector<Chain> branches(Chain chain, Side side, Document& document) {
  std::vector<Chain> out;
  if (chain.lines.size() <= longest_list || place_count(chain.lines, side) <= longest_list / 2) {
    out.push_back(std::move(chain));
    return out;
  }
  Chain top{chain.name, {}};
  std::map<Cidr, std::vector<Line>> by_prefix;
  for (Line& line : chain.lines) {
    const auto place = place_of(line, side);
    (place ? by_prefix[*place] : top.lines).push_back(std::move(line));
  }
  Items items;
  for (auto& [prefix, lines] : by_prefix) items.push_back({prefix, std::move(lines)});
  Tree tree(chain.name, side, document);
  tree.write(std::move(items), 0, top);
  out.push_back(std::move(top));
  for (Chain& one : tree.take()) out.push_back(std::move(one));
  return out;
}

Shared share(const std::map<std::string, const gateway::Peer*>& peers, net::Family family) {
  Shared out;
  std::vector<net::Cidr> prefixes;
  for (const auto& [label, peer] : peers) {
    const auto& matches = peer->in(family);
    const bool alone = matches.size() == 1 && matches.front() != nullptr &&
                       matches.front()->kind == Match::Kind::prefix;
    if (!alone) out.apart.push_back(peer);
    if (alone) prefixes.push_back(peer->prefixes[static_cast<std::size_t>(family)].front());
  }
  if (prefixes.size() <= longest_list / 2) {
    out.apart.clear();
    for (const auto& [label, peer] : peers) out.apart.push_back(peer);
  } else {
    out.prefixes = gateway::outermost(std::move(prefixes));
  }
  return out;
}

}  // namespace hcipol::backends::iptables
