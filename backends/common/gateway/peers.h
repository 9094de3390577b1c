// The policy's named sets as matches: one prefix as it is, more as a set under the policy's name.
#pragma once

#include <array>
#include <deque>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "backends/common/gateway/sets.h"
#include "backends/common/gateway/settings.h"
#include "flow/flow.h"

namespace hcipol::backends::gateway {

/// A named set as the device sees it.
struct Peer {
  const policy::NamedSet* set = nullptr;
  std::string label;                      ///< unique; part of the names of its chain and sets
  net::AddressSet addresses;              ///< known now
  std::vector<net::DomainPattern> names;  ///< learnt by dnsmasq
  std::array<std::vector<net::Cidr>, 2> prefixes;  ///< of `addresses`, by family
  /// By family: any of them; none: it is not in that family. A null pointer matches everything.
  std::array<std::vector<const Match*>, 2> matches;
  std::array<bool, 2> server{};  ///< by family: all its addresses are servers'
  std::array<bool, 2> used{};
  /// Why the device cannot have it, as the object of "cannot express".
  std::string fault;
  std::string missing_tag;  ///< the service tag whose prefixes the policy does not have
  std::vector<net::DomainPattern> unlocked;  ///< names that the file of addresses does not have
  /// `addresses` are those that a file gives for the set's service tag or its names: they change
  /// with the file, and nothing else of the device may change with them.
  bool by_file = false;
  /// How the device's set is wider than the policy's, with a long list shortened and whole; and by
  /// what, as in Wider.
  std::string wider;
  std::string wider_whole;
  std::vector<std::string> wider_by;
  std::vector<std::string> below;  ///< by which names beyond `names` it is wider
  bool is_wider() const { return !wider.empty() || !below.empty(); }

  const std::vector<const Match*>& in(net::Family family) const {
    return matches[static_cast<std::size_t>(family)];
  }
  bool any(net::Family family) const {
    return !in(family).empty() && in(family).front() == nullptr;
  }
  /// Whether its addresses of the family are a set on the device, and not one prefix in the rule.
  bool listed(net::Family family) const {
    const std::size_t count = prefixes[static_cast<std::size_t>(family)].size();
    return by_file ? count > 0 : count > 1;
  }
  /// About how many addresses of the family it has; names and tags have as many as the Internet.
  double breadth(net::Family family) const;
};

/// The peers of all flows. Lines are built in any order; what they use is remembered, so that only
/// those sets are written.
class Peers {
 public:
  /// The matches will belong to `sets`.
  Peers(const flow::DevicePolicy& device, const Settings& settings, const Dialect& dialect,
        Sets& sets, EmitContext& context);

  const Settings& settings() const { return settings_; }
  const Dialect& dialect() const { return dialect_; }

  Peer& of(const policy::NamedSet* set) { return *by_set_.at(set); }
  /// The peers of `flow.from` or `flow.to`, each once. Host names that are too many to be looked up
  /// one after the other are one peer of the flow's own, whose sets dnsmasq fills for all of them.
  std::vector<Peer*> from(const flow::Flow& flow) { return side(flow.from); }
  std::vector<Peer*> to(const flow::Flow& flow) { return side(flow.to); }
  /// Null if the policy has no servers.
  Peer* servers() { return servers_; }
  static void use(Peer& peer, net::Family family) {
    peer.used[static_cast<std::size_t>(family)] = true;
  }

  /// Gives the sets the lists, learnt sets and domains of what was used.
  void write(EmitContext& context);

 private:
  using Side = std::vector<const policy::NamedSet*>;

  void add(const policy::NamedSet* set);
  void join_names(const flow::Flow& flow, const Side& sets, std::string_view what);
  std::vector<Peer*> side(const Side& sets);
  void label_all();
  void check_labels(EmitContext& context) const;
  void match_all();
  void match(Peer& peer, net::Family family);
  const Match* keep(Match match) { return &sets_.matches.emplace_back(std::move(match)); }

  std::string list_name(const Peer& peer, net::Family family) const;
  std::string learnt_name(const Peer& peer, net::Family family) const;

  const Settings& settings_;
  const Dialect& dialect_;
  Sets& sets_;
  std::deque<Peer> peers_;
  std::unordered_map<const policy::NamedSet*, Peer*> by_set_;
  std::deque<policy::NamedSet> joined_;
  std::unordered_map<const Side*, Peer*> by_side_;  ///< of a flow: in place of its names
  std::unordered_map<std::string, std::vector<Peer*>> by_name_;
  Peer* servers_ = nullptr;
};

}  // namespace hcipol::backends::gateway
