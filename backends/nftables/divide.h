// Long chains as maps of short ones: a packet passes over a few rules, however many there are.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "backends/common/gateway/blocks.h"
#include "backends/nftables/document.h"

namespace hcipol::backends::nftables {

/// What tells rules apart.
enum class Side { from, to, service };

/// The longest list of rules that is left as it is.
inline constexpr std::size_t longest_list = 16;

/// The blocks of services that a rule matches; none if it does not ask for any, or for many
/// protocols.
std::vector<gateway::Block> blocks_of(const Service& service);

/// Gives a document chains, with look-ups of maps in place of long lists.
class Divider {
 public:
  Divider(std::span<const Side> sides, Document& document) : sides_(sides), document_(document) {}

  /// `rules` behind those that the chain has, or look-ups in maps that lead to them: by the blocks
  /// of addresses or services that few of them have to do with. What one side does not tell apart
  /// is left to the next. The rules may change places, as in a phase; those of one block keep their
  /// order, and no packet meets one of them twice. New chains are called `NAME/10.0.0.0-8` or
  /// `NAME/tcp.1024-2047`, maps `NAME/to4` or `NAME/ports`.
  void write(Chain chain, std::vector<Rule> rules);

 private:
  /// What a chain's rules are told apart by next.
  struct Step {
    std::size_t side = 0;                 ///< an index
    std::string base;                     ///< what new chains and maps are called after
    std::optional<gateway::Block> known;  ///< what all packets of the chain have of the side
  };
  using Indices = std::vector<std::size_t>;
  using Placed = std::vector<gateway::Placed>;

  void write(Chain chain, std::vector<Rule> rules, Step step);
  std::vector<Rule> divided(Chain& chain, std::vector<Rule> rules, const Step& step);
  const std::vector<gateway::Block>& blocks_of(const Rule& rule, Side side);
  Indices places(const std::vector<Rule>& rules, const Step& step, std::array<Placed, 2>& placed);
  void look_up(Chain& chain, const std::vector<Rule>& rules, std::vector<gateway::Group> groups,
               const std::string& suffix, const Step& step);
  Map& map(Chain& chain, const gateway::Block& block, const std::string& suffix, const Step& step);

  std::span<const Side> sides_;
  Document& document_;
  std::map<const Service*, std::vector<gateway::Block>> services_;
  std::map<std::string, Map*> maps_;  ///< by name
};

}  // namespace hcipol::backends::nftables
