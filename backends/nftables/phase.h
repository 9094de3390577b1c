// The exceptions, the denies or the allows of a device: what the first of the three matches
// decides, and within one of them all have the same verdict, so their order is free.
#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "backends/common/gateway/blocks.h"
#include "backends/common/gateway/line_texts.h"
#include "backends/common/gateway/peers.h"
#include "backends/nftables/document.h"

namespace hcipol::backends::nftables {

using gateway::LineText;
using gateway::Peer;

/// One flow's share of a family.
struct FamilyFlow {
  const flow::Flow* flow = nullptr;
  net::Family family = net::Family::ipv4;
  std::vector<Peer*> from;
  std::vector<Peer*> to;
  std::vector<const Service*> services;  ///< a null pointer: every service
};

/// A chain that finds rules by their source. From one host to another on a few ports is an element
/// of a map, whatever their number; other rules stand in a chain of their source, which is found in
/// a map if it is one prefix and by a rule if it is a set. Where those are many, maps lead to some
/// of them.
class Phase {
 public:
  /// Chains and maps go into `document`; `name` is the chain's and the beginning of the others'.
  /// `logged` is the verdict on what a rule has logged.
  Phase(std::string_view name, Verdict verdict, Verdict logged, gateway::LineTexts& texts,
        Document& document)
      : name_(name), verdict_(verdict), logged_(logged), texts_(texts), document_(document) {}

  void add(const FamilyFlow& flow);
  bool empty() const { return !pairs_[0] && !pairs_[1] && sources_.empty(); }
  /// Whether any rule has a log of its own; has none.
  bool logs() const { return logs_[1]; }
  bool is_silent() const { return logs_[0]; }
  const std::string& name() const { return name_; }
  /// Gives the document the chains.
  void write();

 private:
  /// Maps of sources, by family and length of prefix: nft refuses what lies within another element.
  using ByPrefix = std::map<std::pair<net::Family, unsigned>, Map*>;

  struct Source {
    Peer* peer = nullptr;
    std::array<bool, 2> has{};  ///< by family: any rules
    std::array<Map*, 2> to{};   ///< by family: to hosts
    std::vector<Rule> rules;
    std::vector<gateway::Block> about;  ///< the services that it asks for
    bool about_all = false;
  };
  struct Destinations {
    bool any = false;
    std::vector<std::pair<net::Cidr, const Peer*>> prefixes;
    std::vector<std::pair<const Match*, const Peer*>> sets;
  };

  static Destinations destinations(const FamilyFlow& flow);
  Source& source(Peer& peer, net::Family family, const Service* service);
  /// An element for each port of each destination, which are hosts.
  void add_elements(Peer& from, const FamilyFlow& flow, const Destinations& to,
                    const Service& service);
  void add_rules(Peer& from, const FamilyFlow& flow, const Destinations& to,
                 const Service* service);
  void put_rule(Source& source, Rule rule, const LineText& text) const;
  const Match* joined(const Destinations& to);
  Map& map(Map*& place, net::Family family, Map::Key key, std::string name);
  void add_source(Source& source, std::vector<Rule>& jumps, ByPrefix& maps);
  bool into_map(const Source& source, net::Family family, ByPrefix& maps);
  const std::string* word(std::string text) {
    return &document_.words.emplace_back(std::move(text));
  }
  std::string chain_of(const Source& source) const { return name_ + "." + source.peer->label; }

  std::string name_;
  Verdict verdict_;
  Verdict logged_;
  std::array<bool, 2> logs_{};  ///< rules without, with a log of their own
  gateway::LineTexts& texts_;
  Document& document_;
  std::array<Map*, 2> pairs_{};            ///< by family
  std::map<std::string, Source> sources_;  ///< by label
  std::unordered_map<const Map*, std::unordered_set<std::string>> keys_;
};

}  // namespace hcipol::backends::nftables
