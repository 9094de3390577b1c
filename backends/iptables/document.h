// What a gateway or a machine with iptables, ipset and dnsmasq can say, as values.
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

namespace hcipol::backends::iptables {

using gateway::Match;

/// What one line can match of a service: a protocol with up to 15 port slots (a range takes two) or
/// with one ICMP type. iptables-extensions(8).
struct Service {
  std::optional<std::uint8_t> protocol;  ///< none: every protocol
  bool negated = false;                  ///< every protocol but this one
  std::vector<net::PortRange> ports;     ///< empty: all
  std::optional<std::uint8_t> type;
  std::optional<std::uint8_t> code;
};

struct Verdict {
  enum class Kind { accept, drop, reject, tcp_reset, pass, jump, go, log };
  Kind kind = Kind::accept;
  const std::string* text = nullptr;  ///< the chain to jump or go to; the prefix of log lines
};

/// One `-A`. Lines are many, so what few of them say takes little room.
struct Line {
  enum class State : std::uint8_t { any, established, invalid, untracked };
  enum class Loopback : std::uint8_t { any, in, out };
  State state = State::any;
  Loopback loopback = Loopback::any;  ///< `-i lo`, `-o lo`: only what a machine sends itself
  /// Only packets that no router has touched, as neighbour discovery demands (RFC 4861 §7.1).
  bool hop_limit_255 = false;
  const Match* from = nullptr;       ///< null: any
  const Match* to = nullptr;         ///< null: any
  const Service* service = nullptr;  ///< null: any
  Verdict verdict;
  const std::string* comment = nullptr;  ///< readable(), at most 255 bytes
  /// Of a jump, until the document has all chains: the lines of the chain, which say what services
  /// it decides on. Null: as this line says.
  const std::vector<Line>* leads_to = nullptr;
};

struct Chain {
  std::string name;
  std::vector<Line> lines;
};

/// A built-in chain that jumps to one of ours.
struct Hook {
  std::string_view built_in;
  std::string chain;
};

/// rules.v4 or rules.v6: the chains of one family.
struct Rules {
  net::Family family = net::Family::ipv4;
  bool knows_own = false;  ///< the servers, or the machine, have addresses of this family
  std::vector<Hook> hooks;
  std::vector<Chain> chains;
  std::vector<SourceMapEntry> traces;  ///< ids are a chain and what its lines are of
};

/// Its lists are sets of the type hash:net, its learnt sets hash:ip.
struct Document : gateway::Sets {
  std::string base;
  std::string cluster;
  std::string scope;        ///< gateway::scope_of()
  bool host = false;        ///< as in Settings
  bool owns_table = false;  ///< as in Settings
  std::uint16_t log_group = 0;
  Rules v4;
  Rules v6;

  // Owners of what lines point to.
  std::deque<Service> services;
  std::deque<std::vector<Service>> service_lists;
  std::deque<std::string> words;  ///< comments, chains, prefixes
};

/// iptables 1.8.9 cuts a longer comment in silence; the legacy variant does so with longer
/// prefixes.
inline constexpr std::size_t max_comment = 255;
inline constexpr std::size_t max_log_prefix = 63;
/// maxelem of sets: part of what `create -exist` compares, so it is the same for all. It costs no
/// memory. Half of it may be used: a hash can be full before its last place is taken.
inline constexpr std::size_t max_elements = 1048576;
/// Ends the comment of a learnt set with more names than it says.
inline constexpr std::string_view shortened_list = "and more";

}  // namespace hcipol::backends::iptables
