// Which rules are behind a check that does not hold, and one packet that shows it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "diagnostics/reporter.h"
#include "verify/situation.h"

namespace hcipol::verify {

/// A rule that lets a wrong packet through or keeps it out.
struct Culprit {
  const policy::Rule* rule = nullptr;
  bool of_witness = false;  ///< it decides the packet that is shown, not only others
};

struct Blame {
  net::Packet witness;            ///< one of the wrong packets
  std::vector<Culprit> culprits;  ///< those of the witness first, then by address; each rule once
};

/// `flows` are those that count; `wrong` is not empty.
Blame blame(Situation& situation, std::span<const flow::Flow> flows, const policy::Check& check,
            const net::PacketSet& wrong);

/// "hci/failover-clustering.rpc": the rule as it is written, before proxies split it.
std::string written_address(const policy::Rule& rule);

/// "203.0.113.40 -> 10.1.0.11 (node.e1) on tcp/445": each end with the narrowest set of the cluster
/// that it is in.
std::string packet_text(const net::Packet& packet, const policy::Cluster& cluster);

/// "203.0.113.40 -> 10.1.0.11 (node.e1) on tcp/445 is allowed", or "… is not allowed".
std::string finding(const Blame& blame, const policy::Check& check, const policy::Cluster& cluster);

/// Points at the rules, or says that there is none.
void point_at_rules(DiagnosticBuilder& report, const Blame& blame, const policy::Check& check);

}  // namespace hcipol::verify
