// What differs between the Linux gateways: how they name things, and how much they hold.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "net/address_set.h"

namespace hcipol::backends::gateway {

struct Dialect {
  std::string_view title;  ///< the device, in diagnostics
  /// What traffic that `default = "return"` hands back meets next.
  std::string_view rest;

  /// The option that names the chain or the table: everything else is named after it.
  std::string_view base_option;
  std::size_t max_base = 0;  ///< bytes
  /// Why the device cannot have this name, or "".
  std::string (*base_fault)(std::string_view base) = nullptr;

  /// Bytes of a label, which is what the names of a peer's sets and chains are made with.
  std::size_t (*label_limit)(std::string_view base) = nullptr;
  /// Labels that would meet other names of the device: a set called so gets a hash.
  std::span<const std::string_view> taken_labels;
  /// The name of the set that the policy fills, and of the one that dnsmasq fills.
  std::string (*list_name)(std::string_view base, std::string_view label, net::Family) = nullptr;
  std::string (*learnt_name)(std::string_view base, std::string_view label, net::Family) = nullptr;

  std::string_view domain_option;  ///< of dnsmasq: "ipset", "nftset"
  /// How long addresses stay known, to be said of a device with names; "" if dnsmasq renews them.
  std::string_view learnt_note;
  /// A learnt set as that option refers to it.
  std::string (*reference)(std::string_view base, std::string_view set, net::Family) = nullptr;

  /// Who fills the learnt sets, and who must ask it: for diagnostics.
  std::string_view resolver = "the gateway's dnsmasq";
  std::string_view askers = "what opens the connections (the servers, or the proxy that they use)";

  std::string_view set_tool;     ///< what holds the lists, in diagnostics
  std::size_t max_prefixes = 0;  ///< of a list; 0: as many as the policy has
};

}  // namespace hcipol::backends::gateway
