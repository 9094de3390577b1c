// Many rules found by few questions: the blocks of an axis, of addresses or of services, that few
// of the rules have to do with.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "net/address.h"
#include "net/service.h"

namespace hcipol::backends::gateway {

/// A part of an axis, as a prefix of it. A block of services is one of IPv4 whose address is a
/// point of the service axis × 256: its first 8 bits are the protocol, and the 16 behind them the
/// port, or ICMP's type and code.
using Block = net::Cidr;

/// A block is asked for by the devices if it is of one protocol, and no part of any but a part of
/// the ports of TCP and UDP.
bool can_ask_for(const Block& services);
inline constexpr unsigned protocol_bits = 8;

/// What can be asked for and has the ports, types or codes `first` … `last` of the protocol: at
/// most two blocks, none more than twice as large as what it is for.
std::vector<Block> blocks_of(std::uint8_t protocol, net::PortRange numbers);
/// A block of services in words: "tcp.1024-2047", "udp", "47".
std::string to_text(const Block& services);
/// Of a block of services: its protocol, and its part of that protocol's numbers.
std::uint8_t protocol_of(const Block& services);
net::PortRange ports_of(const Block& services);

/// The few prefixes that a list lies in, if it lies in few: disjoint, at most eight. `prefixes` are
/// sorted and disjoint, and at least one.
std::vector<Block> cover(std::span<const net::Cidr> prefixes);

/// An item lies in the blocks of all its places.
struct Placed {
  Block place;
  std::size_t item = 0;  ///< its index
};

/// The place of an item that has one alone, else null. The items of `placed` ascend.
const Block* sole_place(std::span<const Placed> placed, std::size_t item);

struct Group {
  Block block;
  std::vector<std::size_t> items;  ///< ascending
};

/// Disjoint groups, ascending, and what lies in none of them or also outside of them.
struct Blocks {
  std::vector<Group> groups;
  std::vector<std::size_t> rest;  ///< ascending
};

enum class Axis { addresses, services };

/// The largest blocks in which at most `most` items lie, and with more those that are places of all
/// their items. What block an item comes to depends on no more than how many others lie near it, so
/// that one more item moves others only out of a block that is full.
Blocks cut(std::span<const Placed> placed, std::size_t items, std::size_t most, Axis axis);

}  // namespace hcipol::backends::gateway
