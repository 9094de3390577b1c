// The filter table of a file for iptables-restore or ip6tables-restore, as the kernel would hold
// it.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "backends/common/reading.h"
#include "backends/iptables/read_services.h"
#include "backends/iptables/read_sets.h"

namespace hcipol::backends::iptables {

/// Which packets of a connection a line is for: bits in the order of `--ctstate`'s words.
enum State : unsigned {
  state_new = 1,
  state_established = 2,
  state_related = 4,
  state_invalid = 8,
  state_untracked = 16,
  every_state = 31
};

/// A line that decides something.
struct ReadLine {
  ReadRule rule;
  unsigned states = every_state;
  bool untouched = false;  ///< only packets with a hop limit of 255
  /// Only what a machine sends itself, as it comes in or as it goes out.
  enum class Loopback : std::uint8_t { any, in, out };
  Loopback loopback = Loopback::any;
};

struct ReadChain {
  std::string_view name;
  std::vector<ReadLine> lines;
};

/// A built-in chain, and what packets there meet first.
struct ReadWay {
  std::string_view built_in;
  std::uint32_t first = 0;
  bool drops_rest = false;
};

/// Semantics: iptables-restore(8) and iptables-extensions(8) 1.8.9, and what was measured of them.
/// What it does not know, and what the tools would refuse, is Unreadable.
class RuleFile {
 public:
  /// `out` receives the sets that lines point to; `text` and `sets` must stay.
  RuleFile(std::string_view file, std::string_view text, net::Family family, const SetTable& sets,
           DeviceReading& out);

  std::string_view file() const { return file_; }
  net::Family family() const { return family_; }
  const std::vector<ReadChain>& chains() const { return chains_; }
  /// The file says what all of the filter table is, and not only chains of its own.
  bool owns_table() const { return owns_table_; }
  /// Where the head of the file says to hook which chains in; of a whole table, INPUT, FORWARD and
  /// OUTPUT where they have rules.
  const std::vector<ReadWay>& ways() const { return ways_; }
  /// The sets that lines name.
  const std::unordered_map<std::string_view, const net::PeerSet*>& sets_used() const {
    return set_peers_;
  }

 private:
  class LineReader;

  void read(std::string_view line);
  void hook(std::string_view comment);
  void declare(std::string_view line);
  void declare_built_in(std::string_view name, std::string_view policy);
  void finish();
  void find_ways_of_table();
  void check_reached() const;
  std::uint32_t chain(std::string_view name) const;
  const net::PeerSet* prefix(std::string_view text);
  const net::PeerSet* prefix_of(std::string_view text);
  const net::PeerSet* set(std::string_view name);
  const net::PeerSet* both(const net::PeerSet* a, const net::PeerSet* b);
  const net::ServiceSet* service(const ServiceWords& words);
  [[noreturn]] void fail(std::string_view what) const;

  std::string_view file_;
  net::Family family_;
  const SetTable& set_table_;
  DeviceReading& out_;
  std::size_t line_ = 0;
  enum class Part { head, chains, rules, done } part_ = Part::head;
  bool owns_table_ = false;
  std::vector<std::pair<std::string_view, std::string_view>> hooks_;     ///< built-in, chain
  std::vector<std::pair<std::string_view, std::string_view>> policies_;  ///< built-in, policy
  std::vector<ReadWay> ways_;
  std::vector<ReadChain> chains_;
  std::unordered_map<std::string_view, std::uint32_t> by_name_;
  std::uint32_t last_chain_ = 0;  ///< that of the line before
  std::unordered_map<std::string_view, const net::PeerSet*> prefixes_;
  std::array<std::pair<std::string_view, const net::PeerSet*>, 2> last_prefixes_;
  std::unordered_map<std::string_view, const net::PeerSet*> set_peers_;
  std::map<std::pair<const net::PeerSet*, const net::PeerSet*>, const net::PeerSet*> both_;
  std::unordered_map<ServiceWords, const net::ServiceSet*, ServiceHash> services_;
};

}  // namespace hcipol::backends::iptables
