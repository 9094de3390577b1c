// Descriptions: what a rule of the device says about where it comes from.
#pragma once

#include <string>
#include <string_view>

#include "policy/model.h"

namespace hcipol::backends::palo_alto {

/// "hci/failover-clustering.rpc: RPC between nodes. Source: https://…", and for an exception its
/// owner, its end and its reason. Fits in a rule's description.
std::string describe(const policy::Rule& rule);
std::string describe_cleanup(std::string_view cluster, const sema::NamedSet& from,
                             const sema::NamedSet& to);
/// "servers -> any", "10.0.5.0/28 -> servers on tcp/443": what a rule of the clean-up denies.
std::string describe_scope(const sema::NamedSet& from, const sema::NamedSet& to,
                           const net::ServiceSet& service);

}  // namespace hcipol::backends::palo_alto
