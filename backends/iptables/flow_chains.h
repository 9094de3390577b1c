// The chains of the policy's own rules, on one path and in one family.
#pragma once

#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "backends/common/gateway/line_texts.h"
#include "backends/common/gateway/peers.h"
#include "backends/iptables/branches.h"
#include "backends/iptables/path.h"
#include "backends/iptables/services.h"
#include "flow/flow.h"

namespace hcipol::backends::iptables {

using gateway::LineText;

/// Exceptions, denies, then one chain for each source of what is allowed: a packet visits only
/// those of sources that it comes from.
class FlowChains {
 public:
  FlowChains(const Path& path, net::Family family, const std::string& base,
             const gateway::Peers& peers, gateway::LineTexts& texts, Document& document)
      : path_(path),
        family_(family),
        base_(base),
        peers_(peers),
        texts_(texts),
        document_(document),
        denied_(document.words.emplace_back(path.chain(base, "denied"))),
        refused_(document.words.emplace_back(path.chain(base, "refused"))) {}

  /// `services` are the flow's.
  void add(const flow::Flow& flow, const ServiceLines& services);

  bool empty() const { return except_.lines.empty() && deny_.lines.empty() && allow_.empty(); }
  /// Whether lines lead to the chain "denied"; to "refused", after a log of their own.
  bool denies() const { return denies_; }
  bool refuses() const { return refuses_; }
  /// Whose traffic is spoken of without a server at either end, by label.
  const PeersByLabel& others() const { return others_; }

  /// Appends the chain "flows", if there are any, and those that it leads to.
  void take(Rules& rules);

 private:
  /// A chain of rules: the exceptions, the denies, or what one source is allowed.
  struct Part {
    const gateway::Peer* peer = nullptr;
    std::vector<Line> lines;
    std::vector<std::pair<const flow::Flow*, const policy::Rule*>> told;  ///< what lines are of
  };
  struct Packets {
    const Match* from;
    const Match* to;
    const Service& service;
  };

  Part& part_of(const flow::Flow& flow, const gateway::Peer& from);
  void add(const flow::Flow& flow, gateway::Peer& from, gateway::Peer& to,
           std::span<const Service> services, Part& part);
  void add_lines(std::vector<Line>& lines, policy::Rule::Kind kind, const LineText& text,
                 const Packets& packets) const;
  void note_others(const gateway::Peer& from, const gateway::Peer& to);
  Line jump(std::string name);
  std::vector<Part*> sources();
  void take(std::string name, Part& part, Rules& rules) const;

  const Path& path_;
  net::Family family_;
  const std::string& base_;
  const gateway::Peers& peers_;
  gateway::LineTexts& texts_;
  Document& document_;
  const std::string& denied_;  ///< the chain's name
  const std::string& refused_;
  bool denies_ = false;
  bool refuses_ = false;
  Part except_;
  Part deny_;
  std::unordered_map<const gateway::Peer*, Part> allow_;
  PeersByLabel others_;
};

}  // namespace hcipol::backends::iptables
