// A tree of prefixes, four bits a step, without the steps at which all lines go the same way. One
// more prefix changes the chain where it belongs, and adds one at most.
#include "backends/iptables/branches.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "backends/common/names.h"

namespace hcipol::backends::iptables {

namespace {

using gateway::Match;
using net::Cidr;

constexpr unsigned step = 4;  ///< bits: at most 16 branches, and 15 prefixes too short for one
/// iptables-nft takes 15 chains below a hook, of which two trees and the chains that lead to them
/// and away have their part.
constexpr unsigned most_levels = 4;
constexpr std::size_t max_chain_name = 28;

const Match*& side_of(Line& line, Side side) {
  return side == Side::from ? line.from : line.to;
}
const Match* side_of(const Line& line, Side side) {
  return side == Side::from ? line.from : line.to;
}

bool has_prefix(const Line& line, Side side) {
  const Match* match = side_of(line, side);
  return match != nullptr && match->kind == Match::Kind::prefix;
}

std::size_t prefix_count(const std::vector<Line>& lines, Side side) {
  std::set<std::string_view> texts;
  for (const Line& line : lines) {
    if (has_prefix(line, side)) texts.insert(side_of(line, side)->text);
  }
  return texts.size();
}

/// The lines of one prefix, in their order.
struct Item {
  Cidr prefix;
  std::vector<Line> lines;
};
using Items = std::vector<Item>;

/// The longest prefix with both in it.
Cidr common(const Cidr& a, const Cidr& b) {
  unsigned length = std::min(a.length, b.length);
  while (net::first_of(a.network, length) != net::first_of(b.network, length)) --length;
  return {net::first_of(a.network, length), length};
}

class Tree {
 public:
  Tree(std::string name, Side side, Document& document)
      : name_(std::move(name)), side_(side), document_(document) {}

  /// Puts lines that lead to all of `items` behind those of `out`.
  void write(Items items, unsigned level, Chain& out) {
    std::size_t count = 0;
    for (const Item& item : items) count += item.lines.size();
    if (items.size() == 1 || count <= longest_list || level == most_levels) {
      for (Item& item : items) append(out, item);
      return;
    }
    Cidr all = items.front().prefix;
    for (const Item& item : items) all = common(all, item.prefix);
    const unsigned bits = (all.length / step + 1) * step;
    std::map<net::Address, Items> groups;
    for (Item& item : items) {
      if (item.prefix.length < bits) {
        append(out, item);
      } else {
        groups[net::first_of(item.prefix.network, bits)].push_back(std::move(item));
      }
    }
    for (auto& [network, group] : groups) add_group(std::move(group), level, out);
  }

  std::vector<Chain> take() { return std::move(chains_); }

 private:
  static void append(Chain& out, Item& item) {
    std::move(item.lines.begin(), item.lines.end(), std::back_inserter(out.lines));
  }

  void add_group(Items group, unsigned level, Chain& out) {
    if (group.size() == 1 && group.front().lines.size() <= step) return append(out, group.front());
    Cidr all = group.front().prefix;
    for (const Item& item : group) all = common(all, item.prefix);
    const std::string text = net::to_short_string(all);
    Chain below{name_of(text), {}};
    Line jump;
    side_of(jump, side_) = &document_.matches.emplace_back(Match{Match::Kind::prefix, text});
    jump.verdict = {Verdict::Kind::jump, &document_.words.emplace_back(below.name)};
    out.lines.push_back(std::move(jump));
    // Its own place among the chains is before those that it leads to.
    const std::size_t place = chains_.size();
    chains_.emplace_back();
    write(std::move(group), level + 1, below);
    chains_[place] = std::move(below);
  }

  std::string name_of(std::string text) const {
    for (char& c : text) {
      if (c == '/') c = '-';
      if (c == ':') c = '_';
    }
    return shortened(name_ + "+" + text, max_chain_name);
  }

  std::string name_;
  Side side_;
  Document& document_;
  std::vector<Chain> chains_;
};

}  // namespace

Side better_side(const std::vector<Line>& lines) {
  return prefix_count(lines, Side::from) > prefix_count(lines, Side::to) ? Side::from : Side::to;
}

std::vector<Chain> branches(Chain chain, Side side, Document& document) {
  std::vector<Chain> out;
  if (chain.lines.size() <= longest_list || prefix_count(chain.lines, side) <= longest_list / 2) {
    out.push_back(std::move(chain));
    return out;
  }
  Chain top{chain.name, {}};
  std::map<Cidr, std::vector<Line>> by_prefix;
  for (Line& line : chain.lines) {
    const auto prefix =
        has_prefix(line, side) ? net::parse_cidr(side_of(line, side)->text) : std::nullopt;
    (prefix ? by_prefix[*prefix] : top.lines).push_back(std::move(line));
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
