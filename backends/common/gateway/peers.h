// The policy's named sets as matches: one prefix as it is, more as a set under the policy's name.
#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "backends/common/gateway/sets.h"
#include "backends/common/gateway/settings.h"
#include "flow/flow.h"

namespace hcipol::backends::gateway {

/// At most two, which most peers have one of: of its addresses, and of its names.
class Matches {
 public:
  void add(const Match* match) { matches_.at(count_++) = match; }
  std::span<const Match* const> all() const { return {matches_.data(), count_}; }

 private:
  std::array<const Match*, 2> matches_{};
  std::size_t count_ = 0;
};

/// A named set as the device sees it.
struct Peer {
  const policy::NamedSet* set = nullptr;
  std::string label;                      ///< unique; part of the names of its chain and sets
  net::AddressSet addresses;              ///< known now
  std::vector<net::DomainPattern> names;  ///< learnt by dnsmasq
  std::array<std::vector<net::Cidr>, 2> prefixes;  ///< of `addresses`, by family
  /// By family: any of them; none: it is not in that family. A null pointer matches everything.
  std::array<Matches, 2> matches;
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

  std::span<const Match* const> in(net::Family family) const {
    return matches[static_cast<std::size_t>(family)].all();
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
  /// The matches will belong to `sets`; the device's flows must stay.
  Peers(const flow::DevicePolicy& device, const Settings& settings, const Dialect& dialect,
        Sets& sets, EmitContext& context);

  const Settings& settings() const { return settings_; }
  const Dialect& dialect() const { return dialect_; }

  Peer& of(const policy::NamedSet* set) { return *by_set_.at(set); }
  /// The peers of `flow.from` or `flow.to`, each once. Host names that are too many to be looked up
  /// one after the other are one peer of the flow's own, whose sets dnsmasq fills for all of them.
  std::span<Peer* const> from(const flow::Flow& flow) const { return on_device(side(flow)); }
  std::span<Peer* const> to(const flow::Flow& flow) const { return on_device(side(flow) + 1); }
  /// A peer for each of the sets, as the policy has them.
  std::span<Peer* const> named_from(const flow::Flow& flow) const { return named(side(flow)); }
  std::span<Peer* const> named_to(const flow::Flow& flow) const { return named(side(flow) + 1); }
  /// Null if the policy has no servers.
  Peer* servers() { return servers_; }
  static void use(Peer& peer, net::Family family) {
    peer.used[static_cast<std::size_t>(family)] = true;
  }

  /// Gives the sets the lists, learnt sets and domains of what was used.
  void write(EmitContext& context);

 private:
  /// Two for each of the device's flows, `from` and `to`.
  std::size_t side(const flow::Flow& flow) const {
    return 2 * static_cast<std::size_t>(&flow - flows_.data());
  }
  std::span<Peer* const> named(std::size_t side) const {
    return std::span(named_).subspan(starts_[side], starts_[side + 1] - starts_[side]);
  }
  std::span<Peer* const> on_device(std::size_t side) const {
    const auto other = others_.find(side);
    return other == others_.end() ? named(side) : other->second;
  }

  Peer* add(const policy::NamedSet* set);
  Peer& make(const policy::NamedSet& set, std::string label);
  std::string label_of(const policy::NamedSet& set) const;
  void add_side(const std::vector<const policy::NamedSet*>& sets);
  void join(const flow::Flow& flow, std::size_t side, std::string_view what);
  Peer& joined(const flow::Flow& flow, std::vector<net::DomainPattern> names,
               std::string_view what);
  void tell_apart(EmitContext& context);
  void check_labels(EmitContext& context) const;
  void match_all();
  void match(Peer& peer, net::Family family);
  const Match* keep(Match match) { return &sets_.matches.emplace_back(std::move(match)); }

  std::string list_name(const Peer& peer, net::Family family) const;
  std::string learnt_name(const Peer& peer, net::Family family) const;

  const std::vector<flow::Flow>& flows_;
  const Settings& settings_;
  const Dialect& dialect_;
  Sets& sets_;
  std::size_t label_limit_;  ///< bytes
  std::deque<Peer> peers_;
  std::unordered_map<const policy::NamedSet*, Peer*> by_set_;
  /// While they are made; null for a label that the device has taken.
  std::unordered_multimap<std::string_view, Peer*> by_label_;
  std::deque<policy::NamedSet> joined_;
  std::vector<Peer*> named_;         ///< of all sides, one after the other
  std::vector<std::size_t> starts_;  ///< by side: where in `named_` it begins, and the end of all
  /// By side, where the device has others than the policy: names joined, or one peer for two sets.
  std::unordered_map<std::size_t, std::vector<Peer*>> others_;
  Peer* servers_ = nullptr;
};

}  // namespace hcipol::backends::gateway
