// What stands around the policy's own rules: connections that are open, neighbours, and the rest.
#pragma once

#include <span>

#include "backends/iptables/flow_chains.h"
#include "backends/iptables/settings.h"

namespace hcipol::backends::iptables {

/// The frame of one path in one family.
class Frame {
 public:
  Frame(const Path& path, net::Family family, const flow::DevicePolicy& device,
        gateway::Peers& peers, ServiceBook& services, const Settings& settings, Document& document);

  /// Appends the chains of the path, those of the rules among them, and the hook.
  void add(FlowChains& flows, Rules& rules);

 private:
  Line jump(Verdict::Kind kind, std::string_view label);
  Line log(std::string_view what);
  static Line plain(Verdict::Kind kind);
  static Line state(Line::State which, Verdict::Kind verdict);
  Line untracked(std::uint8_t type);

  Chain beside_others(const FlowChains& flows);
  Chain alone(const FlowChains& flows);
  void add_others(const FlowChains& flows, std::vector<Line>& lines);
  void add_both_ways(std::vector<Line>& lines, const Match* match, std::string_view label);
  Chain ours(const FlowChains& flows);
  Chain others();
  Chain denied();
  Chain refused();
  void refuse(std::vector<Line>& lines);
  void drop_what_is_invalid(std::vector<Line>& lines);
  void deny_what_is_seen(std::vector<Line>& lines);
  void add_what_is_seen(const Line& like, std::vector<Line>& lines);
  void add_between(const Line& like, const gateway::Direction& direction,
                   std::span<const Service> services, std::vector<Line>& lines);
  void add_neighbour_discovery(std::vector<Line>& lines);
  void add_listeners(std::vector<Line>& lines);
  Line loopback(Verdict::Kind verdict) const;

  const Path& path_;
  net::Family family_;
  const std::optional<sema::Flow>& sees_;
  gateway::Peers& peers_;
  ServiceBook& services_;
  const Settings& settings_;
  Document& document_;
  /// The servers, or on a machine its own addresses.
  std::vector<gateway::Peer*> own_;
  bool knows_own_ = false;
};

}  // namespace hcipol::backends::iptables
