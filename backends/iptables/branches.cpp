// Blocks are cut where lines are many, by how many there are in each: so neither the steps on the
// way to a line nor the lines at each step are ever many.
#include "backends/iptables/branches.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
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
  /// Chains are appended to `chains`.
  Tree(const std::string& name, std::vector<Line> lines, std::span<const Side> sides,
       Document& document, std::vector<Chain>& chains)
      : head_(name.substr(0, name.find('.')) + ".+"),
        lines_(std::move(lines)),
        sides_(sides),
        document_(document),
        chains_(chains) {}

  void write(std::string name, std::size_t room) {
    Indices all(lines_.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    std::string base = name;
    write(std::move(name), std::move(all), {0, std::move(base)}, room);
  }

 private:
  using Indices = std::vector<std::size_t>;
  using Placed = std::vector<gateway::Placed>;

  /// A chain of these lines.
  void write(std::string name, Indices lines, const Step& step, std::size_t room) {
    // Its own place among the chains is before those that it leads to.
    const std::size_t place = chains_.size();
    chains_.emplace_back();
    Chain chain{std::move(name), {}};
    fill(chain, std::move(lines), step, room);
    chains_[place] = std::move(chain);
  }

  /// Puts the lines into the chain, or others that lead to them.
  void fill(Chain& out, Indices lines, const Step& step, std::size_t room) {
    if (lines.size() <= longest_list || room == 0 || step.side == sides_.size()) {
      out.lines.reserve(out.lines.size() + lines.size());
      for (const std::size_t line : lines) out.lines.push_back(lines_[line]);
      return;
    }
    Placed placed;
    Indices rest = places(lines, step, placed);
    if (several(placed)) lines = cut(lines, std::move(rest), placed, step, room, out);
    fill(out, std::move(lines), {step.side + 1, out.name}, room);
  }

  /// Those of the lines at these places among them.
  static Indices picked(const Indices& lines, const Indices& which) {
    Indices out;
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

  std::span<const Block> blocks_of(const Line& line, Side side) {
    if (side != Side::service) {
      const Match* match = match_of(line, side);
      return match == nullptr ? std::span<const Block>() : match->within;
    }
    if (line.leads_to != nullptr) return blocks_of(*line.leads_to);
    if (line.service == nullptr) return {};
    const auto [place, fresh] = of_services_.try_emplace(line.service);
    if (fresh) place->second = iptables::blocks_of(*line.service);
    return place->second;
  }

  /// The services that all of the lines ask for; none if one of them does not ask for any.
  std::span<const Block> blocks_of(const std::vector<Line>& lines) {
    const auto [place, fresh] = of_chains_.try_emplace(&lines);
    std::vector<Block>& out = place->second;
    if (!fresh) return out;
    for (const Line& line : lines) {
      const std::span<const Block> blocks = blocks_of(line, Side::service);
      if (blocks.empty()) {
        out.clear();
        return out;
      }
      out.insert(out.end(), blocks.begin(), blocks.end());
    }
    return out = gateway::outermost(std::move(out));
  }

  /// The places of the lines of which the side tells something; the others are what is returned. By
  /// their indices in `lines`.
  Indices places(const Indices& lines, const Step& step, Placed& placed) {
    const unsigned length = step.known ? step.known->length : 0;
    placed.reserve(lines.size());
    Indices rest;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const std::size_t before = placed.size();
      bool whole = true;
      for (const Block& block : blocks_of(lines_[lines[i]], sides_[step.side])) {
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

  /// Lines that lead to groups; what is in none of them is returned. `rest` are indices in `lines`.
  Indices cut(const Indices& lines, Indices rest, const Placed& placed, const Step& step,
              std::size_t room, Chain& out) {
    std::size_t level = 0;
    const std::size_t count = lines.size() - rest.size();
    while (level + 1 < std::min(room, levels.size()) && levels[level + 1] < count) ++level;
    gateway::Blocks blocks =
        gateway::cut(placed, lines.size(), levels[level], axis_of(sides_[step.side]));
    gather(blocks, placed);
    for (const gateway::Group& group : blocks.groups) {
      const std::string name = name_of(group.block, step);
      Line jump = to(group.block, sides_[step.side]);
      jump.verdict = {Verdict::Kind::jump, &document_.words.emplace_back(name)};
      out.lines.push_back(jump);
      write(name, picked(lines, group.items), {step.side, step.base, group.block}, room - 1);
    }
    rest.insert(rest.end(), blocks.rest.begin(), blocks.rest.end());
    std::sort(rest.begin(), rest.end());
    return picked(lines, rest);
  }

  /// Many that lie around groups, as networks of networks do, become groups of their own.
  static void gather(gateway::Blocks& blocks, const Placed& placed) {
    if (blocks.rest.size() <= longest_list) return;
    std::map<Block, Indices> by_place;
    Indices rest;
    for (const std::size_t item : blocks.rest) {
      const Block* place = gateway::sole_place(placed, item);
      (place == nullptr ? rest : by_place[*place]).push_back(item);
    }
    for (auto& [place, items] : by_place) blocks.groups.push_back({place, std::move(items)});
    blocks.rest = std::move(rest);
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
  std::vector<Line> lines_;
  std::span<const Side> sides_;
  Document& document_;
  std::vector<Chain>& chains_;
  std::unordered_map<const Service*, std::vector<Block>> of_services_;
  std::unordered_map<const std::vector<Line>*, std::vector<Block>> of_chains_;
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
  if (!service.protocol || service.negated) return {};
  if (service.ports.empty()) return gateway::blocks_of(*service.protocol, {0, 65535});
  if (service.ports.size() == 1)
    return gateway::blocks_of(*service.protocol, service.ports.front());
  std::vector<Block> out;
  for (const net::PortRange& range : service.ports) {
    for (const Block& block : gateway::blocks_of(*service.protocol, range)) out.push_back(block);
  }
  return gateway::outermost(std::move(out));
}

void branches(Chain chain, std::span<const Side> sides, std::size_t room, Document& document,
              std::vector<Chain>& out) {
  if (chain.lines.size() <= longest_list) {
    out.push_back(std::move(chain));
    return;
  }
  Tree(chain.name, std::move(chain.lines), sides, document, out).write(chain.name, room);
}

Shared share(const PeersByLabel& peers, net::Family family) {
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
