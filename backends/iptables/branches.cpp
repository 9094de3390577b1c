// Blocks are cut where lines are many, by how many there are in each: so neither the steps on the
// way to a line nor the lines at each step are ever many.
#include "backends/iptables/branches.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <utility>

#include "backends/common/gateway/blocks.h"
#include "backends/common/names.h"

namespace hcipol::backends::iptables {

namespace {

using gateway::Block;
using gateway::Match;
using net::Cidr;

/// As many lines may be below a chain of the lowest level, the one above, and so on: each has about
/// eight times as many below it as the next, so eight to sixteen jumps.
constexpr std::array<std::size_t, 4> levels{longest_list, 128, 1024, 8192};

constexpr std::size_t max_chain_name = 28;

const Match* match_of(const Line& line, Side side) {
  return side == Side::from ? line.from : line.to;
}

gateway::Axis axis_of(Side side) {
  return side == Side::service ? gateway::Axis::services : gateway::Axis::addresses;
}

bool meet(const Block& a, const Block& b) {
  const unsigned length = std::min(a.length, b.length);
  return net::first_of(a.network, length) == net::first_of(b.network, length);
}

/// What a chain's lines are told apart by next.
struct Step {
  std::size_t side = 0;                       ///< an index
  std::string base = {};                      ///< what new chains are called after
  std::optional<Block> known = std::nullopt;  ///< what all packets of the chain have of the side
};

class Tree {
 public:
  Tree(const std::string& name, std::span<const Side> sides, Document& document)
      : head_(name.substr(0, name.find('.')) + ".+"), sides_(sides), document_(document) {}

  /// Puts `lines` into the chain, or lines that lead to them.
  void write(std::vector<Line> lines, const Step& step, std::size_t room, Chain& out) {
    if (lines.size() <= longest_list || room == 0 || step.side == sides_.size()) {
      std::move(lines.begin(), lines.end(), std::back_inserter(out.lines));
      return;
    }
    std::vector<gateway::Placed> placed;
    std::vector<std::size_t> rest = places(lines, step, placed);
    if (several(placed))
      rest = cut(lines, std::move(rest), std::move(placed), step, room, out);
    else
      rest = everything(lines.size());
    write(picked(lines, rest), {step.side + 1, out.name}, room, out);
  }

  std::vector<Chain> take() { return std::move(chains_); }

 private:
  using Indices = std::vector<std::size_t>;
  using Placed = std::vector<gateway::Placed>;

  static Indices everything(std::size_t count) {
    Indices out(count);
    std::iota(out.begin(), out.end(), std::size_t{0});
    return out;
  }
  static std::vector<Line> picked(const std::vector<Line>& lines, const Indices& which) {
    std::vector<Line> out;
    out.reserve(which.size());
    for (const std::size_t index : which) out.push_back(lines[index]);
    return out;
  }

  /// Whether it is worth the while to ask where.
  static bool several(const Placed& placed) {
    std::set<Block> seen;
    for (const gateway::Placed& one : placed) {
      if (seen.insert(one.place).second && seen.size() > longest_list / 2) return true;
    }
    return false;
  }

  const std::vector<Block>& blocks_of(const Line& line, Side side) {
    static const std::vector<Block> none;
    if (side != Side::service) {
      const Match* match = match_of(line, side);
      return match == nullptr ? none : match->within;
    }
    if (line.about != nullptr) return *line.about;
    if (line.service == nullptr) return none;
    const auto [place, fresh] = services_.try_emplace(line.service);
    if (fresh) place->second = iptables::blocks_of(*line.service);
    return place->second;
  }

  /// The places of the lines of which the side tells something; the others are what is returned.
  Indices places(const std::vector<Line>& lines, const Step& step, Placed& placed) {
    const unsigned length = step.known ? step.known->length : 0;
    Indices rest;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const std::size_t before = placed.size();
      bool whole = true;
      for (const Block& block : blocks_of(lines[i], sides_[step.side])) {
        if (step.known && !meet(block, *step.known)) continue;
        whole = block.length <= length;
        if (whole) break;
        placed.push_back({block, i});
      }
      if (!whole) continue;
      placed.resize(before);
      rest.push_back(i);
    }
    return rest;
  }

  /// Lines that lead to groups; what is in none of them is returned.
  Indices cut(const std::vector<Line>& lines, Indices rest, Placed placed, const Step& step,
              std::size_t room, Chain& out) {
    std::size_t level = 0;
    const std::size_t count = lines.size() - rest.size();
    while (level + 1 < std::min(room, levels.size()) && levels[level + 1] < count) ++level;
    const std::map<std::size_t, Block> only = gateway::sole_places(placed);
    gateway::Blocks blocks =
        gateway::cut(std::move(placed), lines.size(), levels[level], axis_of(sides_[step.side]));
    gather(blocks, only);
    for (const gateway::Group& group : blocks.groups) {
      add_group(group.block, picked(lines, group.items), step, room, out);
    }
    rest.insert(rest.end(), blocks.rest.begin(), blocks.rest.end());
    std::sort(rest.begin(), rest.end());
    return rest;
  }

  /// Many that lie around groups, as networks of networks do, become groups of their own.
  static void gather(gateway::Blocks& blocks, const std::map<std::size_t, Block>& only) {
    if (blocks.rest.size() <= longest_list) return;
    std::map<Block, Indices> by_place;
    Indices rest;
    for (const std::size_t item : blocks.rest) {
      const auto found = only.find(item);
      (found == only.end() ? rest : by_place[found->second]).push_back(item);
    }
    for (auto& [place, items] : by_place) blocks.groups.push_back({place, std::move(items)});
    blocks.rest = std::move(rest);
  }

  void add_group(const Block& block, std::vector<Line> lines, const Step& step, std::size_t room,
                 Chain& out) {
    Chain below{name_of(block, step), {}};
    Line jump = to(block, sides_[step.side]);
    jump.verdict = {Verdict::Kind::jump, &document_.words.emplace_back(below.name)};
    out.lines.push_back(std::move(jump));
    // Its own place among the chains is before those that it leads to.
    const std::size_t place = chains_.size();
    chains_.emplace_back();
    write(std::move(lines), {step.side, step.base, block}, room - 1, below);
    chains_[place] = std::move(below);
  }

  Line to(const Block& block, Side side) {
    Line out;
    if (side == Side::service) {
      Service& service = document_.services.emplace_back();
      service.protocol = gateway::protocol_of(block);
      if (block.length > gateway::protocol_bits) service.ports = {gateway::ports_of(block)};
      out.service = &service;
      return out;
    }
    (side == Side::from ? out.from : out.to) = &document_.matches.emplace_back(
        Match{Match::Kind::prefix, net::to_short_string(block), {block}});
    return out;
  }

  std::string name_of(const Block& block, const Step& step) const {
    const Side side = sides_[step.side];
    std::string text =
        side == Side::service ? gateway::to_text(block) : net::to_short_string(block);
    for (char& c : text) {
      if (c == '/') c = '-';
      if (c == ':') c = '_';
    }
    // One chain may be told apart by both ends.
    if (step.side == 1 && side != Side::service) text = (side == Side::to ? "to." : "from.") + text;
    const std::string whole = step.base + "+" + text;
    if (whole.size() <= max_chain_name) return whole;
    // Thousands of these may begin alike, so what is left is all of it a hash.
    return head_ + content_hash(whole, max_chain_name - head_.size());
  }

  std::string head_;
  std::span<const Side> sides_;
  Document& document_;
  std::vector<Chain> chains_;
  std::map<const Service*, std::vector<Block>> services_;
};

std::size_t place_count(const std::vector<Line>& lines, Side side) {
  std::set<Cidr> places;
  for (const Line& line : lines) {
    const Match* match = match_of(line, side);
    if (match != nullptr) places.insert(match->within.begin(), match->within.end());
  }
  return places.size();
}

}  // namespace

std::array<Side, 3> best_sides(const std::vector<Line>& lines) {
  if (place_count(lines, Side::from) > place_count(lines, Side::to)) {
    return {Side::from, Side::to, Side::service};
  }
  return {Side::to, Side::from, Side::service};
}

std::vector<Block> blocks_of(const Service& service) {
  std::vector<Block> out;
  if (!service.protocol || service.negated) return out;
  std::vector<net::PortRange> ports = service.ports;
  if (ports.empty()) ports.push_back({0, 65535});
  for (const net::PortRange& range : ports) {
    for (const Block& block : gateway::blocks_of(*service.protocol, range)) out.push_back(block);
  }
  return gateway::outermost(std::move(out));
}

std::vector<Chain> branches(Chain chain, std::span<const Side> sides, std::size_t room,
                            Document& document) {
  std::vector<Chain> out;
  if (chain.lines.size() <= longest_list) {
    out.push_back(std::move(chain));
    return out;
  }
  Chain top{chain.name, {}};
  Tree tree(chain.name, sides, document);
  tree.write(std::move(chain.lines), {0, chain.name}, room, top);
  out.push_back(std::move(top));
  for (Chain& one : tree.take()) out.push_back(std::move(one));
  return out;
}

Shared share(const std::map<std::string, const gateway::Peer*>& peers, net::Family family) {
  const auto index = static_cast<std::size_t>(family);
  Shared out;
  // Whoever is known by addresses alone.
  const auto listed = [&](const gateway::Peer* peer) {
    return peer->names.empty() && !peer->any(family) && !peer->prefixes[index].empty();
  };
  std::size_t count = 0;
  for (const auto& [label, peer] : peers) count += listed(peer) ? 1 : 0;
  const bool many = count > longest_list / 2;
  std::vector<net::Cidr> prefixes;
  for (const auto& [label, peer] : peers) {
    if (many && listed(peer)) {
      const auto& own = peer->prefixes[index];
      prefixes.insert(prefixes.end(), own.begin(), own.end());
    } else {
      out.apart.push_back(peer);
    }
  }
  out.prefixes = gateway::outermost(std::move(prefixes));
  return out;
}

}  // namespace hcipol::backends::iptables
