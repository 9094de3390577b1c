// The options of an iptables target, read and checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "backends/backend.h"

namespace hcipol::backends::iptables {

inline constexpr std::string_view title = "iptables";

/// The longest `chain` that leaves the names made from it enough room: iptables 1.8.9 takes 28
/// bytes for a chain, ipset 7.17 takes 31 for a set.
inline constexpr std::size_t max_base = 16;

struct Settings {
  /// How host names reach the device: as sets that dnsmasq fills, as the addresses that the policy
  /// gives for the same endpoint, or not at all.
  enum class Names { dnsmasq, addresses, refuse };
  /// What becomes of the servers' traffic that nothing allows. `pass` hands it back to FORWARD.
  enum class Rest { reject, drop, pass };

  std::string base;  ///< the top chain, and the beginning of every other chain and set
  Names names = Names::dnsmasq;
  Rest rest = Rest::reject;
  bool log = true;  ///< log what is denied
  std::uint16_t log_group = 5;
};

std::span<const sema::OptionSpec> options();

/// Reports options that are not valid (E0611) and goes on with their defaults.
Settings read_settings(const flow::DevicePolicy& device, EmitContext& context);

}  // namespace hcipol::backends::iptables
