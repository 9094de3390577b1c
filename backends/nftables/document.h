// What a table of nftables can say, as values.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/backend.h"
#include "backends/common/gateway/sets.h"
#include "net/service.h"
#include "policy/model.h"

namespace hcipol::backends::nftables {

using gateway::Match;

/// What one rule can match of a service: any number of ranges of one kind.
struct Service {
  enum class Kind {
    protocols,  ///< numbers of whole protocols
    ports,      ///< destination ports of TCP or UDP
    types,      ///< ICMP or ICMPv6 types with all their codes
    codes,      ///< of one type: type × 256 + code
  };
  Kind kind = Kind::protocols;
  std::uint8_t protocol = 0;            ///< whose ports, types or codes
  std::vector<net::PortRange> numbers;  ///< never empty
};

struct Verdict {
  enum class Kind { accept, drop, reject, tcp_reset, pass, jump, go, log };
  Kind kind = Kind::accept;
  const std::string* text = nullptr;  ///< the chain to jump or go to; the prefix of log lines
};

/// What a map finds a verdict by.
struct Element {
  std::string key;  ///< as nft writes it
  Verdict verdict;
  const std::string* comment = nullptr;
};

/// A verdict map. No two of its elements have anything in common: nft refuses what lies within
/// another. Only those of addresses alone have prefixes, and only those of services alone ranges of
/// ports; all others have hosts and single ports.
struct Map {
  enum class Key { from, to, service, protocol, to_service, from_to_service };
  std::string name;
  net::Family family = net::Family::ipv4;
  Key key = Key::from;
  bool intervals = false;  ///< prefixes, or ranges of ports
  std::vector<Element> elements;
};

/// One rule of a chain: a look-up in a map, or what it matches and its verdict.
struct Rule {
  enum class State { any, ours, others };
  /// A verdict by conntrack's state alone: `ours` drops what is invalid, or goes to the chain of
  /// `verdict` with it; `others` hands it back.
  State state = State::any;
  const Map* map = nullptr;
  /// Packets of one family; none if both, or if `from` or `to` says it.
  std::optional<net::Family> family;
  const Match* from = nullptr;       ///< null: any
  const Match* to = nullptr;         ///< null: any
  const Service* service = nullptr;  ///< null: any
  /// Only packets that no router has touched, as neighbour discovery demands (RFC 4861 §7.1).
  bool hop_limit_255 = false;
  /// "iifname" or "oifname": only what a machine sends itself, as it comes in or goes out. "": any.
  std::string_view loopback;
  Verdict verdict;
  const std::string* comment = nullptr;  ///< readable(), at most 128 bytes
  /// Of a jump: the blocks of services that the chain decides on. Null: as the rule says.
  const std::vector<net::Cidr>* about = nullptr;
};

struct Chain {
  std::string name;
  std::vector<Rule> rules;
  std::string_view hook;  ///< "forward", "input" or "output"; "": other chains lead to it
};

/// The lists' members are disjoint.
struct Document : gateway::Sets {
  std::string base;
  std::string cluster;
  std::string scope;  ///< gateway::scope_of()
  std::uint16_t log_group = 0;
  bool host = false;  ///< a machine's own table, and not a gateway's
  /// Whether the servers, or the machine, have addresses of the family.
  bool knows_own_v4 = false;
  bool knows_own_v6 = false;
  std::deque<Map> maps;  ///< rules point to them
  std::vector<Chain> chains;
  std::vector<SourceMapEntry> traces;  ///< ids are what comments begin with

  // Owners of what rules point to.
  std::deque<Service> services;
  std::deque<std::string> words;  ///< comments, chains, prefixes
};

/// nft 1.0.6 refuses a longer comment, and the kernel a longer prefix.
inline constexpr std::size_t max_comment = 128;
inline constexpr std::size_t max_log_prefix = 127;
/// Of learnt sets. It costs no memory before it is used.
inline constexpr unsigned max_learnt = 1048576;

}  // namespace hcipol::backends::nftables
