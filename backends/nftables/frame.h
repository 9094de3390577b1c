// What stands around the policy's own rules: connections that are open, neighbours, and the rest.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/common/gateway/machine.h"
#include "backends/nftables/phase.h"
#include "backends/nftables/services.h"
#include "backends/nftables/settings.h"

namespace hcipol::backends::nftables {

using gateway::Peers;
using gateway::Way;

/// The chains of one way, for both families.
class Frame {
 public:
  Frame(Way way, const flow::DevicePolicy& device, Peers& peers, ServiceBook& services,
        gateway::LineTexts& texts, Document& document);

  void add(const flow::Flow& flow);
  /// Gives the document the chains, the hooked one first.
  void finish();
  /// Whether one of them leads to denied_chain(), to refused_chain().
  bool refuses() const { return refuses_; }
  bool refuses_logged() const { return deny_.logs(); }

 private:
  static std::size_t index(net::Family family) { return static_cast<std::size_t>(family); }
  std::array<Phase*, 3> phases() { return {&except_, &deny_, &allow_}; }
  Phase& phase_of(policy::Rule::Kind kind);
  bool knows_own() const { return knows_own_[0] || knows_own_[1]; }

  std::vector<Peer*> present(const std::vector<const policy::NamedSet*>& sets, net::Family family);
  Rule to_chain(Verdict::Kind kind, std::string text);
  Rule to_own(Verdict::Kind kind, std::string_view chain) {
    return to_chain(kind, prefix_ + std::string(chain));
  }
  void note_others(Peer& from, Peer& to, net::Family family);
  void add_both_ways(std::vector<Rule>& rules, const Match* match, net::Family family,
                     std::string_view chain);
  void add_servers(std::vector<Rule>& rules);
  void add_machine(std::vector<Rule>& rules);
  void add_others(std::vector<Rule>& rules);
  void add_jumps(std::vector<Rule>& rules);
  Chain ours();
  Chain others();
  Rule neighbour_discovery();
  /// The chain of what is invalid where the target does not see all of it.
  Chain invalid();
  void deny_what_is_seen(std::vector<Rule>& rules);
  void add_what_is_seen(const Rule& like, std::vector<Rule>& rules);
  bool is_all(const gateway::Direction& direction);
  bool is_any(const std::vector<const policy::NamedSet*>& sets);
  void add_between(const Rule& like, const gateway::Direction& direction, net::Family family,
                   const std::vector<const Service*>& services, std::vector<Rule>& rules);

  Way way_;
  std::string prefix_;  ///< of the names of chains and maps
  const std::optional<sema::Flow>& sees_;
  Peers& peers_;
  const Settings& settings_;
  ServiceBook& services_;
  Document& document_;
  /// The servers, or on a machine its own addresses.
  std::vector<Peer*> own_;
  std::array<bool, 2> knows_own_{};  ///< by family
  bool sees_all_ = true;             ///< of what is theirs on this way
  const std::string& denied_;        ///< the chain's name
  const std::string& refused_;
  Phase except_;
  Phase deny_;
  Phase allow_;
  bool refuses_ = false;
  std::array<std::map<std::string, Peer*>, 2> others_;  ///< by family
};

/// Where all that is refused goes, on whatever way; where it goes once its rule has logged it, so
/// that it takes no share of the common log.
Chain denied_chain(const Settings& settings, Document& document);
Chain refused_chain(const Settings& settings, Document& document);

}  // namespace hcipol::backends::nftables
