// The exceptions, the denies or the allows of a device: what the first of the three matches
// decides, and within one of them all have the same verdict, so their order is free.
#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
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

/// A chain that finds rules by their source. From one prefix to another on a few ports, or ranges
/// of ports, is an element of a map, whatever their number; other rules stand in a chain of their
/// source, which is found in a map if it is one prefix and by a rule if it is a set. Where those
/// are many, maps lead to some of them.
class Phase {
 public:
  /// Chains and maps go into `document`; `name` is the chain's and the beginning of the others'.
  /// `logged` is the verdict on what a rule has logged.
  Phase(std::string_view name, Verdict verdict, Verdict logged, gateway::LineTexts& texts,
        Document& document)
      : name_(name), verdict_(verdict), logged_(logged), texts_(texts), document_(document) {}

  void add(const FamilyFlow& flow);
  bool empty() const { return pairs_.empty() && sources_.empty(); }
  /// Whether any rule has a log of its own; has none.
  bool logs() const { return logs_[1]; }
  bool is_silent() const { return logs_[0]; }
  const std::string& name() const { return name_; }
  /// Gives the document the chains.
  void write();

 private:
  /// Where an element goes: by family, the lengths of its prefixes, and whether it may have a range
  /// of ports. Kernels find single values faster than intervals.
  using Lengths = std::tuple<net::Family, unsigned, unsigned, bool>;

  struct Source {
    Peer* peer = nullptr;
    std::array<bool, 2> has{};  ///< by family: any rules
    std::map<Lengths, Map*> to;
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
  /// An element for each port, or for each range of them.
  void add_elements(Peer& from, const FamilyFlow& flow, const Destinations& to,
                    const Service& service, bool ranges);
  std::vector<net::PortRange> fresh(const Map& map, const std::string& key, const Service& service);
  void add_rules(Peer& from, const FamilyFlow& flow, const Destinations& to,
                 const Service* service);
  void put_rule(Source& source, Rule rule, const LineText& text) const;
  const Match* joined(const Destinations& to);
  Map& map(std::map<Lengths, Map*>& maps, const Lengths& lengths, Map::Key key,
           const std::string& name);
  void add_source(Source& source, std::vector<Rule>& jumps, std::map<Lengths, Map*>& maps);
  bool into_map(const Source& source, net::Family family, std::map<Lengths, Map*>& maps);
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
  std::map<Lengths, Map*> pairs_;
  std::map<std::string, Source> sources_;  ///< by label
  std::unordered_map<const Map*, std::unordered_set<std::string>> keys_;
  /// What elements with ranges open already, by the rest of their keys: nft refuses what overlaps.
  std::unordered_map<const Map*, std::unordered_map<std::string, net::ServiceSet>> open_;
};

}  // namespace hcipol::backends::nftables
