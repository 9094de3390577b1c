// The ends of a flow as security rules can have them, and its service.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/azure_nsg/document.h"
#include "backends/backend.h"

namespace hcipol::backends::azure_nsg {

struct Side {
  net::AddressSet addresses;
  std::vector<std::string> tags;  ///< sorted
};

/// What one rule can have at one end.
struct Alternative {
  Prefixes prefixes;
  std::optional<net::Family> family;  ///< nothing: both
  std::string suffix;                 ///< for names of rules: "", "-v6", "-Storage"
};
std::vector<Alternative> alternatives(const Side& side);

/// Nothing if a set has names that neither addresses nor a service tag stand in for: that has been
/// reported then. What is wider by that has been, too.
std::optional<Side> side_of(const flow::Flow& flow, bool source, EmitContext& context);

/// A protocol with its ports: one rule.
struct Part {
  net::ServiceSet service;  ///< as far as it was asked for
  std::string_view protocol;
  std::vector<std::string> ports;
  std::string_view suffix;  ///< for names of rules: "-tcp"
  bool ipv4_only = false;
};
struct Parts {
  std::vector<Part> parts;
  bool icmp_widened = false;   ///< only some types or codes were asked for, of which NSGs know none
  bool icmpv6_lost = false;    ///< ICMPv6 is among them, of which NSGs do not know
  net::ServiceSet impossible;  ///< other protocols
};
Parts parts_of(const net::ServiceSet& service);

}  // namespace hcipol::backends::azure_nsg
