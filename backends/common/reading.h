// What a device does, as read back from its files: lists of rules over sets of packets, whatever
// language they were written in.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "flow/flow.h"
#include "net/packet_set.h"

namespace hcipol::backends {

/// A rule of a device. What a null pointer stands for is not asked about: every peer, every
/// service.
struct ReadRule {
  /// `leave` ends the list without a verdict. After `jump` to another list that had none, the rules
  /// behind go on; after `go`, they do not.
  enum class Act : std::uint8_t { allow, deny, leave, jump, go };

  const net::PeerSet* from = nullptr;
  const net::PeerSet* to = nullptr;
  const net::ServiceSet* service = nullptr;
  Act act = Act::allow;
  std::uint32_t list = 0;  ///< the index of the list that `jump` and `go` lead to
};

/// The first rule that matches decides.
using RuleList = std::vector<ReadRule>;

/// RFC 4890 §4.4.1: router and neighbour solicitations and advertisements, and what tells switches
/// who listens to which group.
net::ServiceSet neighbour_discovery();
net::ServiceSet multicast_listeners();

/// What becomes of one kind of traffic. Packets that no rule decides on are left to rules that are
/// not the policy's, or denied.
struct Reading {
  enum class Traffic {
    connections,  ///< the first packet of each
    replies,      ///< what belongs or is related to a connection that was allowed
    invalid,      ///< what belongs to none although it should
    neighbours,   ///< neighbour discovery that no router has touched (RFC 4861)
    itself        ///< what a machine sends itself
  };

  std::string file;  ///< for people, the one to look at
  Traffic traffic = Traffic::connections;
  std::vector<net::Family> families;   ///< of the packets that the lists decide on
  const policy::Node* node = nullptr;  ///< the server whose firewall it is, on host firewalls
  /// On a machine that the policy's target is for (TargetView::machine) and not between machines.
  bool on_machine = false;
  bool inbound = false;         ///< to that server or machine
  std::vector<RuleList> lists;  ///< the first one is asked first
  bool denies_rest = false;
  net::ServiceSet never;  ///< what no packet can ask for as the device sees it
  /// Where rules end by the device's own clock: the day that this is about. Exceptions that have
  /// ended before it are not meant then.
  std::optional<Date> day;
  /// Of the rules and of what is meant, only what ends with that day.
  bool only_ending = false;
  /// What `neighbours` is about: neighbour discovery, or the multicast listeners of a machine.
  net::ServiceSet untracked = neighbour_discovery();
};

/// Thrown by readers for whatever they do not know for certain, and for what the device refuses.
struct Unreadable : std::runtime_error {
  Unreadable(std::string_view file, std::size_t line, std::string_view what);
};

/// All that a device's files say. Rules point into `peers` and `services`.
struct DeviceReading {
  std::vector<Reading> readings;
  std::deque<net::PeerSet> peers;
  std::deque<net::ServiceSet> services;

  const net::PeerSet* keep(net::PeerSet set) { return &peers.emplace_back(std::move(set)); }
  const net::ServiceSet* keep(net::ServiceSet set) {
    return &services.emplace_back(std::move(set));
  }
};

/// What a reader knows besides the bytes: what is at the site, and what a service tag stands for.
class ReadContext {
 public:
  explicit ReadContext(const flow::DevicePolicy& device);

  const flow::DevicePolicy& device() const { return device_; }
  /// The addresses of the machine that the device is, if it is one.
  std::optional<net::AddressSet> machine() const;
  /// Those whose traffic the device denies unless something allows it: the machine's, or the
  /// servers'.
  net::AddressSet guarded() const;
  const sema::Options& options() const { return device_.view->options; }
  /// The tag's prefixes as the policy's data has them; without data a name that no host can have.
  /// Tags are compared without regard to case.
  net::PeerSet tag(std::string_view tag) const;
  /// A set's meaning for devices: its service tags are resolved, and every name at once says
  /// nothing that the addresses beside it do not say.
  net::PeerSet meant(const net::PeerSet& set) const;

 private:
  const flow::DevicePolicy& device_;
  std::unordered_map<std::string, net::AddressSet> tags_;  ///< by the tag in lower case
};

}  // namespace hcipol::backends
