// One machine with the tools of a gateway: whose firewall it is, and which way packets meet it.
#pragma once

#include <map>
#include <vector>

#include "backends/common/gateway/option_reader.h"
#include "backends/common/gateway/peers.h"
#include "flow/flow.h"

namespace hcipol::backends::gateway {

/// What is forwarded; or, on a machine of its own, what it receives and what it sends.
enum class Way { forward, in, out };

inline constexpr sema::OptionSpec mode_option{
    "mode", "string", "gateway",
    "\"gateway\" (what a gateway forwards) or \"host\" (what one machine itself receives and "
    "sends)"};
inline constexpr sema::OptionSpec host_option{
    "host", "address", "none",
    "the addresses of that machine, or of machines that are all treated alike: a role, a node, "
    "addresses"};

/// The option `mode`: true for a machine. Whose firewall it is must be said exactly once, and what
/// it sees must be the machine's (else E0611).
bool read_mode(const flow::DevicePolicy& device, OptionReader& reader);

/// Those whose traffic is denied unless something allows it: the machine's addresses, or the
/// servers.
std::vector<Peer*> own_peers(const flow::DevicePolicy& device, Peers& peers, bool host);

/// The flows that packets of one way are of: on a machine, those that end or begin there. Where the
/// target sees only what goes the other way, what machines with the same file send each other is a
/// part of flows that do not end there as a whole.
class WayFlows {
 public:
  /// `device` must stay.
  WayFlows(Way way, const flow::DevicePolicy& device);

  /// Whether the device's flow of this index is one of them.
  bool has(std::size_t index) const;

 private:
  bool meets(const flow::Flow& flow) const;

  Way way_;
  const std::vector<flow::Flow>& flows_;
  net::AddressSet machine_;
  bool in_parts_ = false;
  std::map<const policy::Rule*, std::vector<std::size_t>> of_rule_;
};

/// From whom to whom packets are seen.
struct Direction {
  const std::vector<const policy::NamedSet*>* from;
  const std::vector<const policy::NamedSet*>* to;
};

/// What the target sees, without what is on this way, with these addresses of its own, a part of
/// the other direction: `host <-> any` is one on each way.
std::vector<Direction> directions(const sema::Flow& sees, Way way,
                                  const std::vector<Peer*>& own_peers);

/// Whether that is all of what these have a part in on this way. False where that is not plain.
bool sees_all(const sema::Flow& sees, Way way, const std::vector<Peer*>& own_peers);

/// The addresses of all of them.
net::AddressSet addresses_of(const std::vector<Peer*>& peers);

}  // namespace hcipol::backends::gateway
