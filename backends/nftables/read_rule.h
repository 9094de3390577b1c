// One rule of nftables, from its text.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "backends/nftables/read_table.h"
#include "net/service.h"

namespace hcipol::backends::nftables {

/// A verdict, with the chain that `jump` and `go` lead to.
struct ReadVerdict {
  ReadRule::Act act = ReadRule::Act::allow;
  std::string_view chain;
};

struct RuleReading {
  enum class Kind {
    decides,
    logs,       ///< and decides nothing
    connected,  ///< what belongs to a connection is allowed
    invalid,    ///< `verdict` is for what is of no connection although it should be
    look_up,    ///< the map's element decides
  };
  Kind kind = Kind::decides;
  std::array<bool, 2> families{true, true};  ///< IPv4, IPv6
  std::string_view from;                     ///< "@set", "prefix" or "{ prefix, prefix }"
  std::string_view to;
  std::optional<net::ServiceSet> service;
  bool untouched = false;  ///< only packets with a hop limit of 255
  /// Only what a machine sends itself, as it comes in or as it goes out.
  enum class Loopback : std::uint8_t { any, in, out };
  Loopback loopback = Loopback::any;
  ReadVerdict verdict;
  std::string_view map;
  // Of look_up, what the key has.
  bool by_source = false;
  bool by_destination = false;
  bool by_protocol = false;
  bool by_port = false;  ///< and the protocol
};

/// Semantics: nft(8) 1.0.6. Throws Unreadable for what is not known.
RuleReading read_rule(const Table& table, const TableLine& line);

/// "accept", "goto denied".
ReadVerdict read_verdict(const Table& table, const TableLine& line, std::string_view text);

/// What follows ` comment ` at the end: one word in quotes, of at most 128 bytes.
bool is_comment(std::string_view quoted);

}  // namespace hcipol::backends::nftables
