// nft refuses elements that lie within each other: what lies around blocks is in maps by its
// length.
#include "backends/nftables/divide.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <set>

namespace hcipol::backends::nftables {

namespace {

using gateway::Block;
using gateway::Group;
using gateway::Placed;

/// More protocols in one rule are not told from others.
constexpr unsigned most_protocols = 4;

bool meet(const Block& a, const Block& b) {
  if (a.network.family != b.network.family) return false;
  const unsigned length = std::min(a.length, b.length);
  return net::first_of(a.network, length) == net::first_of(b.network, length);
}

bool several(const std::array<std::vector<Placed>, 2>& placed) {
  std::set<Block> seen;
  for (const auto& some : placed) {
    for (const Placed& one : some) {
      if (seen.insert(one.place).second && seen.size() > longest_list / 2) return true;
    }
  }
  return false;
}

std::vector<Rule> picked(const std::vector<Rule>& rules, const std::vector<std::size_t>& which) {
  std::vector<Rule> out;
  out.reserve(which.size());
  for (const std::size_t index : which) out.push_back(rules[index]);
  return out;
}

/// Takes many that lie around groups out of `rest`: by length, the groups of their places.
std::map<unsigned, std::vector<Group>> around(std::vector<std::size_t>& rest,
                                              std::span<const Placed> placed) {
  if (rest.size() <= longest_list) return {};
  std::map<Block, std::vector<std::size_t>> by_place;
  std::vector<std::size_t> left;
  for (const std::size_t item : rest) {
    const Block* place = gateway::sole_place(placed, item);
    (place == nullptr ? left : by_place[*place]).push_back(item);
  }
  std::map<unsigned, std::vector<Group>> out;
  for (auto& [place, items] : by_place) out[place.length].push_back({place, std::move(items)});
  rest = std::move(left);
  return out;
}

std::string words_of(const Block& block, Side side) {
  if (side == Side::service) return gateway::to_text(block);
  std::string text = net::to_short_string(block);
  for (char& c : text) {
    if (c == '/') c = '-';
    if (c == ':') c = '_';
  }
  return text;
}

std::string key_of(const Block& block, Map::Key kind) {
  if (kind != Map::Key::service && kind != Map::Key::protocol) return net::to_short_string(block);
  const std::string protocol = net::protocol_name(gateway::protocol_of(block));
  if (kind == Map::Key::protocol) return protocol;
  const net::PortRange ports = gateway::ports_of(block);
  if (ports.first == ports.last) return fmt::format("{} . {}", protocol, ports.first);
  return fmt::format("{} . {}-{}", protocol, ports.first, ports.last);
}

Map::Key key_for(const Block& block, Side side) {
  if (side == Side::from) return Map::Key::from;
  if (side == Side::to) return Map::Key::to;
  return net::has_ports(gateway::protocol_of(block)) ? Map::Key::service : Map::Key::protocol;
}

}  // namespace

std::vector<Block> blocks_of(const Service& service) {
  std::vector<Block> out;
  const auto add = [&](std::uint8_t protocol, net::PortRange numbers) {
    for (const Block& block : gateway::blocks_of(protocol, numbers)) out.push_back(block);
  };
  if (service.kind != Service::Kind::protocols) {
    for (const net::PortRange& range : service.numbers) add(service.protocol, range);
    return gateway::outermost(std::move(out));
  }
  unsigned count = 0;
  for (const net::PortRange& range : service.numbers) count += range.last - range.first + 1U;
  if (count > most_protocols) return {};
  for (const net::PortRange& range : service.numbers) {
    for (unsigned number = range.first; number <= range.last; ++number) {
      add(static_cast<std::uint8_t>(number), {0, 65535});
    }
  }
  return out;
}

void Divider::write(Chain chain, std::vector<Rule> rules) {
  std::string base = chain.name;
  write(std::move(chain), std::move(rules), {0, std::move(base), std::nullopt});
}

void Divider::write(Chain chain, std::vector<Rule> rules, Step step) {
  // Its own place among the chains is before those that it leads to.
  const std::size_t place = document_.chains.size();
  document_.chains.emplace_back();
  while (rules.size() > longest_list && step.side < sides_.size()) {
    rules = divided(chain, std::move(rules), step);
    step = {step.side + 1, chain.name, std::nullopt};
  }
  std::move(rules.begin(), rules.end(), std::back_inserter(chain.rules));
  document_.chains[place] = std::move(chain);
}

/// What is not found by a map is returned.
std::vector<Rule> Divider::divided(Chain& chain, std::vector<Rule> rules, const Step& step) {
  std::array<Placed, 2> placed;  // by family; services are in the first
  Indices rest = places(rules, step, placed);
  if (!several(placed)) return rules;
  const Side side = sides_[step.side];
  const auto axis = side == Side::service ? gateway::Axis::services : gateway::Axis::addresses;
  for (std::size_t family = 0; family < placed.size(); ++family) {
    if (placed[family].empty()) continue;
    gateway::Blocks blocks = gateway::cut(placed[family], rules.size(), longest_list, axis);
    const auto more = around(blocks.rest, placed[family]);
    look_up(chain, rules, std::move(blocks.groups), "", step);
    for (const auto& [length, groups] : more) {
      look_up(chain, rules, groups, fmt::format("-{}", length), step);
    }
    rest.insert(rest.end(), blocks.rest.begin(), blocks.rest.end());
  }
  std::sort(rest.begin(), rest.end());
  return picked(rules, rest);
}

const std::vector<Block>& Divider::blocks_of(const Rule& rule, Side side) {
  static const std::vector<Block> none;
  if (side != Side::service) {
    const Match* match = side == Side::from ? rule.from : rule.to;
    return match == nullptr ? none : match->within;
  }
  if (rule.about != nullptr) return *rule.about;
  if (rule.service == nullptr) return none;
  const auto [place, fresh] = services_.try_emplace(rule.service);
  if (fresh) place->second = nftables::blocks_of(*rule.service);
  return place->second;
}

/// The places of the rules of which the side tells something; the others are what is returned.
Divider::Indices Divider::places(const std::vector<Rule>& rules, const Step& step,
                                 std::array<Placed, 2>& placed) {
  const unsigned length = step.known ? step.known->length : 0;
  Indices rest;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const std::vector<Block>& blocks = blocks_of(rules[i], sides_[step.side]);
    const auto shorter = [&](const Block& block) {
      return (!step.known || meet(block, *step.known)) && block.length <= length;
    };
    if (blocks.empty() || std::any_of(blocks.begin(), blocks.end(), shorter)) {
      rest.push_back(i);
      continue;
    }
    for (const Block& block : blocks) {
      if (step.known && !meet(block, *step.known)) continue;
      placed[static_cast<std::size_t>(block.network.family)].push_back({block, i});
    }
  }
  return rest;
}

void Divider::look_up(Chain& chain, const std::vector<Rule>& rules, std::vector<Group> groups,
                      const std::string& suffix, const Step& step) {
  const Side side = sides_[step.side];
  for (const Group& group : groups) {
    // A chain may be told apart by both ends.
    const std::string_view end = step.side == 1 && side == Side::to     ? "to."
                                 : step.side == 1 && side == Side::from ? "from."
                                                                        : "";
    const std::string name = fmt::format("{}/{}{}", step.base, end, words_of(group.block, side));
    Map& map = this->map(chain, group.block, suffix, step);
    map.elements.push_back({key_of(group.block, map.key),
                            {Verdict::Kind::jump, &document_.words.emplace_back(name)},
                            nullptr});
    write({name, {}, {}}, picked(rules, group.items), {step.side, step.base, group.block});
  }
}

/// The map that finds the block, which the chain looks up.
Map& Divider::map(Chain& chain, const Block& block, const std::string& suffix, const Step& step) {
  const Map::Key key = key_for(block, sides_[step.side]);
  const char digit = block.network.family == net::Family::ipv4 ? '4' : '6';
  std::string name = chain.name;
  switch (key) {
    case Map::Key::from: name += fmt::format("/from{}", digit); break;
    case Map::Key::to: name += fmt::format("/to{}", digit); break;
    case Map::Key::service: name += "/ports"; break;
    default: name += "/protocols";
  }
  name += suffix;
  Map*& place = maps_[name];
  if (place != nullptr) return *place;
  place = &document_.maps.emplace_back();
  Map& out = *place;
  out.name = std::move(name);
  out.family = block.network.family;
  out.key = key;
  out.intervals = key != Map::Key::protocol;
  chain.rules.emplace_back().map = &out;
  return out;
}

}  // namespace hcipol::backends::nftables
