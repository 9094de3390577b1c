// What Windows rules say less exactly than the policy, collected so that each rule is reported
// once.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "backends/backend.h"
#include "backends/windows_firewall/peers.h"

namespace hcipol::backends::windows_firewall {

/// The servers of a cluster have much the same flows, and so the same losses.
class Losses {
 public:
  /// `resolves`: the device's rules match host names too.
  Losses(EmitContext& context, std::string_view device, bool resolves)
      : context_(context), device_(device), resolves_(resolves) {}

  void start_script() { script_.clear(); }
  /// `own` is the server's side of the flow and `remote` the other. All must stay until report().
  void add(const flow::Flow& flow, const Peers& own, const Peers& remote, const policy::Node& node,
           bool inbound);
  /// A rule of Windows' own stands for a part of the flow's services.
  void add_builtin(const flow::Flow& flow, const BuiltinRule& builtin, const policy::Node& node);
  /// Since start_script(), for people: "hci/updates.https: *.windowsupdate.com".
  const std::set<std::string>& of_script() const { return script_; }
  /// Reports everything, in the order in which it was added first.
  void report();

 private:
  struct Loss {
    const flow::Flow* flow = nullptr;  ///< the rule's first
    std::set<std::string> unmatched;
    std::set<std::string> sources;  ///< unmatched names that would have to be a source
    std::set<std::string> widened;
    std::map<std::string, std::set<std::string>> wider_from, wider_to;  ///< by services
    std::set<std::string> missing_tags;
    std::set<std::string> inexpressible;
    bool has_tag = false;
    std::vector<Change> changes;
  };

  static void add_changes(Loss& loss, const flow::Flow& flow, const Peers& own, const Peers& remote,
                          const policy::Node& node, bool inbound);
  Loss& loss_of(const flow::Flow& flow);
  void add_excepted(Loss& loss, const Peers& remote, bool inbound, const std::string& on) const;
  void report(Loss& loss);
  void report_unmatched(Loss& loss);

  EmitContext& context_;
  std::string_view device_;
  bool resolves_;
  std::set<std::string> script_;
  std::set<std::tuple<const policy::Rule*, const Peers*, net::ServiceSet>> seen_;
  std::map<const policy::Rule*, std::size_t> index_;
  std::vector<Loss> losses_;
  std::set<std::string> reported_tags_;
};

}  // namespace hcipol::backends::windows_firewall
